"""How many connections a listener lets in: one phone that opens hundreds must not keep the others out, and all phones
together must not take the files that the other listeners and the journal need.

Where a listener speaks TLS, a connection is counted from its first packet on, not from the end of its handshake.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import ssl
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
HANDSHAKE_S = 5.0
Context = Callable[[], ssl.SSLContext | None]
"""What TLS is spoken with now; None: not at all, the connection is refused."""


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
        self._inside: dict[str, list[asyncio.Transport]] = {}
        self._handshakes: set[asyncio.Task[None]] = set()
        self.turned_away = 0
        self.unfinished = 0
        """Handshakes that failed, or took too long."""

    def __call__(self) -> asyncio.BaseProtocol:
        return Door(self)

    def tls(self, context: Context) -> Callable[[], asyncio.BaseProtocol]:
        """The same door for those who come over TLS."""
        return lambda: Door(self, context)

    def enter(self, transport: asyncio.Transport, context: Context | None = None) -> None:
        """Hands the connection on, or closes it without a word."""
        address = peer(transport)
        speaks = context() if context else None
        if not self._room(address) or (context and speaks is None):
            self.turned_away += 1
            transport.abort()
            return
        self._inside.setdefault(address, []).append(transport)
        if speaks is None:
            self._hand_on(transport)
            return
        task = asyncio.create_task(self._shake_hands(transport, speaks))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    def _hand_on(self, transport: asyncio.Transport) -> asyncio.Protocol:
        protocol = self._serve()
        assert isinstance(protocol, asyncio.Protocol)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        return protocol

    async def _shake_hands(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        early = Early()
        loop = asyncio.get_running_loop()
        try:
            safe = await loop.start_tls(
                transport, early, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_S, ssl_shutdown_timeout=1.0
            )
        except OSError:  # not TLS, a certificate they don't like, gone, too slow: each day's business
            self.unfinished += 1
            transport.abort()
            return
        if safe is None or early.is_over:
            transport.abort()
            return
        protocol = self._hand_on(safe)
        if early.heard:
            protocol.data_received(bytes(early.heard))

    async def close(self) -> None:
        """Ends the handshakes that are under way."""
        tasks = list(self._handshakes)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _room(self, address: str) -> bool:
        mine = self._inside.get(address, [])
        if len(mine) >= self._most_each or sum(map(len, self._inside.values())) >= self._most:
            self._forget()
            mine = self._inside.get(address, [])
        if sum(map(len, self._inside.values())) >= self._most and not self._made_room(len(mine)):
            return False
        return len(mine) < self._most_each or self._is_trusted(address)

    def _is_trusted(self, address: str) -> bool:
        return address in {"127.0.0.1", "::1"} or is_in(address, self._proxies)

    def _made_room(self, mine: int) -> bool:
        """A crowd that holds all places must not keep out who has fewer: the oldest connection of who has most goes."""
        guests = [address for address in self._inside if not self._is_trusted(address)]
        crowd = max(guests, key=lambda address: len(self._inside[address]), default="")
        if not crowd or len(self._inside[crowd]) <= mine:
            return False
        self._inside[crowd].pop(0).abort()
        self.turned_away += 1
        if not self._inside[crowd]:
            del self._inside[crowd]
        return True

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

    def __init__(self, doors: Doors, context: Context | None = None) -> None:
        self._doors = doors
        self._context = context

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._doors.enter(transport, self._context)


class Early(asyncio.Protocol):
    """Stands in until a handshake is done, and keeps what came right behind it."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.is_over = False

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def connection_lost(self, _: Exception | None) -> None:
        self.is_over = True


def peer(transport: asyncio.BaseTransport) -> str:
    """Its address: an IPv4 one is the same however it came in."""
    text = str((transport.get_extra_info("peername") or ("",))[0])
    return text.removeprefix("::ffff:") if "." in text else text
