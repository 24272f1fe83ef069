"""How many connections a listener lets in: one phone that opens hundreds must not keep the others out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

MOST = 1024
"""Of one listener. With 15 s for a request's head, more would be an attack or a mistake; memory stays below 100 MB."""
MOST_EACH = 64
"""Of one address; a browser opens 6. This machine itself is not counted: a proxy may stand here."""


class Doors:
    """A protocol factory for `loop.create_server` around another one."""

    def __init__(
        self, serve: Callable[[], asyncio.BaseProtocol], *, most: int = MOST, most_each: int = MOST_EACH
    ) -> None:
        self._serve = serve
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
        return len(mine) < self._most_each or address in {"127.0.0.1", "::1"}

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
