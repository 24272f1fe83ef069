"""What came of it: the cloud's side of the demo, read from the reference consumer's database. Blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec


class Crossing(msgspec.Struct, frozen=True):
    """One person through the door in the clip, as the clip's maker knows it."""

    time_s: float
    entering: bool


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """People at the door: as counted, and as they truly were in the stretch of film the camera had seen."""

    entered: int = 0
    exited: int = 0
    true_entered: int = 0
    true_exited: int = 0
    watched_s: float = 0.0


class Account(msgspec.Struct, frozen=True, kw_only=True):
    produced: int = 0
    received: int = 0
    lost: int = 0
    """Recorded as lost by the gateway."""
    missing: int = 0
    """Neither received nor recorded: must be 0."""
    doubled: int = 0
    """Events that are in the cloud twice: must be 0."""
    resent: int = 0
    """Came twice over the wire, and were recognised."""
    redeemed: int = 0
    redeemed_twice: int = 0
    by_type: dict[str, int] = {}
    door: Door = Door()

    @property
    def good(self) -> bool:
        return self.produced > 0 and not (self.missing or self.doubled or self.redeemed_twice)


class _Summary(msgspec.Struct):
    produced: int
    received: int
    lost: int
    missing: int
    duplicates: int


def read(folder: Path, *, truth: Sequence[Crossing], clip_s: float) -> Account:
    """The account so far; an empty one before the consumer has written its first."""
    try:
        summary = msgspec.json.decode((folder / "cloud.json").read_bytes(), type=_Summary)
        with closing(sqlite3.connect(f"file:{folder / 'cloud.sqlite'}?mode=ro", uri=True, timeout=2)) as db:
            by_type = dict(db.execute("SELECT type, COUNT(*) FROM event GROUP BY type ORDER BY 2 DESC").fetchall())
            doubled = _one(db, "SELECT COUNT(*) - COUNT(DISTINCT source || '|' || epoch || '|' || seq) FROM event")
            used = "FROM event WHERE type LIKE '%coupon.redeemed.v1'"
            redeemed = _one(db, f"SELECT COUNT(*) {used}")
            serials = _one(db, f"SELECT COUNT(DISTINCT json_extract(data, '$.serial')) {used}")
            door = _door(db, truth, clip_s)
    except (OSError, msgspec.DecodeError, sqlite3.Error):
        return Account()
    return Account(
        produced=summary.produced,
        received=summary.received,
        lost=summary.lost,
        missing=summary.missing,
        doubled=doubled,
        resent=summary.duplicates,
        redeemed=redeemed,
        redeemed_twice=redeemed - serials,
        by_type={name.removeprefix("storegate."): count for name, count in by_type.items()},
        door=door,
    )


def _one(db: sqlite3.Connection, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0] or 0)


def _door(db: sqlite3.Connection, truth: Sequence[Crossing], clip_s: float) -> Door:
    sql = """SELECT TOTAL(json_extract(data, '$.entered')), TOTAL(json_extract(data, '$.exited')),
      TOTAL(json_extract(data, '$.coverage') * json_extract(data, '$.interval_s'))
      FROM event WHERE type LIKE '%footfall.counted.v1'"""
    entered, exited, watched_s = db.execute(sql).fetchone()
    plays, rest_s = divmod(watched_s, clip_s)
    seen = [crossing.entering for crossing in truth for _ in range(int(plays))]
    seen += [crossing.entering for crossing in truth if crossing.time_s < rest_s]
    return Door(
        entered=int(entered),
        exited=int(exited),
        true_entered=sum(seen),
        true_exited=len(seen) - sum(seen),
        watched_s=watched_s,
    )
