"""dnsmasq's lease file: whose IPv4 address is whose. Read again when it changed; nothing in it is trusted.

dnsmasq takes expired leases out of it by itself, by the same clock that wrote them: so no time is looked at here. It
writes the file in place, so half a line may be read; such a line is left out until the next look.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from edge.ids import Mac

MAX_BYTES = 4 * 1024 * 1024
MAX_LEASES = 16_384
MAX_LINE = 2048
LOOK_S = 1.0
"""A change is looked for no more often than this, unless it matters."""


class Lease(NamedTuple):
    mac: Mac
    address: str


def parse(raw: bytes) -> dict[str, Lease]:
    """IPv4 address → lease. Whatever is none is left out."""
    found: dict[str, Lease] = {}
    for line in raw[:MAX_BYTES].split(b"\n"):
        if len(line) > MAX_LINE:
            continue
        parts = line.decode("utf-8", "replace").split()
        if len(parts) != 5 or not parts[0].isdecimal():  # expiry, MAC, address, name, client id
            continue
        try:
            mac, address = Mac(parts[1]), str(ipaddress.IPv4Address(parts[2]))
        except ValueError:
            continue  # DHCPv6, another kind of hardware, or nonsense
        found[address] = Lease(mac, address)  # what a phone calls itself is nobody's business
        if len(found) >= MAX_LEASES:
            break
    return found


class Leases:
    """One file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: Mapping[str, Lease] = {}
        self._seen: tuple[int, int, int] | None = None
        self._looked_s = float("-inf")
        self._turn = asyncio.Lock()
        self.problem = ""
        """Why it can't be read; empty: it can."""

    async def of(self, address: str, *, now: bool = False) -> Lease | None:
        """`now`: even if the file was looked at a moment ago."""
        await self.look(now=now)
        return self._known.get(address)

    async def look(self, *, now: bool = False) -> None:
        clock = asyncio.get_running_loop().time
        asked_s = clock()
        async with self._turn:  # who waited for another's look needs none of their own
            if self._looked_s >= asked_s or (not now and asked_s - self._looked_s < LOOK_S):
                return
            began_s = clock()
            await asyncio.to_thread(self._read)
            self._looked_s = began_s

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                state = os.fstat(file.fileno())
                seen = (state.st_ino, state.st_mtime_ns, state.st_size)
                if seen != self._seen:
                    self._known, self._seen = parse(file.read(MAX_BYTES)), seen
            self.problem = ""
        except OSError as error:
            self._known, self._seen = {}, None
            self.problem = f"can't read {self._path}: {error.strerror}"
