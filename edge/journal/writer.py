"""The one thread that writes the journal: takes all that waits, decides it in one transaction, one fsync for all.

A group's events are decided in order, each in its own savepoint: a bug in a rule, or a full outbox, costs that
one event. An error of the disk costs the group: all its callers are refused, and the next group finds a
fresh connection. When the disk is full, a small file kept for that day is given up, so that room can be made
and the losses written down.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import time
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edge import store
from edge.clock import Stamp
from edge.errors import JournalRefusedError, Refusal, StoregateError
from edge.events import Event
from edge.journal.file import (
    HINTS,
    Tail,
    checkpoint_every,
    connect,
    explain,
    read_tail,
    shrink_log,
    write_tail,
)
from edge.journal.head import Head
from edge.journal.outbox import Outbox
from edge.journal.presence import HINT as GONE_HINT
from edge.journal.presence import Presence
from edge.journal.reserve import Reserve
from edge.journal.spans import Span, Spans
from edge.shop import Shop
from edge.store.tx import Rows
from edge.telemetry import Kept, Telemetry

log = logging.getLogger(__name__)

MAX_GROUP = 1000
"""Jobs a transaction: beyond that, waiting costs more than the shared fsync saves."""
HANDED_STEP = 10_000
"""Numbers that may be handed out before the mark on the disk moves: one fsync per so many rows."""
CLOCK_MS = 60_000
"""Time alone moves the clock's mark this rarely: a quiet shop must not wear its card out, an fsync a second."""
LOG_PAGES, LOG_PAGES_LOW = 512, 64
"""Pages of 4 kB in the write-ahead log before it is moved into the file: half of the reserve, so that a full
disk can still take it. A low disk gets the short one."""
MAX_LAZY = 64
"""Commits in a row that need not be durable: the log is moved into the file after a durable one only, and must not
grow for ever."""
SPARE_NUMBERS = 1000
"""Skipped beyond the newest number that is known to be gone: after a power cut the mark may be half a minute old."""
ROOM = 4096
"""Bytes that must be free in the outbox before it counts as no longer full: any row fits."""
LOCAL_CODES = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_MISUSE}
LOCAL_CODES |= {sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_RANGE}
"""SQLite errors that a wrong rule causes; all others are the disk's."""


class OutboxStats(NamedTuple):
    """How the journal stands, as of its last group."""

    depth: dict[Kept, int]
    bytes: int
    max_bytes: int
    oldest_at_ms: int | None
    last_seq: int
    commits: int
    events: int
    commit_s_last: float
    """Seconds the last COMMIT took: mostly one fsync."""
    lost_total: dict[tuple[Kept, str], int]
    """(kept, reason) → rows, since the journal's first day."""
    refusing: Refusal | None
    """Why events are refused at the moment."""
    gone: str = ""
    """Which file was taken away under us, in words."""


class Job(NamedTuple):
    """One caller's wish: an event, or a deed on the outbox."""

    done: Future[Any]
    work: Event | Callable[[Outbox], object]
    durable: Callable[[Outbox], bool] | None = None
    """Whether a deed must be on the disk before its caller hears of it. None: it must."""


class Result(NamedTuple):
    done: Future[Any]
    value: object = None
    error: BaseException | None = None


class _Tx:
    """Obeys edge.store.Tx."""

    __slots__ = ("db", "shop", "tell")

    def __init__(self, db: Rows, shop: Shop, tell: Callable[..., int]) -> None:
        self.db = db
        self.shop = shop
        self.tell = tell


class Writer:
    """Owns the connection. `run` is the thread's body and calls all the rest."""

    def __init__(
        self,
        path: Path,
        db: sqlite3.Connection,
        tail: Tail,
        *,
        shop: Shop,
        reserve: Reserve,
        head: Head,
        free_floor_bytes: int,
    ) -> None:
        self.jobs: queue.SimpleQueue[Sequence[Job] | None] = queue.SimpleQueue()
        """Lists of jobs; None ends the thread."""
        self._path = path
        self._reserve = reserve
        self._head = head
        self._lazy = 0
        self._log = path.with_name(path.name + "-wal")
        self._presence = Presence(path, path.with_name(path.name + ".lock"))
        self._free_floor_bytes = free_floor_bytes
        self.shop = shop
        """Replaced whole, from any thread; the next group is decided under it."""
        self._commits = self._events = 0
        self._commit_s = 0.0
        self._refusing: Refusal | None = None
        self._db: sqlite3.Connection | None = None
        self._low = False
        self._tail = tail
        before = min(tail.handed_to, tail.last_seq)
        checkpoint_every(db, LOG_PAGES)
        self._attach(db, tail, (Span(1, before, 0),) if before else ())
        self.stats = self._stats()

    def first_words(self, news: Telemetry, at: Stamp, *, gone: int = 0) -> None:
        """What comes before all else: row 1, or, where the newest `gone` events are gone, the row after theirs.

        Before the thread runs.
        """
        db = self._db_now()
        db.execute("BEGIN")
        if gone:
            self._outbox.tell_gone(gone, SPARE_NUMBERS, news, at)
        else:
            self._outbox.tell(news, at=at)
        self._commit(at.at_ms)
        self._head.write(self._tail.epoch, self._tail.last_seq)
        self.stats = self._stats()

    def mark_moves(self, up_to_seq: int) -> bool:
        """Whether handing out rows up to `up_to_seq` has to be remembered on the disk first."""
        return min(up_to_seq, self._outbox.last_seq) > self._tail.handed_to

    def run(self, told: Callable[[AbstractEventLoop, list[Result]], None]) -> None:
        """Until None comes. `told` brings results back to the loop they belong to."""
        more = True
        while more:
            batch = self.jobs.get()
            jobs = list(batch or ())
            more = batch is not None
            while more and len(jobs) < MAX_GROUP and not self.jobs.empty():
                batch = self.jobs.get()
                jobs += batch or ()
                more = batch is not None
            if jobs:
                results = self._group(jobs)
                self.stats = self._stats()
                told(jobs[0].done.get_loop(), results)
        if self._db is not None and not self._presence.gone:
            shrink_log(self._db)
        self._detach()

    # --- one group ---------------------------------------------------------------------------------------

    def _group(self, jobs: list[Job]) -> list[Result]:
        try:
            if not self._presence.look():
                return self._refuse(jobs, Refusal.IO_ERROR, self._presence.gone, GONE_HINT)
            self._ready()
            try:
                return self._transaction(jobs)
            except sqlite3.Error as error:
                if explain(error)[0] is not Refusal.DISK_FULL:
                    raise
                self._reserve.give_up()
                shrink_log(self._db_now())
                self._look_at_disk()
                return self._transaction(jobs)
        except sqlite3.Error as error:
            return self._refuse(jobs, *explain(error))
        except OSError as error:
            return self._refuse(jobs, Refusal.IO_ERROR, f"the disk answers with an error ({error.strerror})")
        except Exception:  # a bug here must not end the thread: every later caller would wait for ever
            log.exception("the journal's writer failed")
            return self._refuse(jobs, Refusal.FAULT, "the journal's writer failed, see the log")

    def _transaction(self, jobs: list[Job]) -> list[Result]:
        db, tally = self._db_now(), self._outbox.tally()
        durable = any(job.durable is None or job.durable(self._outbox) for job in jobs)
        durable = durable or self._low or self._lazy >= MAX_LAZY
        changes = db.total_changes
        if not durable:
            db.execute("PRAGMA synchronous = NORMAL")  # a lost `forget` only sends again
            # a checkpoint would sync the log, and SQLite would not tell of a sync that failed: later commits would
            # be built on a hole
            checkpoint_every(db, 0)
        try:
            db.execute("BEGIN")
            results = [self._decide(db, job) for job in jobs]
            self._commit(max((job.work.at.at_ms for job in jobs if isinstance(job.work, Event)), default=0))
        except BaseException:
            self._outbox.restore(tally)
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        finally:
            if not durable:
                db.execute("PRAGMA synchronous = FULL")
                checkpoint_every(db, LOG_PAGES_LOW if self._low else LOG_PAGES)
        self._lazy = 0 if durable else self._lazy + 1
        if durable:
            self._head.write(self._tail.epoch, self._tail.last_seq)
        self._events += sum(isinstance(job.work, Event) for job in jobs)
        refused = [each.error.reason for each in results if isinstance(each.error, JournalRefusedError)]
        full = [reason for reason in refused if reason in {Refusal.OUTBOX_FULL, Refusal.DISK_FULL}]
        if full:
            self._refusing = full[0]
        elif durable and db.total_changes > changes and self._has_room():
            self._refusing = None
        return results

    def _has_room(self) -> bool:
        """Whether what was refused for want of room would be taken now. While the reserve gives way it is not."""
        if self._refusing not in {Refusal.DISK_FULL, Refusal.OUTBOX_FULL}:
            return True
        return not self._low and self._outbox.bytes + ROOM <= self._outbox.limit

    def _decide(self, db: sqlite3.Connection, job: Job) -> Result:
        work = job.work
        tally = self._outbox.tally()
        db.execute("SAVEPOINT job")
        try:
            value = store.handle(work, self._tx) if isinstance(work, Event) else work(self._outbox)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and not (_is_local(error) and db.in_transaction):
                raise
            db.execute("ROLLBACK TO job")
            self._outbox.restore(tally)
            return Result(job.done, error=_refusal(type(work).__name__, error))
        finally:
            if db.in_transaction:
                db.execute("RELEASE job")
        return Result(job.done, value)

    def _commit(self, newest_ms: int) -> None:
        db, outbox, tail = self._db_now(), self._outbox, self._tail
        outbox.save()
        handed_to = tail.handed_to if outbox.handed_to <= tail.handed_to else outbox.handed_to + HANDED_STEP
        now = Tail(tail.epoch, outbox.last_seq, max(tail.clock_ms, newest_ms), handed_to)
        moved = (now.last_seq, now.handed_to) != (tail.last_seq, tail.handed_to)
        if moved or now.clock_ms > tail.clock_ms + CLOCK_MS or self._refusing:  # a write shows whether it is over
            write_tail(db, now)
        else:
            now = tail
        began = time.perf_counter()
        db.execute("COMMIT")
        self._commit_s = time.perf_counter() - began
        self._commits += 1
        self._tail = now
        outbox.saved()

    def _refuse(self, jobs: list[Job], reason: Refusal, words: str, hint: str = "") -> list[Result]:
        hint = hint or HINTS.get(reason, "")
        if self._refusing is not reason:
            log.error("the journal refuses events: %s. %s", words, hint)
        self._refusing = reason
        if reason is not Refusal.DISK_FULL:
            self._detach()
        error = f"not saved: {words}"
        return [Result(job.done, error=JournalRefusedError(reason, error, hint=hint)) for job in jobs]

    # --- the file ----------------------------------------------------------------------------------------

    def _ready(self) -> None:
        """A connection, after the last one failed; room, or the knowledge that there is none."""
        if self._db is None:
            db = connect(self._path)
            try:
                checkpoint_every(db, LOG_PAGES_LOW if self._low else LOG_PAGES)
                self._attach(db, read_tail(db), self._outbox.handed)
            except BaseException:
                db.close()
                raise
            log.warning("the journal is open again")
        self._look_at_disk()

    def _attach(self, db: sqlite3.Connection, tail: Tail, handed: Spans) -> None:
        self._outbox = Outbox(db, last_seq=tail.last_seq, max_bytes=self.shop.outbox_max_bytes, handed=handed)
        self._tx = _Tx(db, self.shop, self._outbox.tell)
        self._tail = tail
        self._db = db
        self._presence.watch(self._log)

    def _detach(self) -> None:
        if self._db is not None:
            db, self._db = self._db, None
            self._presence.leave(self._log)  # SQLite removes it when it can
            try:
                db.close()
            except sqlite3.Error as error:
                log.warning("closing the journal: %s", error)

    def _db_now(self) -> sqlite3.Connection:
        assert self._db is not None
        return self._db

    def _look_at_disk(self) -> None:
        """While the disk is low the outbox may not grow: each new row needs an old one to go."""
        self._tx.shop = self.shop
        self._reserve.take()
        low = self._reserve.low(self._free_floor_bytes)
        if low and not self._low:
            self._outbox.limit = min(self.shop.outbox_max_bytes, self._outbox.bytes)
        elif not low:
            self._outbox.limit = self.shop.outbox_max_bytes
        self._outbox.full_is = Refusal.DISK_FULL if low else Refusal.OUTBOX_FULL
        if low is not self._low:
            checkpoint_every(self._db_now(), LOG_PAGES_LOW if low else LOG_PAGES)
        self._low = low

    def _stats(self) -> OutboxStats:
        outbox = self._outbox
        oldest_at_ms = None
        if self._db is not None:
            try:
                oldest_at_ms = outbox.oldest_at_ms()
            except sqlite3.Error:
                oldest_at_ms = None  # the group that failed for the same reason has told it
        return OutboxStats(
            depth=outbox.depth,
            bytes=outbox.bytes,
            max_bytes=outbox.limit,
            oldest_at_ms=oldest_at_ms,
            last_seq=outbox.last_seq,
            commits=self._commits,
            events=self._events,
            commit_s_last=self._commit_s,
            lost_total=outbox.lost_total,
            refusing=self._refusing,
            gone=self._presence.gone,
        )


def _is_local(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in LOCAL_CODES


def _refusal(what: str, error: Exception) -> StoregateError:
    """Our own errors go to the caller as they are; anything else is a bug, and logged as one."""
    if isinstance(error, StoregateError):
        return error
    log.error("deciding %s failed", what, exc_info=error)
    fault = JournalRefusedError(Refusal.FAULT, f"not saved: deciding {what} failed, see the log")
    fault.__cause__ = error
    return fault
