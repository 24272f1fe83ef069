"""Which events go next, in which PUBLISH, and which may be forgotten. Pure: no clock, no socket.

Theory of operation. Rows up to the journal's head at the start of the session are the *backlog*, later ones are
*live*; each lane has its own cursor and is read in the order of `seq`. A lane's rows wait in parcels of one type. Live
parcels go first; one in LIVE_RUN goes to the backlog all the same, so that a busy shop still catches up. A parcel is
in flight until its PUBACK. Then its rows are forgotten, or, in watermark mode, held until the cloud says that they are
in its database. Nothing here survives a lost connection: a new `Delivery` reads again what was not forgotten, and the
cloud drops what it has twice by `(source, id)`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from cloud_bridge.payloads import MAX_EVENTS, Row, Wire, encode
from cloud_bridge.ranges import Ranges
from cloud_bridge.topics import Gateway, Lane

LIVE_RUN = 8
"""While both lanes have parcels, one PUBLISH in this many is for the backlog."""
FETCH_BATCHES = 8
"""Rows read at once, in batches: they are sorted by type, and each type should still fill a batch."""
PREFETCH_ROWS = 2000
"""A lane is read again below this, while its parcels are on their way: a read must not add to the round trip."""
MAX_PAYLOAD_BYTES = 120_000
"""Bytes of one PUBLISH where the broker names no limit: the smallest of the big providers takes 128 kB."""


class Forget(StrEnum):
    """What lets a row go."""

    PUBACK = "puback"
    WATERMARK = "watermark"


class Limits(NamedTuple):
    window: int
    """PUBLISHes without PUBACK: the smaller of ours and the broker's Receive Maximum."""
    payload_bytes: int
    batch_events: int


class Fetch(NamedTuple):
    """Rows to read: after_seq < seq ≤ up_to_seq."""

    lane: Lane
    after_seq: int
    up_to_seq: int
    limit: int


class Parcel(NamedTuple):
    """One PUBLISH."""

    number: int
    lane: Lane
    kind: str
    rows: tuple[Row, ...]
    wire: Wire


class _Lane(msgspec.Struct):
    cursor: int
    """The last row that was read."""
    end: int
    """The last row there is, as far as we know."""
    waiting: deque[tuple[Row, ...]] = msgspec.field(default_factory=deque)
    """Rows of one type each, at most a batch."""
    size: int = 0
    """Rows in `waiting`."""
    ready: deque[Parcel] = msgspec.field(default_factory=deque)
    """Encoded: parts of a batch that was too big, or refused for now."""

    @property
    def any(self) -> bool:
        return bool(self.ready or self.waiting)


class Delivery:
    """One session's deliveries."""

    def __init__(
        self, *, gateway: Gateway, epoch: str, limits: Limits, forget: Forget = Forget.PUBACK, head_seq: int
    ) -> None:
        self._source = gateway.source
        self._epoch = epoch
        self._limits = limits._replace(batch_events=min(limits.batch_events, MAX_EVENTS))
        self._forget = forget
        self._head_seq = head_seq
        self._live = _Lane(cursor=head_seq, end=head_seq)
        self._backlog = _Lane(cursor=0, end=head_seq)
        self._live_run = 0
        self._number = 0
        self._in_flight: dict[int, Parcel] = {}
        self._held = Ranges()
        self.too_big: list[Row] = []
        """Rows that fit into no PUBLISH of this broker; the caller records them as lost and empties the list."""

    @property
    def in_flight(self) -> int:
        return len(self._in_flight)

    @property
    def by_watermark(self) -> bool:
        return self._forget is Forget.WATERMARK

    @property
    def held(self) -> bool:
        """Rows that the broker has and no database, as far as we know."""
        return bool(self._held)

    @property
    def full(self) -> bool:
        return len(self._in_flight) >= self._limits.window

    @property
    def payload_bytes(self) -> int:
        """The largest payload as far as it is known by now."""
        return self._limits.payload_bytes

    @property
    def live_behind(self) -> int:
        """Rows of the live lane that were not read yet, at most."""
        return self._live.end - self._live.cursor

    @property
    def drained(self) -> bool:
        """All that is known of has been sent and acknowledged."""
        lanes = (self._live, self._backlog)
        return not self._in_flight and all(lane.cursor >= lane.end and not lane.any for lane in lanes)

    def news(self, last_seq: int) -> None:
        """The journal has rows up to here."""
        self._live.end = max(self._live.end, last_seq)

    def wanted(self, *, live: bool = True) -> Fetch | None:
        """The rows to read next; `live`: also those. What would not fill a batch waits until its lane is empty."""
        for name, lane in ((Lane.EVENTS, self._live), (Lane.BACKLOG, self._backlog)):
            behind = lane.end - lane.cursor
            hungry = not lane.any or (behind >= self._limits.batch_events and lane.size < PREFETCH_ROWS)
            if behind > 0 and hungry and (live or lane is self._backlog):
                return Fetch(name, lane.cursor, lane.end, FETCH_BATCHES * self._limits.batch_events)
        return None

    def fetched(self, fetch: Fetch, rows: Sequence[Row]) -> None:
        """The answer to `wanted`. No rows: there are none left in that span."""
        lane = self._live if fetch.lane is Lane.EVENTS else self._backlog
        lane.cursor = rows[-1].seq if rows else fetch.up_to_seq
        kinds: dict[str, list[Row]] = {}
        for row in rows:
            kinds.setdefault(row.type, []).append(row)
        size = self._limits.batch_events
        for alike in kinds.values():
            lane.waiting.extend(tuple(alike[at : at + size]) for at in range(0, len(alike), size))
        lane.size += len(rows)

    def next(self) -> Parcel | None:
        """The next PUBLISH; None when the window is full or nothing waits."""
        while not self.full:
            lane = self._choose()
            if not lane.ready:
                if not lane.waiting:
                    return None
                alike = lane.waiting.popleft()
                lane.size -= len(alike)
                self._pack(lane, alike)
                continue
            parcel = lane.ready.popleft()
            if len(parcel.wire.payload) > self._limits.payload_bytes:  # the limit became known after it was packed
                self._pack(lane, parcel.rows)
                continue
            self._in_flight[parcel.number] = parcel
            return parcel
        return None

    def acked(self, number: int) -> list[tuple[int, int]]:
        """The broker has it. Returns what may be forgotten now."""
        parcel = self._in_flight.pop(number)
        ranges = Ranges()
        ranges.add_all(row.seq for row in parcel.rows)
        if self._forget is Forget.PUBACK:
            return list(ranges)
        for first, last in ranges:
            self._held.add(first, last)
        return []

    def again(self, number: int) -> None:
        """The broker can't take it now (quota): the same parcel goes first, later."""
        parcel = self._in_flight.pop(number)
        self._lane(parcel).ready.appendleft(parcel)

    def refused_as_too_big(self, number: int) -> None:
        """The broker takes no payload of this size: smaller ones from now on."""
        parcel = self._in_flight.pop(number)
        size = len(parcel.wire.payload)
        self._limits = self._limits._replace(payload_bytes=min(self._limits.payload_bytes, size - 1))
        self._pack(self._lane(parcel), parcel.rows)

    def watermark(self, through: int) -> list[tuple[int, int]]:
        """The cloud has everything up to here. Returns what may be forgotten now.

        Rows of earlier sessions count as sent; of this session's, only those that the broker acknowledged.
        """
        if self._forget is Forget.PUBACK:
            return []
        known = self._held.cut(through)
        before = min(through, self._head_seq)
        return list(Ranges([*known, (1, before)]))

    def _lane(self, parcel: Parcel) -> _Lane:
        return self._live if parcel.lane is Lane.EVENTS else self._backlog

    def _choose(self) -> _Lane:
        if not self._live.any:
            return self._backlog
        if not self._backlog.any:
            return self._live
        self._live_run = (self._live_run + 1) % LIVE_RUN
        return self._live if self._live_run else self._backlog

    def _pack(self, lane: _Lane, rows: tuple[Row, ...]) -> None:
        """Puts rows in front of the lane as parcels that fit; halves a batch that does not."""
        backlog = lane is self._backlog
        wire = encode(rows, source=self._source, epoch=self._epoch, always_deflate=backlog)
        if len(wire.payload) > self._limits.payload_bytes:
            if len(rows) == 1:
                self.too_big.append(rows[0])
                return
            half = len(rows) // 2
            self._pack(lane, rows[half:])
            self._pack(lane, rows[:half])
            return
        self._number += 1
        name = Lane.BACKLOG if backlog else Lane.EVENTS
        lane.ready.appendleft(Parcel(self._number, name, rows[0].type, rows, wire))
