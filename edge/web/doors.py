"""How many connections a listener lets in: one phone that opens hundreds must not keep the others out, and all phones
together must not take the files that the other listeners and the journal need.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
from collections.abc import Callable, Sequence

from edge.places import Network, is_in

log = logging.getLogger(__name__)
FILES = 4096
"""What the process may open: three full listeners, those just being turned away, and room for the rest."""
MOST = 512
"""Of one listener. With 15 s for a request's head, more would be an attack or a mistake; memory stays below 50 MB."""
MOST_EACH = 32
"""Of one address; a browser opens 6. This machine itself is not counted: a proxy may stand here."""
NO_FILES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
COMPLAIN_S = 60.0


def prepare(loop: asyncio.AbstractEventLoop) -> None:
    """Once, before the first listener: room for their connections, and few words if it is used up all the same.

    asyncio complains of each connection that it can't take, hundreds of times a second; here it is one line a minute.
    """
    _raise_file_limit()
    complained_s = -COMPLAIN_S

    def complain(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        nonlocal complained_s
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in NO_FILES or "socket" not in context:
            loop.default_exception_handler(context)
        elif loop.time() - complained_s >= COMPLAIN_S:
            complained_s = loop.time()
            log.error("connections have to wait: %s; said once a minute", error.strerror)

    loop.set_exception_handler(complain)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:  # a sandbox may forbid it: the caps above still hold
        log.warning("the limit of %d open files stays: %s", soft, error)


class Doors:
    """A protocol factory for `loop.create_server` around another one."""

    def __init__(
        self,
        serve: Callable[[], asyncio.BaseProtocol],
        proxies: Sequence[Network] = (),
        *,
        most: int = MOST,
        most_each: int = MOST_EACH,
    ) -> None:
        """`proxies` bring many: like this machine's, their connections are not counted singly."""
        self._serve = serve
        self._proxies = proxies
        self._most = most
        self._most_each = most_each
        self._inside: dict[str, list[asyncio.BaseTransport]] = {}
        self.turned_away = 0

    def __call__(self) -> asyncio.BaseProtocol:
        return Door(self)

    def enter(self, transport: asyncio.Transport) -> None:
        """Hands the connection on, or closes it without a word."""
        address = str((transport.get_extra_info("peername") or ("",))[0])
        if not self._room(address):
            self.turned_away += 1
            transport.abort()
            return
        self._inside.setdefault(address, []).append(transport)
        protocol = self._serve()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)

    def _room(self, address: str) -> bool:
        mine = self._inside.get(address, [])
        if len(mine) >= self._most_each or sum(map(len, self._inside.values())) >= self._most:
            self._forget()
            mine = self._inside.get(address, [])
        if sum(map(len, self._inside.values())) >= self._most:
            return False
        return len(mine) < self._most_each or address in {"127.0.0.1", "::1"} or is_in(address, self._proxies)

    def _forget(self) -> None:
        """Drops who has left; only done when it is full, so a quiet listener does no work."""
        for address, transports in list(self._inside.items()):
            staying = [transport for transport in transports if not transport.is_closing()]
            if staying:
                self._inside[address] = staying
            else:
                del self._inside[address]


class Door(asyncio.Protocol):
    """Stands in until the address of a new connection is known."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._doors.enter(transport)
