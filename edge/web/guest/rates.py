"""How often one browser or one address may do something. Pure; bounded however many there are."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from edge.rates import Rate

__all__ = ["GIVEN", "GUESSES", "WIDER", "AddressRate", "Allowance", "Rate", "coupons_given", "network", "single"]

WIDER = 20
"""All phones of one Wi-Fi share an IPv6 /64, but one phone can take as many of its addresses as it likes: so each
counts singly, and all together may do so many times as much.
"""


class Allowance(NamedTuple):
    """`burst` at once, and one more each `each_s`."""

    burst: int
    each_s: float


GIVEN = Allowance(burst=30, each_s=30)
"""Coupons of one address, by wallet and shake: clearing the cookies makes another shopper."""
GUESSES = Allowance(burst=40, each_s=30)
"""Made-up ids of beacons: docs/coupons.md says what one is worth."""


class AddressRate:
    """Of each address, and WIDER times as much of an IPv6 network."""

    def __init__(self, *, burst: int, each_s: float) -> None:
        self._singly = Rate(burst=burst, each_s=each_s)
        self._together = Rate(burst=burst * WIDER, each_s=each_s / WIDER)

    def take(self, address: str, *, monotonic_ms: int, count: int = 1) -> bool:
        """Whether so many may be done now; then they count."""
        whole = network(address)
        if whole and not self._together.has(whole, monotonic_ms=monotonic_ms, count=count):
            return False
        if not self._singly.take(single(address), monotonic_ms=monotonic_ms, count=count):
            return False
        if whole:
            self._together.take(whole, monotonic_ms=monotonic_ms, count=count)
        return True

    def give_back(self, address: str) -> None:
        self._singly.give_back(single(address))
        self._together.give_back(network(address))


def coupons_given() -> AddressRate:
    """One for the whole guest side: wallet and shake share it."""
    return AddressRate(**GIVEN._asdict())


def single(address: str) -> str:
    """In one spelling; an IPv4 address written as IPv6 is what it is."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return str(getattr(found, "ipv4_mapped", None) or found)


def network(address: str) -> str:
    """The /64 that an IPv6 phone picks its addresses from; empty: there is none."""
    try:
        found = ipaddress.ip_address(single(address))
    except ValueError:
        return ""
    return "" if found.version == 4 else str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
