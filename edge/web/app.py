"""Opens one web listener and mounts the routes it is given; knows none of them.

    async with listen("shop", config.listen.shop, [*kiosk_routes, *till_routes]) as bound:
        print(bound.url)

Slow or endless senders are bounded: a request's head must arrive within HEAD_S, its body within `guard.BODY_S`, a
body has at most `max_body` bytes, and `doors.py` bounds the connections of a listener and of one address.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import BadContentDispositionHeader, BadContentDispositionParam, web
from aiohttp.typedefs import Middleware

from edge.config import Listener
from edge.errors import UsageError
from edge.places import Network
from edge.web import faults, guard, pages
from edge.web.doors import Doors

HEAD_S = 15
"""Also how long an idle connection is kept: browsers open a new one without a user noticing."""
MAX_BODY = 64 * 1024
"""Bytes. Forms and till calls are below 4 kB; a part that takes documents asks for more."""
GRACE_S = 3.0
"""Answers under way at the end get this long."""
BACKLOG = 128
"""asyncio takes so many in one go before any is counted, so this too is held against the limit of open files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundListener:
    """Where a listener really is, port 0 resolved."""

    name: str
    host: str
    port: int

    @property
    def url(self) -> str:
        """Without a slash at the end. A listener on every address is named by loopback."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://{host}:{self.port}"


@asynccontextmanager
async def listen(
    name: str,
    listener: Listener,
    routes: Iterable[web.AbstractRouteDef],
    *,
    first: Iterable[Middleware] = (),
    middlewares: Iterable[Middleware] = (),
    closing: Iterable[Callable[[], Awaitable[None]]] = (),
    language: str = "zh-CN",
    host_names: Collection[str] | None = (),
    change_names: Collection[str] | None = None,
    proxies: Sequence[Network] = (),
    max_body: int = MAX_BODY,
    grace_s: float = GRACE_S,
) -> AsyncIterator[BoundListener]:
    """Serves until the block ends, then closes within about twice `grace_s`.

    `first` see a request before anything else of ours does: who is captive is led away there.
    `closing` is called first at the end: parts with WebSockets say goodbye there.
    `language` is what a browser gets that asks for none of ours. `host_names` are the names, beside addresses,
    localhost and this machine's own, under which the listener may be called (against DNS rebinding); None: any,
    for the guest side, where phones ask for other people's sites; `change_names` are then those under which something
    may be changed. `proxies`: who brings many guests, so that their connections are not counted.
    Raises UsageError when the address can't be had.
    """
    app = await asyncio.to_thread(
        _build,
        routes,
        tuple(first),
        tuple(middlewares),
        language,
        guard.only_named(host_names, changes=change_names),
        max_body,
    )
    runner = web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        logger=faults.ServerLog(app[faults.TRACES]),
        keepalive_timeout=HEAD_S,
        shutdown_timeout=grace_s,
        auto_decompress=False,  # nobody of ours packs a request; unpacking a stranger's costs memory and can fail
    )
    await runner.setup()
    try:
        server = await _open(name, listener, runner, proxies)
        try:
            yield BoundListener(name=name, host=listener.host, port=server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for goodbye in closing:
                await goodbye()
    finally:
        await runner.cleanup()


async def _open(name: str, listener: Listener, runner: web.AppRunner, proxies: Sequence[Network]) -> asyncio.Server:
    assert runner.server is not None
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(Doors(runner.server, proxies), listener.host, listener.port, backlog=BACKLOG)
    except OSError as error:
        where = f"{listener.host}:{listener.port}"
        hint = f"change listen.{name} in gateway.toml, or stop what uses it (ss -ltnp)"
        raise UsageError(f"can't listen on {where}: {error.strerror or error}", hint=hint) from error


def _build(
    routes: Iterable[web.AbstractRouteDef],
    first: tuple[Middleware, ...],
    middlewares: tuple[Middleware, ...],
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
            *first,
            guard.headers,
            faults.pages_for_errors,
            only_named,
            guard.same_site_only,
            guard.bounded,
            *middlewares,
        ),
    )
    pages.prepare(app, language=language)
    app[faults.TRACES] = faults.Traces()
    app.add_routes(list(routes))
    app.router.add_get("/static/{name}", pages.static)
    return app
