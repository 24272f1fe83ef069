"""One connection's work: events out, acknowledgements in, the journal told what it may forget."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from cloud_bridge import reasons
from cloud_bridge.delivery import Delivery, Parcel
from cloud_bridge.endpoint import Incoming, Said
from cloud_bridge.mqtt import DEAD_LINE, Link
from cloud_bridge.payloads import CONTENT_TYPE, DEFLATE, Row, Watermark
from cloud_bridge.ranges import Ranges
from cloud_bridge.topics import Gateway, Lane
from edge.board import Broker
from edge.checked import UnreadableError, decoded
from edge.errors import CloudError, JournalRefusedError

FETCH_BYTES = 1024 * 1024
"""Of rows in memory, for each lane."""
PAUSE_S = 1.0
"""After "quota exceeded", and after a disk that refuses to forget: short against an outage, long for a broker."""
NOBODY_S = 2.0
"""Between tries while nobody subscribes and the watermark is waited for."""
LOOK_S = 1.0
"""How often the age of the oldest unanswered PUBLISH is looked at."""


class Outbox(Protocol):
    """What the bridge uses of the journal."""

    @property
    def epoch(self) -> str: ...
    @property
    def last_seq(self) -> int: ...
    async def pending(
        self, *, after_seq: int, up_to_seq: int | None = None, limit: int = 100, max_bytes: int = FETCH_BYTES
    ) -> Sequence[Row]: ...
    async def forget(self, ranges: Sequence[tuple[int, int]]) -> None: ...
    async def wait_news(self, after_seq: int) -> int: ...


class GiveUp(Protocol):
    """Records rows as lost, durably: they fit into no packet of this broker."""

    async def __call__(self, rows: Sequence[Row]) -> None: ...


class Session:
    """Made once the birth is out; `run` until the connection ends."""

    def __init__(
        self,
        *,
        link: Link,
        delivery: Delivery,
        outbox: Outbox,
        gateway: Gateway,
        board: Broker,
        head_seq: int,
        batch_wait_s: float,
        batch_events: int,
        give_up: GiveUp,
        patience_s: float,
    ) -> None:
        self._link = link
        self._delivery = delivery
        self._outbox = outbox
        self._gateway = gateway
        self._board = board
        self._head_seq = head_seq
        self._batch_wait_s = batch_wait_s
        self._batch_events = batch_events
        self._give_up = give_up
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._hungry = asyncio.Event()
        self._forgettable = Ranges()
        self._may_forget = asyncio.Event()
        self._live_read_at = -batch_wait_s
        self._resume_at = 0.0
        self._refused: asyncio.Future[None] = self._loop.create_future()
        self.acked = 0
        """PUBLISHes of events that the broker took."""
        self.confirmed = False
        """Whether the cloud's watermark moved in this session."""
        self._unconfirmed_since_s: float | None = None

    async def run(self) -> None:
        """Raises CloudError, in a group, when the connection ends or the broker refuses for good."""
        async with asyncio.TaskGroup() as group:
            for work in (self._send, self._read, self._watch_news, self._forget, self._watch_answers, self._link.ended):
                group.create_task(work())

    def watermark(self, message: Incoming) -> None:
        """The cloud has events in its database. Another epoch's, or broken, ones mean nothing."""
        try:
            mark = decoded(message.payload, Watermark)
        except UnreadableError:
            return
        if mark.epoch == self._outbox.epoch and (ranges := self._delivery.watermark(mark.through)):
            self.confirmed, self._unconfirmed_since_s, self._resume_at = True, None, 0.0
            self._board.problem = ""
            self._release(ranges)
            self._wake.set()

    async def _send(self) -> None:
        while True:
            self._wake.clear()
            if self._loop.time() < self._resume_at:
                self._loop.call_at(self._resume_at, self._wake.set)
            else:
                while (parcel := self._delivery.next()) is not None:
                    self._publish(parcel)
            if self._delivery.too_big:
                await self._drop()
            self._board.inflight = self._delivery.in_flight
            self._hungry.set()
            await self._wake.wait()

    async def _read(self) -> None:
        """Beside sending: the next rows are here when the window opens."""
        while True:
            self._hungry.clear()
            fetch = self._delivery.wanted(live=self._live_is_due())
            if fetch is None:
                await self._hungry.wait()
                continue
            try:
                rows = await self._outbox.pending(
                    after_seq=fetch.after_seq, up_to_seq=fetch.up_to_seq, limit=fetch.limit, max_bytes=FETCH_BYTES
                )
            except JournalRefusedError as error:  # a disk in trouble: what is on its way may still be acknowledged
                self._board.problem = str(error)
                await asyncio.sleep(PAUSE_S)
                continue
            self._delivery.fetched(fetch, rows)
            if fetch.lane is Lane.EVENTS:
                self._live_read_at = self._loop.time()
            self._wake.set()

    async def _drop(self) -> None:
        """What fits into no packet: first recorded as lost, then forgotten."""
        rows, self._delivery.too_big = self._delivery.too_big, []
        await self._give_up(rows)
        self._release([(row.seq, row.seq) for row in rows])

    def _live_is_due(self) -> bool:
        """The first event after a quiet moment goes at once; those right behind it wait until they fill a batch."""
        due_at = self._live_read_at + self._batch_wait_s
        if self._delivery.live_behind >= self._batch_events or self._loop.time() >= due_at:
            return True
        if self._delivery.live_behind:
            self._loop.call_at(due_at, self._hungry.set)
        return False

    def _publish(self, parcel: Parcel) -> None:
        said = Said(self._gateway.events(parcel.lane, parcel.kind), parcel.wire.payload)
        encoding = DEFLATE if parcel.wire.deflated else ""
        answer = self._link.publish(said, content_type=CONTENT_TYPE, encoding=encoding)
        answer.add_done_callback(partial(self._answered, parcel, self._loop.time()))

    def _answered(self, parcel: Parcel, sent_at: float, answer: asyncio.Future[int]) -> None:
        if answer.cancelled() or answer.exception() is not None:
            return  # the connection is gone, and the window with it
        code = answer.result()
        if code == reasons.NO_SUBSCRIBERS and self._delivery.by_watermark and not self.confirmed:
            # Nobody has it. Brokers with a rule engine say so too although a rule took it: then a watermark follows.
            self._board.problem = "nobody subscribes to our events at the broker; they are kept"
            self._resume_at = self._loop.time() + NOBODY_S
            self._delivery.again(parcel.number)
        elif code < reasons.FAILURE:
            self.acked += 1
            self._board.published += len(parcel.rows)
            self._board.puback_ms = (self._loop.time() - sent_at) * 1000
            if self.confirmed or not self._delivery.by_watermark:
                self._board.problem = ""  # only now: a refusal that comes after every connect must not flicker
            self._release(self._delivery.acked(parcel.number))
        elif code == reasons.QUOTA_EXCEEDED:
            self._board.problem = str(reasons.refused(code, doing="publish"))
            self._resume_at = self._loop.time() + PAUSE_S
            self._delivery.again(parcel.number)
        elif code == reasons.PACKET_TOO_LARGE:
            self._delivery.refused_as_too_big(parcel.number)
        elif not self._refused.done():
            self._refused.set_exception(reasons.refused(code, doing=f"publish {parcel.kind}"))
        self._wake.set()

    def _release(self, ranges: Sequence[tuple[int, int]]) -> None:
        for first, last in ranges:
            self._forgettable.add(first, last)
        if ranges:
            self._may_forget.set()

    async def _forget(self) -> None:
        """One statement after the other: while one runs, the next ones become one."""
        while True:
            await self._may_forget.wait()
            self._may_forget.clear()
            ranges = self._forgettable.take()
            try:
                await self._outbox.forget(ranges)
            except JournalRefusedError:
                self._release(ranges)
                await asyncio.sleep(PAUSE_S)

    async def _watch_news(self) -> None:
        seq = self._head_seq
        while True:
            seq = await self._outbox.wait_news(seq)
            self._delivery.news(seq)
            self._hungry.set()

    async def _watch_answers(self) -> None:
        """A broker that reads but never answers is as bad as none: pings would not notice while we publish."""
        patience_s = float(self._link.granted.keepalive_s or 60)
        while not self._refused.done():
            if self._link.unanswered_s > patience_s:
                raise CloudError(f"no acknowledgement from the broker for {patience_s:.0f} s", hint=DEAD_LINE)
            if self._delivery.drained and not self._delivery.held:
                self._board.problem = ""
            self._watch_watermark()
            await asyncio.wait((self._refused,), timeout=min(LOOK_S, patience_s / 4))
        self._refused.result()

    def _watch_watermark(self) -> None:
        """What the broker took but no database has after so long is sent again, by a new session."""
        now_s = self._loop.time()
        if not self._delivery.held:
            self._unconfirmed_since_s = None
        elif self._unconfirmed_since_s is None:
            self._unconfirmed_since_s = now_s
        elif now_s - self._unconfirmed_since_s > self._patience_s:
            text = f"the cloud has confirmed nothing for {self._patience_s:.0f} s: its events are sent again"
            raise reasons.UnconfirmedError(text, hint="does its reader run, and does it publish the watermark?")
