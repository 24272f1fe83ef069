"""Opens one web listener and mounts the routes it is given; knows none of them.

    async with listen("shop", config.listen.shop, [*kiosk_routes, *till_routes]) as bound:
        print(bound.url)

Slow or endless senders are bounded: a request's head must arrive within `head_s`, its body within `guard.BODY_S`, a
body has at most `max_body` bytes, and `doors.py` bounds the connections of a listener and of one address. The host
`::` is every address of both families; with `tls` the same pages are on a second port too.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, web
from aiohttp.typedefs import Middleware

from edge.config import Listener
from edge.config_rules import ANY_HOST
from edge.errors import UsageError
from edge.places import Network
from edge.web import doors, faults, guard, pages
from edge.web.doors import Doors

HEAD_S = 15
"""Also how long an idle connection is kept: browsers open a new one without a user noticing."""
LINGER_S = 2.0
"""Who still sends after the answer is listened to so long, so that the answer is read at all."""
MAX_BODY = 64 * 1024
"""Bytes. Forms and till calls are below 4 kB; a part that takes documents asks for more."""
FREE_PORT_TRIES = 16
"""Where the system chooses one, it must be free in both families."""
GRACE_S = 3.0
"""Answers under way at the end get this long."""
IP_FREEBIND = getattr(socket, "IP_FREEBIND", 15)
BACKLOG = 128
"""asyncio takes so many in one go before any is counted, so this too is held against the limit of open files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundListener:
    """Where a listener really is, port 0 resolved."""

    name: str
    host: str
    port: int
    tls_port: int = 0
    """0: it has none."""

    @property
    def url(self) -> str:
        """Without a slash at the end. A listener on every address is named by loopback."""
        host = ANY_HOST.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


@asynccontextmanager
async def listen(
    name: str,
    listener: Listener,
    routes: Iterable[web.AbstractRouteDef],
    *,
    first: Iterable[Middleware] = (),
    closing: Iterable[Callable[[], Awaitable[None]]] = (),
    language: str = "zh-CN",
    host_names: Collection[str] | None = (),
    change_names: Collection[str] | None = None,
    proxies: Sequence[Network] = (),
    max_body: int = MAX_BODY,
    head_s: float = 0,
    tls: doors.Context | None = None,
    tls_port: int = 0,
    without_tls: Callable[[UsageError], None] | None = None,
    early: bool = False,
    grace_s: float = GRACE_S,
) -> AsyncIterator[BoundListener]:
    """Serves until the block ends, then closes within about twice `grace_s`.

    `first` see a request before our own checks of it: whose it is, and whether it was meant for us at all.
    `closing` is called first at the end: parts with WebSockets say goodbye there.
    `language` is what a browser gets that asks for none of ours. `host_names` are the names, beside addresses,
    localhost and this machine's own, under which the listener may be called (against DNS rebinding); None: any,
    for the guest side, where phones ask for other people's sites; `change_names` are then those under which something
    may be changed. `proxies`: who brings many guests, so that their connections are not counted. `head_s`: 0: HEAD_S.
    `tls`: what to speak it with now, on `tls_port` of the same host; while that is None connections there are refused.
    `without_tls`: told when that port can't be had, and all goes on without it. `early`: an address that this machine
    does not have yet is waited for, as that of a guest network whose interface comes and goes.
    Raises UsageError when the address can't be had.
    """
    app = await asyncio.to_thread(
        _build,
        routes,
        tuple(first),
        language,
        guard.only_named(host_names, changes=change_names),
        max_body,
    )
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        logger=faults.ServerLog(app[faults.TRACES]),
        keepalive_timeout=head_s or HEAD_S,
        shutdown_timeout=grace_s,
        lingering_time=LINGER_S,
        auto_decompress=False,  # nobody of ours packs a request; unpacking a stranger's costs memory and can fail
    )
    await runner.setup()
    assert runner.server is not None
    door, servers = Doors(runner.server, proxies), list[asyncio.Server]()
    try:
        try:
            host, safe_port = _Host(listener.host, early=early), 0
            port = await _open(f"listen.{name}", host, listener.port, door, servers)
            try:
                safe_port = await _open("gate.tls_port", host, tls_port, door.tls(tls), servers) if tls else 0
            except UsageError as error:
                if without_tls is None:
                    raise
                without_tls(error)
            yield BoundListener(name=name, host=listener.host, port=port, tls_port=safe_port)
        finally:
            for server in servers:
                server.close()
            await door.close()
            for goodbye in closing:
                await goodbye()
    finally:
        await runner.cleanup()


class _Host(NamedTuple):
    name: str
    early: bool


async def _open(
    key: str, host: _Host, port: int, serve: Callable[[], asyncio.BaseProtocol], servers: list[asyncio.Server]
) -> int:
    """Adds to `servers`; the port it got."""
    loop = asyncio.get_running_loop()
    try:
        if host.name == "::":
            made = [await loop.create_server(serve, sock=bound, backlog=BACKLOG) for bound in _both_families(port)]
        elif host.early and (family := _family(host.name)) is not None:
            bound = _bound(family, host.name, port, early=True)
            made = [await loop.create_server(serve, sock=bound, backlog=BACKLOG)]
        else:
            made = [await loop.create_server(serve, host.name, port, backlog=BACKLOG)]
        servers += made
        return int(made[0].sockets[0].getsockname()[1])
    except OSError as error:
        hint = f"change {key} in gateway.toml, or stop what uses it (ss -ltnp)"
        raise UsageError(f"can't listen on {host.name}:{port}: {error.strerror or error}", hint=hint) from error


def _both_families(port: int) -> list[socket.socket]:
    """A socket for each, on one port; IPv4 alone where the machine has no IPv6. Raises OSError.

    Two, because on one for both an IPv4 peer would be written as IPv6, and nothing else here writes it so.
    """
    for _ in range(FREE_PORT_TRIES if not port else 1):
        four = _bound(socket.AF_INET, "0.0.0.0", port)  # noqa: S104 - what the operator asked for
        try:
            return [four, _bound(socket.AF_INET6, "::", four.getsockname()[1])]
        except OSError as error:
            if error.errno in {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL}:
                return [four]
            four.close()
            failed = error
    raise failed


def _family(host: str) -> socket.AddressFamily | None:
    """None: a name."""
    try:
        return {4: socket.AF_INET, 6: socket.AF_INET6}[ipaddress.ip_address(host).version]
    except ValueError:
        return None


def _bound(family: socket.AddressFamily, host: str, port: int, *, early: bool = False) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.settimeout(0)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if early:
            made.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)  # IPv6 knows it too
        made.bind((host, port))
    except OSError:
        made.close()
        raise
    return made


def _build(
    routes: Iterable[web.AbstractRouteDef],
    first: tuple[Middleware, ...],
    language: str,
    only_named: Middleware,
    max_body: int,
) -> web.Application:
    """Reads templates, words and static files: not for the event loop."""
    warnings.filterwarnings("ignore", category=BadContentDispositionHeader)  # it has a stranger's file name in it
    warnings.filterwarnings("ignore", category=BadContentDispositionParam)
    app = web.Application(
        client_max_size=max_body,
        middlewares=(
            guard.headers,
            faults.pages_for_errors,
            *first,
            only_named,
            guard.same_site_only,
            guard.bounded,
        ),
    )
    pages.prepare(app, language=language)
    app[faults.TRACES] = faults.Traces()
    app.add_routes(list(routes))
    app.router.add_get("/static/{name}", pages.static)
    return app
