"""What waits for the cloud: rows beside the shop's own, in the same transactions, bounded in bytes.

When the budget is used up, room is made in this order, inside the transaction that needs it:
diagnostics go, the oldest first; footfall folds into hours (sums stay exact); and a row that may never go
(`Kept.LEDGER`) is refused together with its event. Every number that leaves unsent is remembered in the
table `lost` by the same transaction, and told as `records.lost.v1` when the bridge next asks for rows. So

    produced = still waiting + received + recorded as lost        by (epoch, sequence), exactly.

A diagnostic row that was handed to the bridge may be evicted before it is acknowledged: it is then received
and recorded as lost; a reader takes the set difference. A count that may have been sent is never folded: it
would be counted twice.

All methods run on the journal's writer thread, inside its transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from edge.clock import ClockState, Stamp
from edge.errors import JournalRefusedError, Refusal
from edge.journal import spans
from edge.journal.folding import Counted, hours
from edge.journal.spans import Span, Spans
from edge.telemetry import FootfallCounted, Kept, Range, RecordsLost, Telemetry

SCHEMA = """
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY, kept TEXT NOT NULL, type TEXT NOT NULL, subject TEXT NOT NULL,
  at_ms INTEGER NOT NULL, monotonic_ms INTEGER NOT NULL, boot_id TEXT NOT NULL, clock TEXT NOT NULL,
  bytes INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX outbox_diagnostic ON outbox (seq) WHERE kept = 'diagnostic';
CREATE INDEX outbox_count ON outbox (seq) WHERE kept = 'count';
CREATE TABLE lost (
  kept TEXT NOT NULL, reason TEXT NOT NULL, total INTEGER NOT NULL, untold BLOB NOT NULL,
  PRIMARY KEY (kept, reason)
) WITHOUT ROWID;
"""
ROW_BYTES = 64
"""What a row costs beside its texts."""
SPAN_BYTES = 24
"""What one span of untold losses costs, here and in the record that will tell it."""
SPANS_A_RECORD = 500
"""A loss record stays below 16 kB: every broker takes that."""
EXTRA_SHARE = 32
"""One part in 32 of the budget is freed beyond the need: evicting is then rare, and cheap for each row."""

NO_ROOM = {
    Refusal.OUTBOX_FULL: (
        "the events that wait for the cloud fill their space",
        "bring the connection to the cloud back, or raise outbox.max_mb",
    ),
    Refusal.DISK_FULL: ("the disk is full", "free space on the disk of gateway.state_dir"),
}
FULL = "outbox_full"
FOLDED = "folded"
DAMAGED = "damaged"
_INSERT = "INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT seq, type, subject, at_ms, monotonic_ms, boot_id, clock, body, kept FROM outbox"


class Row(NamedTuple):
    """One row as the bridge gets it; `body` is the JSON of a telemetry struct."""

    seq: int
    type: str
    subject: str
    at: Stamp
    body: bytes
    kept: Kept


class Lost(NamedTuple):
    total: int
    """Since the journal's first day."""
    untold: Spans
    """Not yet in a loss record."""


class Tally(NamedTuple):
    """All that the outbox keeps in memory, so that a savepoint's rollback is one assignment."""

    last_seq: int
    depth: dict[Kept, int]
    bytes: int
    lost: dict[tuple[Kept, str], Lost]


class Outbox:
    """The outbox of one connection."""

    def __init__(self, db: sqlite3.Connection, *, last_seq: int, max_bytes: int, handed: Spans = ()) -> None:
        self._db = db
        self._encode = msgspec.json.Encoder().encode
        self.last_seq = last_seq
        self.limit = max_bytes
        self.full_is: Refusal = Refusal.OUTBOX_FULL
        """Why there is no room: DISK_FULL while the journal lowered `limit` for the disk's sake."""
        self.handed = handed
        """What the bridge may have sent already."""
        self._depth = dict.fromkeys(Kept, 0)
        self.bytes = 0
        self._lost: dict[tuple[Kept, str], Lost] = {}
        self._dirty = False
        self._newest_count = 1
        self._folded_to = 0
        self._load()

    # --- savepoints --------------------------------------------------------------------------------------

    def tally(self) -> Tally:
        return Tally(self.last_seq, self._depth.copy(), self.bytes, self._lost)

    def restore(self, tally: Tally) -> None:
        """After the savepoint that began at `tally` was rolled back."""
        self.last_seq, depth, self.bytes, self._lost = tally
        self._depth = depth.copy()
        self._folded_to = 0

    def save(self) -> None:
        """Before the commit: losses go to disk with what they are about."""
        if self._dirty:
            rows = [
                (kept, reason, lost.total, msgspec.json.encode(lost.untold))
                for (kept, reason), lost in self._lost.items()
            ]
            self._db.executemany("INSERT OR REPLACE INTO lost VALUES (?, ?, ?, ?)", rows)

    def saved(self) -> None:
        """After the commit."""
        self._dirty = False

    # --- writing -----------------------------------------------------------------------------------------

    def tell(self, news: Telemetry, *, at: Stamp, subject: str = "") -> int:
        """Adds a row, making room first where needed. Raises JournalRefusedError when that can't be."""
        body = self._encode(news)
        kept = news.KEPT
        size = ROW_BYTES + len(body) + len(news.TYPE) + len(subject)
        if self.bytes + size > self.limit and not self._make_room(size) and kept is not Kept.DIAGNOSTIC:
            words, hint = NO_ROOM[self.full_is]
            raise JournalRefusedError(
                self.full_is,
                f"not saved: {words}",
                hint=hint,
            )
        self.last_seq = seq = self.last_seq + 1
        if self.bytes + size > self.limit:
            self._lose(Kept.DIAGNOSTIC, FULL, [seq])
        else:
            self._insert(seq, news, body, at, subject, size)
        return seq

    def tell_losses(self, at: Stamp) -> None:
        """Turns what is untold into loss records. They may exceed the budget by what their spans cost already."""
        if not self.untold:
            return
        untold, self._lost = self._lost, {key: Lost(lost.total, ()) for key, lost in self._lost.items()}
        for (kept, reason), lost in untold.items():
            for chunk in spans.chunks(lost.untold, SPANS_A_RECORD):
                self.bytes -= SPAN_BYTES * len(chunk)
                news = RecordsLost(
                    kept=kept,
                    reason=reason,
                    count=sum(span.rows for span in chunk),
                    ranges=[Range(span.first, span.last) for span in chunk],
                )
                body = self._encode(news)
                self.last_seq += 1
                self._insert(self.last_seq, news, body, at, "", ROW_BYTES + len(body) + len(news.TYPE))
        self._dirty = True

    def tell_gone(self, count: int, spare: int, news: Telemetry, at: Stamp) -> None:
        """The newest `count` events are gone from the log, and what was told of them can't be known.

        Their numbers, and `spare` more, are never used again and count as lost; `news` says so, whatever the budget.
        """
        kept, first = Kept.LEDGER, self.last_seq + 1
        self.handed = (Span(1, self.last_seq, 0),) if self.last_seq else ()  # to be on the safe side: nothing is folded
        before = self._lost.get((kept, DAMAGED), Lost(0, ()))
        span = Span(first, self.last_seq + count + spare, count)
        self._lost = {**self._lost, (kept, DAMAGED): Lost(before.total + count, (*before.untold, span))}
        self.bytes += SPAN_BYTES
        self._dirty = True
        body = self._encode(news)
        self.last_seq = span.last + 1
        self._insert(self.last_seq, news, body, at, "", ROW_BYTES + len(body) + len(news.TYPE))

    def forget(self, first: int, last: int) -> None:
        """The cloud has these rows."""
        gone = self._db.execute(
            "DELETE FROM outbox WHERE seq BETWEEN ? AND ? RETURNING kept, bytes", (first, last)
        ).fetchall()
        for kept, size in gone:
            self._depth[Kept(kept)] -= 1
            self.bytes -= size
        self.handed = _after(self.handed, self.oldest_seq())

    # --- reading -----------------------------------------------------------------------------------------

    @property
    def handed_to(self) -> int:
        """The highest number ever handed out."""
        return self.handed[-1].last if self.handed else 0

    @property
    def untold(self) -> bool:
        return any(lost.untold for lost in self._lost.values())

    @property
    def depth(self) -> dict[Kept, int]:
        return self._depth.copy()

    @property
    def lost_total(self) -> dict[tuple[Kept, str], int]:
        return {key: lost.total for key, lost in self._lost.items()}

    def oldest_seq(self) -> int:
        row = self._db.execute("SELECT MIN(seq) FROM outbox").fetchone()
        return self.last_seq + 1 if row[0] is None else int(row[0])

    def oldest_at_ms(self) -> int | None:
        row = self._db.execute("SELECT at_ms FROM outbox ORDER BY seq LIMIT 1").fetchone()
        return None if row is None else int(row[0])

    def hand_out(self, *, after_seq: int, up_to_seq: int, limit: int, max_bytes: int) -> list[Row]:
        """Rows in order; from now on none of their counts is folded. At least one row if there is any."""
        rows: list[Row] = []
        found = self._db.execute(
            f"{_SELECT} WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            (after_seq, up_to_seq, limit),
        )
        for values in found:
            row = _row(values)
            max_bytes -= len(row.body)
            if rows and max_bytes < 0:
                break
            rows.append(row)
        if rows:
            first, last = rows[0].seq, rows[-1].seq
            self.handed = spans.merged((*self.handed, Span(first, last, 0)))
        return rows

    # --- making room -------------------------------------------------------------------------------------

    def _make_room(self, size: int) -> bool:
        """Whether a row of `size` bytes fits now."""
        extra = self.limit // EXTRA_SHARE
        while self.bytes + size > self.limit and self._depth[Kept.DIAGNOSTIC]:
            # again where remembering the loss took part of what it freed
            self._evict_diagnostics(self.bytes + size + extra - self.limit)
        if self.bytes + size > self.limit:
            self._fold()
        return self.bytes + size <= self.limit

    def _evict_diagnostics(self, wanted: int) -> None:
        gone: list[int] = []
        freed = 0
        for seq, size in self._db.execute("SELECT seq, bytes FROM outbox WHERE kept = 'diagnostic' ORDER BY seq"):
            gone.append(seq)
            freed += size
            if freed >= wanted:
                break
        self._db.execute("DELETE FROM outbox WHERE kept = 'diagnostic' AND seq <= ?", (gone[-1],))
        self._depth[Kept.DIAGNOSTIC] -= len(gone)
        self.bytes -= freed
        self._lose(Kept.DIAGNOSTIC, FULL, gone)

    def _fold(self) -> None:
        if self._folded_to >= self._newest_count:
            return  # nothing came since the last time
        for hour in hours(self._foldable()):
            marks = ",".join("?" * len(hour.seqs))
            freed = self._db.execute(
                f"DELETE FROM outbox WHERE seq IN ({marks}) RETURNING bytes",  # noqa: S608 - marks only
                hour.seqs,
            ).fetchall()
            self._depth[Kept.COUNT] -= len(freed)
            self.bytes -= sum(size for (size,) in freed)
            self._lose(Kept.COUNT, FOLDED, hour.seqs)
            body = self._encode(hour.news)
            size = ROW_BYTES + len(body) + len(hour.news.TYPE) + len(hour.subject)
            self.last_seq += 1
            self._insert(self.last_seq, hour.news, body, hour.at, hour.subject, size)
        self._folded_to = self._newest_count

    def _foldable(self) -> Iterator[Counted]:
        decode: Callable[[bytes], FootfallCounted] = msgspec.json.Decoder(FootfallCounted).decode
        for values in self._db.execute(
            f"{_SELECT} WHERE kept = 'count' AND type = ?",
            (FootfallCounted.TYPE,),
        ):
            row = _row(values)
            if not spans.holds(self.handed, row.seq):
                yield Counted(row.seq, row.at, row.subject, decode(row.body))

    def _lose(self, kept: Kept, reason: str, seqs: Sequence[int]) -> None:
        before = self._lost.get((kept, reason), Lost(0, ()))
        added = spans.of(seqs)
        lost = {**self._lost, (kept, reason): Lost(before.total + len(seqs), spans.merged(before.untold + added))}
        gone = spans.merged(span for each in lost.values() for span in each.untold)
        lost = {key: Lost(each.total, spans.bridged(each.untold, gone)) for key, each in lost.items()}
        self.bytes += SPAN_BYTES * (_count(lost) - _count(self._lost))
        self._lost = lost
        self._dirty = True

    def _insert(self, seq: int, news: Telemetry, body: bytes, at: Stamp, subject: str, size: int) -> None:
        kept = news.KEPT
        self._db.execute(
            _INSERT,
            (seq, kept, news.TYPE, subject, at.at_ms, at.monotonic_ms, at.boot_id, at.state, size, body),
        )
        self._depth[kept] += 1
        self.bytes += size
        if kept is Kept.COUNT:
            self._newest_count = seq

    def _load(self) -> None:
        for kept, count, size in self._db.execute("SELECT kept, COUNT(*), SUM(bytes) FROM outbox GROUP BY kept"):
            self._depth[Kept(kept)] = count
            self.bytes += size
        for kept, reason, total, untold in self._db.execute("SELECT kept, reason, total, untold FROM lost"):
            known = msgspec.json.decode(untold, type=tuple[Span, ...])
            self._lost[Kept(kept), reason] = Lost(total, known)
        self.bytes += SPAN_BYTES * _count(self._lost)


def _row(values: tuple[int, str, str, int, int, str, str, bytes, str]) -> Row:
    seq, kind, subject, at_ms, monotonic_ms, boot_id, clock, body, kept = values
    at = Stamp(at_ms=at_ms, monotonic_ms=monotonic_ms, boot_id=boot_id, state=ClockState(clock))
    return Row(seq, kind, subject, at, body, Kept(kept))


def _count(lost: dict[tuple[Kept, str], Lost]) -> int:
    return sum(len(each.untold) for each in lost.values())


def _after(handed: Spans, oldest: int) -> Spans:
    return tuple(Span(max(span.first, oldest), span.last, 0) for span in handed if span.last >= oldest)
