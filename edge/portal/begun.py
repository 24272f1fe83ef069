"""Guests who are half-way in: a phone's small browser closes when its owner looks at the SMS, and must find the page
for the code again. Kept by MAC, in memory, for minutes, and for so many. Pure.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from edge.access_answers import Way
from edge.ids import Mac
from edge.portal.asks import Guest, Step

MAX_BEGUN = 5_000
GOOD_MS = 600_000


class Begun(NamedTuple):
    guest: Guest
    way: Way
    step: Step
    consent: str
    marketing: bool
    end_mono_ms: int


class Beginnings:
    def __init__(self) -> None:
        self._by_mac: OrderedDict[Mac, Begun] = OrderedDict()

    def note(self, begun: Begun) -> None:
        self._by_mac[begun.guest.mac] = begun
        self._by_mac.move_to_end(begun.guest.mac)
        if len(self._by_mac) > MAX_BEGUN:
            self._by_mac.popitem(last=False)

    def of(self, mac: Mac, *, monotonic_ms: int) -> Begun | None:
        begun = self._by_mac.get(mac)
        if begun is not None and monotonic_ms >= begun.end_mono_ms:
            del self._by_mac[mac]
            return None
        return begun

    def forget(self, mac: Mac) -> None:
        self._by_mac.pop(mac, None)
