"""The journal: what the shop did, and what the cloud has still to hear, in one SQLite file.

`submit` returns after the fsync of the group its event was in. State and news commit together: an event's
rows and its outbox rows are both there or neither is. See file.py for the file, writer.py for
the thread, outbox.py for what waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from edge.clock import Clock
from edge.errors import JournalRefusedError, Refusal
from edge.events import Event
from edge.journal.file import Tail, cant_open, connect_reader, keep_log, lock, open_file, remember
from edge.journal.head import Head
from edge.journal.outbox import Outbox, Row
from edge.journal.reserve import Reserve
from edge.journal.writer import Job, OutboxStats, Result, Writer
from edge.shop import Shop
from edge.store.tx import Outcome
from edge.telemetry import JournalReplaced

__all__ = ["Journal", "OutboxStats", "Row"]

T = TypeVar("T")
MAX_WAITING = 10_000
"""Callers that wait for their group. Beyond it they are refused as BUSY: at 10,000 events a second the last of
them would wait a second already."""
MIB = 1024 * 1024
STUCK_S = 60.0
"""A card may need seconds for one fsync while it tidies up; a minute it never needs."""


class Journal:
    """One a process, and one process a file. Made by `open`, ended by `close`."""

    def __init__(self, path: Path, *, held: int, writer: Writer, head: Head, epoch: str, clock: Clock) -> None:
        self._path = path
        self._held = held
        self._head = head
        self._writer = writer
        self._clock = clock
        self._reader: sqlite3.Connection | None = None
        self._readers = ThreadPoolExecutor(1, thread_name_prefix="journal-reader")
        self._thread = threading.Thread(
            target=writer.run, args=(self._from_writer,), name="journal-writer", daemon=True
        )
        self._gathered: list[Job] = []
        self._waiting = 0
        self._busy_since_s: float | None = None
        """Since when the writer owes an answer; a moment later after each one."""
        self._closed = False
        self._news: list[tuple[int, asyncio.Future[int]]] = []
        self.epoch = epoch
        self.last_seq = writer.stats.last_seq
        self.replaced: JournalReplaced | None = None
        """Set when this start had to put a broken journal aside, or found its newest events gone (the epoch is then
        the same)."""

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        shop: Shop,
        clock: Clock,
        free_floor_bytes: int = 64 * MIB,
        reserve_bytes: int = 4 * MIB,
    ) -> Journal:
        """Blocking: checks the whole file. Raises StoregateError when it is taken, newer than us, or can't be written.

        The clock's floor is raised to the newest moment the journal knows.
        """
        held = lock(path)
        head = Head(path.with_name(path.name + ".head"))
        try:
            db, tail, replaced = open_file(path, held, clock)
            gone = max(0, head.read(tail.epoch) - tail.last_seq)
            if gone:
                replaced = _shortened(tail, gone, keep_log(path, clock))
            clock.raise_floor(tail.clock_ms)
            reserve = Reserve(path.with_name(path.name + ".reserve"), reserve_bytes)
            writer = Writer(path, db, tail, shop=shop, reserve=reserve, head=head, free_floor_bytes=free_floor_bytes)
            if replaced is not None:
                writer.first_words(replaced, clock.now(), gone=gone)
            remember(held, tail.epoch)
            journal = cls(path, held=held, writer=writer, head=head, epoch=tail.epoch, clock=clock)
        except sqlite3.Error as error:
            head.close()
            os.close(held)
            raise cant_open(path, error) from error
        except BaseException:
            head.close()
            os.close(held)
            raise
        journal.replaced = replaced
        journal._thread.start()
        return journal

    def set_shop(self, shop: Shop) -> None:
        """The next group is decided under it."""
        self._writer.shop = shop

    async def submit(self, event: Event) -> Outcome:
        """Decides an event; returns once it is on the disk. Raises JournalRefusedError when it is not.

        A caller that is cancelled meanwhile does not know whether it is.
        """
        outcome: Outcome = await self._ask(event)
        return outcome

    async def read(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `fn` on the reader's thread with a connection that can't write. Sees all that was answered before."""
        if self._closed:
            raise JournalRefusedError(Refusal.CLOSED, "the journal is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, fn)

    async def pending(
        self, *, after_seq: int, up_to_seq: int | None = None, limit: int = 100, max_bytes: int = MIB
    ) -> list[Row]:
        """Rows that wait, in order; at least one if there is any. What was lost is told in them.

        From now on no count among them is folded away; a diagnostic may still be evicted, and is then both
        received and recorded as lost: readers take the set difference.
        """
        top = 2**62 if up_to_seq is None else up_to_seq
        now = self._clock.now()

        def deed(outbox: Outbox) -> list[Row]:
            outbox.tell_losses(now)
            return outbox.hand_out(after_seq=after_seq, up_to_seq=top, limit=limit, max_bytes=max_bytes)

        rows: list[Row] = await self._ask(deed, lambda outbox: outbox.untold or self._writer.mark_moves(top))
        return rows

    async def forget(self, ranges: Sequence[tuple[int, int]]) -> None:
        """The cloud has these (both ends included). Not made durable by itself: a lost one only sends again."""

        def deed(outbox: Outbox) -> None:
            for first, last in ranges:
                outbox.forget(first, last)

        await self._ask(deed, lambda _: False)

    async def wait_news(self, after_seq: int) -> int:
        """Returns `last_seq` once it is larger than `after_seq`."""
        while self.last_seq <= after_seq:
            waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            self._news.append((after_seq, waiter))
            try:
                await waiter
            finally:
                with contextlib.suppress(ValueError):
                    self._news.remove((after_seq, waiter))
        return self.last_seq

    async def stats(self) -> OutboxStats:
        """Never waits for the disk."""
        return self._writer.stats

    @property
    def alive(self) -> bool:
        """Whether the writer does its work: a refusal is an answer, a disk that hangs for STUCK_S is not."""
        stuck = self._busy_since_s is not None and time.monotonic() - self._busy_since_s > STUCK_S
        return self._thread.is_alive() and not stuck

    @property
    def gone(self) -> str:
        """Which file was removed or replaced under us, in words; nothing is written any more. Or empty."""
        return self._writer.stats.gone

    async def close(self) -> None:
        """Commits what was submitted, then closes the file and lets go of it."""
        if self._closed:
            return
        self._closed = True
        self._send()
        await asyncio.to_thread(self._end_reader)  # first: the writer's last checkpoint needs the file for itself
        self._writer.jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._head.close()
        os.close(self._held)

    # --- between the loop and the threads ----------------------------------------------------------------

    async def _ask(
        self, work: Event | Callable[[Outbox], object], durable: Callable[[Outbox], bool] | None = None
    ) -> Any:
        if self._closed:
            raise JournalRefusedError(Refusal.CLOSED, "the journal is closed")
        if self._waiting >= MAX_WAITING:
            raise JournalRefusedError(Refusal.BUSY, "not saved: too many events wait for the disk", hint="try again")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        if not self._gathered:
            loop.call_soon(self._send)  # all that is submitted in this turn of the loop shares a group
        self._gathered.append(Job(done, work, durable))
        self._waiting += 1
        return await done

    def _send(self) -> None:
        if self._gathered:
            jobs, self._gathered = self._gathered, []
            if self._busy_since_s is None:
                self._busy_since_s = time.monotonic()
            self._writer.jobs.put(jobs)

    def _from_writer(self, loop: asyncio.AbstractEventLoop, results: list[Result]) -> None:
        """On the writer's thread: one wake-up of the loop for a whole group."""
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it everybody who asked
            loop.call_soon_threadsafe(self._resolve, results, self._writer.stats.last_seq)

    def _resolve(self, results: list[Result], last_seq: int) -> None:
        self._waiting -= len(results)
        self._busy_since_s = time.monotonic() if self._waiting else None
        self.last_seq = last_seq
        for done, value, error in results:
            if done.done():
                continue
            if error is None:
                done.set_result(value)
            else:
                done.set_exception(error)
        for after_seq, waiter in self._news:
            if last_seq > after_seq and not waiter.done():
                waiter.set_result(last_seq)

    def _read(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        if self._reader is None:
            self._reader = connect_reader(self._path)
        return fn(self._reader)

    def _end_reader(self) -> None:
        self._readers.shutdown()
        if self._reader is not None:
            self._reader.close()


def _shortened(tail: Tail, gone: int, kept_as: str) -> JournalReplaced:
    events = "event is" if gone == 1 else f"{gone} events are"
    problem = f"the newest {events} gone from the log, and what they did: a coupon used in them can be used again"
    return JournalReplaced(old_epoch=tail.epoch, kept_as=kept_as, problem=problem)
