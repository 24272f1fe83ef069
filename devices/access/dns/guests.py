"""Who a question is from, and whether they may ask one more."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv6Network, ip_address

from devices.access.dns import rates
from devices.access.dns.names import Network
from edge.errors import DeviceError
from edge.portal.asks import Neighbours

LINK_LOCAL = IPv6Network("fe80::/10")
KEPT_S = 60.0
"""What an address belongs to; a stranger is looked for again after STRANGER_S."""
STRANGER_S = 5.0
MOST_KEPT = 8192
MOST_LEARNT = 64
"""At once."""
STRANGERS = "strangers"


class Guests:
    def __init__(self, networks: Sequence[Network], interface: str, neighbours: Neighbours | None) -> None:
        self._networks = networks
        self._interface = interface
        self._neighbours = neighbours
        self._all = rates.Bucket(rates.ALL_PER_S, rates.ALL_PER_S, 0.0)
        self._strangers = rates.Bucket(rates.STRANGERS_PER_S, rates.STRANGERS_PER_S, 0.0)
        self._each = rates.Buckets(rates.EACH_PER_S, rates.EACH_BURST)
        self._known: dict[str, tuple[str, float]] = {}
        """Address → whose it is (STRANGERS: nobody's yet), and until when that is believed."""
        self._learning: set[asyncio.Task[None]] = set()

    def may_ask(self, address: str, interface: int, now_s: float) -> bool:
        who = self.who(address)
        if not who:
            who = self._first_seen(address, interface, now_s)
            if not who:
                return False
        elif now_s >= self._known[address][1]:
            self._learn(address, now_s)
        bucket = self._strangers.take(now_s) if who is STRANGERS else self._each.take(who, now_s)
        return bucket and self._all.take(now_s)

    def who(self, address: str) -> str:
        """Key of a guest; empty: not known."""
        known = self._known.get(address)
        return known[0] if known else ""

    def _first_seen(self, address: str, interface: int, now_s: float) -> str:
        """Whose they are for now; empty: not of the guest network."""
        if not self._is_here(address, interface):
            return ""
        if self._neighbours is None:
            self._keep(address, address, now_s + KEPT_S)
        else:
            self._keep(address, STRANGERS, now_s)  # too many at once: looked for at the next question
            self._learn(address, now_s)
        return self.who(address)

    def _is_here(self, address: str, interface: int) -> bool:
        one = ip_address(address.partition("%")[0])
        if one in LINK_LOCAL:
            return interface > 0 and interface == _index(self._interface)
        return any(one in network for network in self._networks)

    def _keep(self, address: str, who: str, until_s: float) -> None:
        self._known.pop(address, None)
        if len(self._known) >= MOST_KEPT:
            del self._known[next(iter(self._known))]
        self._known[address] = who, until_s

    def _learn(self, address: str, now_s: float) -> None:
        if self._neighbours is None or len(self._learning) >= MOST_LEARNT:
            return
        self._keep(address, self.who(address), now_s + STRANGER_S)
        task = asyncio.create_task(self._learnt(self._neighbours, address))
        self._learning.add(task)
        task.add_done_callback(self._learning.discard)

    async def _learnt(self, neighbours: Neighbours, address: str) -> None:
        try:
            mac = await neighbours.mac_of(address)
        except DeviceError:  # told by who needs it to let somebody in
            mac = None
        now_s = asyncio.get_running_loop().time()
        if mac is not None:
            self._keep(address, mac.colons, now_s + KEPT_S)
        else:
            self._keep(address, STRANGERS, now_s + STRANGER_S)

    async def close(self) -> None:
        for task in self._learning:
            task.cancel()
        await asyncio.gather(*self._learning, return_exceptions=True)


def _index(interface: str) -> int:
    try:
        return socket.if_nametoindex(interface)
    except OSError:
        return 0
