"""Whether somebody gives guests their addresses: dnsmasq is another program, and dies without a word to us.

Told from the sockets of this machine, which every user may read. Pure but for `watch`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from pathlib import Path

from edge.board import Board
from edge.config import Config

LOOK_S = 10.0
MISSES = 2
"""dnsmasq may be restarting."""
MAX_BYTES = 4 * 1024 * 1024
DHCP, DNS = 67, 53
SOCKETS = ("net/udp", "net/udp6")
"""Below /proc/self, which our unit leaves in sight."""


def serves(address4: str, sockets: str) -> bool | None:
    """`sockets`: /proc/net/udp and udp6. dnsmasq has port 67 of every address, and port 53 of its own alone; so has
    one that serves somebody else's network, of another address. None: nothing can be told.
    """
    if "local_address" not in sockets:
        return None
    own = int.from_bytes(ipaddress.IPv4Interface(address4).ip.packed, sys.byteorder)
    here = {f"{own:08X}", "0" * 8, "0" * 32}
    fields = [line.split() for line in sockets.splitlines()]
    taken = {each[1] for each in fields if len(each) > 1}
    return all(any(f"{address}:{port:04X}" in taken for address in here) for port in (DHCP, DNS))


async def watch(config: Config, board: Board) -> None:
    """Until cancelled. Nothing is said of an interface that is gone: nobody could serve it."""
    misses = 0
    while True:
        found = await asyncio.to_thread(look, config)
        misses = misses + 1 if found is False else 0
        if found is not False or misses >= MISSES:
            board.wifi.served = found
        await asyncio.sleep(LOOK_S)


def look(config: Config, *, proc: Path = Path("/proc/self"), net: Path = Path("/sys/class/net")) -> bool | None:
    """Blocking."""
    if not (net / config.gate.interface).exists():
        return None
    return serves(config.gate.address4, "".join(_text(proc / name) for name in SOCKETS))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("ascii", "replace")
    except OSError:
        return ""
