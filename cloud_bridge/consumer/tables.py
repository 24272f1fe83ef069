"""The reader's tables, in the SQL that SQLite (3.35 and later) and PostgreSQL share. Blocking: one thread owns it.

`event` is keyed by (source, epoch, seq), which is (source, id): a duplicate is dropped by the database itself. `stream`
counts what came of one epoch of one gateway; `through` is its watermark.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from cloud_bridge.consumer.sorting import Batch, Stored, Told
from cloud_bridge.ranges import Ranges

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS event (
      source TEXT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL, type TEXT NOT NULL, subject TEXT NOT NULL,
      time TEXT NOT NULL, clockstate TEXT NOT NULL, bootid TEXT NOT NULL, monotonicms TEXT NOT NULL, data TEXT NOT NULL,
      PRIMARY KEY (source, epoch, seq))""",
    """CREATE TABLE IF NOT EXISTS stream (
      source TEXT NOT NULL, epoch TEXT NOT NULL, received BIGINT NOT NULL DEFAULT 0,
      duplicates BIGINT NOT NULL DEFAULT 0, last_seq BIGINT NOT NULL DEFAULT 0, base BIGINT NOT NULL DEFAULT -1,
      through BIGINT NOT NULL DEFAULT 0, session BIGINT NOT NULL DEFAULT 0, online INTEGER NOT NULL DEFAULT 0,
      version TEXT NOT NULL DEFAULT '', last_type TEXT NOT NULL DEFAULT '', last_time TEXT NOT NULL DEFAULT '',
      PRIMARY KEY (source, epoch))""",
    """CREATE TABLE IF NOT EXISTS lost (
      source TEXT NOT NULL, epoch TEXT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL, kept TEXT NOT NULL,
      reason TEXT NOT NULL, PRIMARY KEY (source, epoch, first, last, kept, reason))""",
    """CREATE TABLE IF NOT EXISTS dead (
      at_ms BIGINT NOT NULL, topic TEXT NOT NULL, problem TEXT NOT NULL, payload {blob})""",
)
# No value ever comes into these texts: the braces hold column names of this file.
_EVENT = f"INSERT INTO event VALUES ({', '.join('?' * len(Stored._fields))}) ON CONFLICT DO NOTHING"  # noqa: S608
_LOST = "INSERT INTO lost VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_STREAM = "INSERT INTO stream (source, epoch) VALUES (?, ?) ON CONFLICT DO NOTHING"
_GREATER = "CASE WHEN {0} > ? THEN {0} ELSE ? END"
_COUNT = f"""UPDATE stream SET received = received + ?, duplicates = duplicates + ?,
  last_seq = {_GREATER.format("last_seq")}, last_type = ?, last_time = ? WHERE source = ? AND epoch = ?"""  # noqa: S608
_BIRTH = f"""UPDATE stream SET session = ?, online = ?, version = ?, last_seq = {_GREATER.format("last_seq")},
  base = CASE WHEN base < 0 THEN ? ELSE base END, through = {_GREATER.format("through")}
  WHERE source = ? AND epoch = ? AND session <= ?"""  # noqa: S608
_OLDER = "UPDATE stream SET online = 0 WHERE source = ? AND epoch <> ? AND session < ?"
_THROUGH = f"UPDATE stream SET through = {_GREATER.format('through')} WHERE source = ? AND epoch = ?"  # noqa: S608
_RUNS = """SELECT MIN(seq), MAX(seq) FROM
  (SELECT seq, seq - ROW_NUMBER() OVER (ORDER BY seq) AS run FROM event WHERE source = ? AND epoch = ?) AS runs
  GROUP BY run ORDER BY 1"""


class Stream(NamedTuple):
    """One epoch of one gateway."""

    source: str
    epoch: str
    online: bool
    version: str
    received: int
    duplicates: int
    last_seq: int
    """Produced so far, as far as is known."""
    base: int
    """Numbers up to here the gateway had already let go of when this database first met it."""
    through: int
    last_type: str
    last_time: str


class Account(NamedTuple):
    """produced = before + received + lost + missing."""

    stream: Stream
    before: int
    """Let go of by the gateway before this database met it, and never received here."""
    lost: int
    """Recorded as lost, and not received all the same."""
    missing: list[tuple[int, int]]

    @property
    def missing_count(self) -> int:
        return sum(last - first + 1 for first, last in self.missing)


class Tables:
    """`mark` is the driver's placeholder, `blob` its type for bytes, `lock` keeps two from making tables at once."""

    def __init__(self, connection: Any, *, mark: str, blob: str, lock: str = "") -> None:
        self._db = connection
        self._mark = mark
        if lock:
            self._run(lock)
        for text in SCHEMA:
            self._run(text.replace("{blob}", f"{blob} NOT NULL"))
        self._db.commit()

    def close(self) -> None:
        self._db.close()

    def store(self, batch: Batch) -> int:
        """One transaction, on disk at return; how many events were new."""
        new = 0
        try:
            keys = {(row.source, row.epoch) for row in batch.events}
            keys |= {(row.source, row.epoch) for row in batch.losses}
            keys |= {(told.source, told.birth.epoch) for told in batch.births}
            self._many(_STREAM, sorted(keys))
            for (source, epoch), rows in groupby(batch.events, key=lambda row: (row.source, row.epoch)):
                new += self._events(source, epoch, list(rows))
            self._many(_LOST, sorted(set(batch.losses)))
            for told in batch.births:
                self._birth(told)
            now_ms = int(time.time() * 1000)
            dead = [(now_ms, dead.topic, dead.problem, dead.payload) for dead in batch.dead]
            self._many("INSERT INTO dead VALUES (?, ?, ?, ?)", dead)
        except BaseException:
            self._db.rollback()
            raise
        self._db.commit()
        return new

    def streams(self) -> list[Stream]:
        found = self._run(
            "SELECT source, epoch, online, version, received, duplicates, last_seq,"
            " CASE WHEN base < 0 THEN 0 ELSE base END, through, last_type, last_time"
            " FROM stream ORDER BY source, session"
        ).fetchall()
        self._db.rollback()
        return [Stream(row[0], row[1], bool(row[2]), *row[3:]) for row in found]

    def dead_count(self) -> int:
        return int(self._run("SELECT COUNT(*) FROM dead").fetchone()[0])

    def account(self, stream: Stream) -> Account:
        """The exact account of one stream: set difference, for a row may be received and recorded as lost."""
        key = (stream.source, stream.epoch)
        received = Ranges(self._run(_RUNS, key).fetchall())
        losses = Ranges((first, last) for first, last in self._lost(key))
        lost = Ranges(gap for first, last in losses for gap in received.missing(first, last))
        known = Ranges([*received, *lost])
        before = sum(last - first + 1 for first, last in known.missing(1, stream.base))
        return Account(stream, before, lost.count, known.missing(stream.base + 1, stream.last_seq))

    def advance(self, stream: Stream) -> int:
        """The new watermark: everything up to it is in here, recorded as lost, or was let go of before."""
        key = (stream.source, stream.epoch)
        lost = Ranges(self._lost(key))
        at = stream.through
        for seq in self._after(key, at):
            at = _over(lost, at)
            if seq > at + 1:
                break
            at = max(at, seq)
        at = _over(lost, at)
        if at > stream.through:
            self._run(_THROUGH, (at, at, *key))
        self._db.commit()
        return at

    def _after(self, key: tuple[str, str], at: int) -> Iterator[int]:
        rows = self._run("SELECT seq FROM event WHERE source = ? AND epoch = ? AND seq > ? ORDER BY seq", (*key, at))
        for (seq,) in rows:
            yield seq

    def _lost(self, key: tuple[str, str]) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = self._run(
            "SELECT first, last FROM lost WHERE source = ? AND epoch = ? ORDER BY first", key
        ).fetchall()
        return found

    def _events(self, source: str, epoch: str, rows: list[Stored]) -> int:
        new = self._many(_EVENT, rows)
        last = rows[-1]
        count = (new, len(rows) - new, last.seq, last.seq, last.type, last.time, source, epoch)
        self._run(_COUNT, count)
        return new

    def _birth(self, told: Told) -> None:
        birth, base = told.birth, max(0, told.birth.oldest_seq - 1)
        last = birth.last_seq
        values = (birth.session, int(birth.online), birth.version, last, last, base, base, base)
        self._run(_BIRTH, (*values, told.source, birth.epoch, birth.session))
        self._run(_OLDER, (told.source, birth.epoch, birth.session))

    def _run(self, sql: str, values: Sequence[object] = ()) -> Any:
        cursor = self._db.cursor()
        cursor.execute(sql.replace("?", self._mark), values)
        return cursor

    def _many(self, sql: str, rows: Sequence[Sequence[object]]) -> int:
        if not rows:
            return 0
        cursor = self._db.cursor()
        cursor.executemany(sql.replace("?", self._mark), rows)
        return int(cursor.rowcount)


def _over(lost: Ranges, at: int) -> int:
    """Where a run of losses right behind `at` ends."""
    for first, last in lost:
        if first <= at + 1 <= last:
            return last
    return at
