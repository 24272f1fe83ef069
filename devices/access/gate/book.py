"""What the gate knows beside the kernel: who is let through until when, so that a table that was lost comes back whole.

The kernel is asked first wherever it can answer; the book fills in what is gone with a table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from sys import byteorder
from typing import Final

from devices.access.gate.netlink import Element, Found
from devices.access.gate.onlink import Spans
from devices.access.gate.rules import Entry

FORGOTTEN_S: Final = 600.0
"""So long after its hard end a session's last count can still be read."""
Counts = tuple[int, int]
"""Bytes, packets."""


@dataclass(frozen=True, kw_only=True)
class Member:
    mac: bytes
    mark: int
    end_s: float
    """On our clock."""
    idle_end_s: float
    """At the earliest: packets push it on in the kernel."""
    up: Counts = (0, 0)
    down: Counts = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The sets as the kernel has them."""

    members: dict[bytes, Found]
    idle: dict[bytes, Found]
    up: dict[int, Counts]
    down: dict[int, Counts]
    walled: tuple[tuple[bytes, int], ...]
    """Packed address, milliseconds left."""
    onlink: tuple[Spans, Spans]
    """Of IPv4 and of IPv6."""
    free: bool
    run: int
    """0: none."""


class Book:
    """Members by MAC. Each mark is there once."""

    def __init__(self) -> None:
        self.members: dict[bytes, Member] = {}
        self._macs: dict[int, bytes] = {}
        self.walled: dict[bytes, float] = {}
        """Packed address → end on our clock."""
        self.capture_members = False
        self.run = 0

    def alive(self, now_s: float) -> int:
        return sum(1 for one in self.members.values() if one.end_s > now_s)

    def of_mark(self, mark: int) -> Member | None:
        mac = self._macs.get(mark)
        return None if mac is None else self.members[mac]

    def put(self, one: Member) -> None:
        """Neither its MAC nor its mark is there."""
        self.members[one.mac] = one
        self._macs[one.mark] = one.mac

    def take(self, mac: bytes) -> Member | None:
        one = self.members.pop(mac, None)
        if one is not None:
            del self._macs[one.mark]
        return one

    def clear(self) -> None:
        self.members.clear()
        self._macs.clear()

    def adopt(self, seen: Seen, now_s: float) -> None:
        """Everything that the kernel has becomes ours: nobody is thrown out, and nobody new gets in."""
        for mac, found in seen.members.items():
            mark = int.from_bytes(found.data, byteorder)
            if len(mac) != 6 or not mark or mark in self._macs:
                continue
            idle = seen.idle.get(mac)
            self.put(
                Member(
                    mac=mac,
                    mark=mark,
                    end_s=now_s + found.left_ms / 1000,
                    idle_end_s=now_s + (idle.left_ms / 1000 if idle else 0),
                    up=seen.up.get(mark, (0, 0)),
                    down=seen.down.get(mark, (0, 0)),
                )
            )
        self.walled = {at: now_s + ms / 1000 for at, ms in seen.walled}
        self.capture_members = not seen.free
        self.run = seen.run

    def observe(self, seen: Seen, now_s: float) -> None:
        """What packets changed since: counts, and idle ends. Its own clock says when a session is over."""
        for mac, one in self.members.items():
            idle, found = seen.idle.get(mac), seen.members.get(mac)
            same = found is not None and int.from_bytes(found.data, byteorder) == one.mark
            self.members[mac] = replace(
                one,
                end_s=now_s + found.left_ms / 1000 if found and same and found.left_ms else one.end_s,
                idle_end_s=now_s + idle.left_ms / 1000 if idle else one.idle_end_s,
                up=max(one.up, seen.up.get(one.mark, (0, 0))),
                down=max(one.down, seen.down.get(one.mark, (0, 0))),
            )

    def agrees(self, seen: Seen, now_s: float, slack_s: float = 2.0) -> bool:
        """The kernel has exactly the members we know of; ends within the slack may be over or not."""
        known = {mac: one.mark for mac, one in self.members.items() if one.end_s > now_s + slack_s}
        there = {mac: int.from_bytes(found.data, byteorder) for mac, found in seen.members.items()}
        if any(there.get(mac) != mark for mac, mark in known.items()) or seen.run != self.run:
            return False
        if any(mac not in self.members or self.members[mac].mark != mark for mac, mark in there.items()):
            return False
        if any(mark not in seen.up or mark not in seen.down for mark in known.values()):  # who ended may have none
            return False
        still = (one.mac for one in self.members.values() if min(one.idle_end_s, one.end_s) > now_s + slack_s)
        return seen.free != self.capture_members and all(mac in seen.idle for mac in still)

    def entries(self, now_s: float, idle_s: int) -> tuple[Entry, ...]:
        """For a table that is made anew. Who was not idle yet gets the whole time again."""
        return tuple(
            Entry(
                mac=one.mac.hex(":"),
                mark=one.mark,
                end_ms=round((one.end_s - now_s) * 1000),
                idle_ms=idle_s * 1000 if one.idle_end_s > now_s else 0,
                up=one.up,
                down=one.down,
            )
            for one in self.members.values()
            if one.end_s - now_s >= 0.001
        )

    def forget(self, now_s: float) -> list[Member]:
        """Sessions that ended so long ago that nobody asks any more, and what was let for a while."""
        old = [one for one in self.members.values() if one.end_s + FORGOTTEN_S < now_s]
        for one in old:
            self.take(one.mac)
        self.walled = {at: end_s for at, end_s in self.walled.items() if end_s > now_s}
        return old


def mark_key(mark: int) -> bytes:
    return mark.to_bytes(4, byteorder)


def element(mac: bytes, mark: int, end_s: float = 0.0) -> Element:
    """Of the map `members`."""
    return Element(mac, mark_key(mark), round(end_s * 1000))
