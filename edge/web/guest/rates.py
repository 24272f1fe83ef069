"""How often one browser or one address may do something. Pure; bounded however many there are."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

MAX_KNOWN = 10_000
"""The one seen longest ago is forgotten first: it has earned its full allowance again long since."""


class Rate:
    """`burst` at once, and one more each `each_s`."""

    def __init__(self, *, burst: int, each_s: float) -> None:
        self._burst = burst
        self._each_ms = each_s * 1000
        self._free_at_ms: OrderedDict[str, float] = OrderedDict()

    def take(self, who: str, *, monotonic_ms: int) -> bool:
        """Whether it may be done now; then it counts."""
        free_at_ms = max(self._free_at_ms.get(who, 0.0), float(monotonic_ms))
        if free_at_ms > monotonic_ms + (self._burst - 1) * self._each_ms:
            return False
        self._free_at_ms[who] = free_at_ms + self._each_ms
        self._free_at_ms.move_to_end(who)
        if len(self._free_at_ms) > MAX_KNOWN:
            self._free_at_ms.popitem(last=False)
        return True


def is_loopback(address: str) -> bool:
    """Whoever sits at the box itself is no guest."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def household(address: str) -> str:
    """What counts as one guest: an IPv4 address, or the /64 that an IPv6 phone picks its addresses from."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, ipaddress.IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return address if found.is_loopback else str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
