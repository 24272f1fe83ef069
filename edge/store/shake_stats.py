"""How often beacons and pages were shaken and looked at, by day of the shop. Counted with the shake itself, so exact.

`uv` counts holders once a day each. Who was counted is kept, hashed with the day, until the day after is over: a fact
of the last second before midnight may be decided after it. The counters stay `KEEP_DAYS`.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from edge.store.tx import Rows

SCHEMA = """
CREATE TABLE shake_stat (
  day TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, shake_pv INTEGER NOT NULL DEFAULT 0,
  shake_uv INTEGER NOT NULL DEFAULT 0, click_pv INTEGER NOT NULL DEFAULT 0, click_uv INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (day, kind, name)
) WITHOUT ROWID;
CREATE TABLE shake_seen (
  day TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, what TEXT NOT NULL, who BLOB NOT NULL,
  PRIMARY KEY (day, kind, name, what, who)
) WITHOUT ROWID;
"""
KEEP_DAYS = 100
PAGE_ROWS = 50
"""Of `devices` and `pages`: WeChat's page."""
_COUNTERS = "shake_pv, shake_uv, click_pv, click_uv"


class Counters(msgspec.Struct, frozen=True, kw_only=True):
    shake_pv: int = 0
    """Shakes that were answered."""
    shake_uv: int = 0
    """By so many holders."""
    click_pv: int = 0
    """Shakes whose page was opened; once each, on the day it was."""
    click_uv: int = 0


class DayStat(Counters, frozen=True, kw_only=True):
    """One beacon or page on one day."""

    day: date


class NameStat(Counters, frozen=True, kw_only=True):
    """One day's figures of one beacon or page."""

    name: str
    """Id of the document; it may be gone."""


class StatPage(msgspec.Struct, frozen=True, kw_only=True):
    day: date
    page_index: int
    total_count: int
    """Beacons or pages with any figure that day."""
    rows: tuple[NameStat, ...]
    """At most `PAGE_ROWS`; the most shaken (shake_uv, then shake_pv) first."""


class Subject(StrEnum):
    BEACON = "beacon"
    PAGE = "page"


class What(StrEnum):
    SHAKE = "shake"
    CLICK = "click"


def day_of(at_ms: int, timezone: str) -> date:
    """The shop's day."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(timezone)).date()


def start_ms(day: date, timezone: str) -> int:
    """Its first moment (UTC, ms)."""
    return int(datetime.combine(day, time.min, ZoneInfo(timezone)).timestamp() * 1000)


def end_ms(day: date, timezone: str) -> int:
    """The first moment of the next."""
    return start_ms(day + timedelta(days=1), timezone)


def count(db: Rows, what: What, *, day: date, holder: str, beacon: str | None, page: str) -> None:
    """One shake or click, of its page and, where there is one, its beacon."""
    who = hashlib.sha256(f"{day}/{holder}".encode()).digest()[:16]
    _count(db, what, (str(day), str(Subject.PAGE), page), who)
    if beacon is not None:
        _count(db, what, (str(day), str(Subject.BEACON), beacon), who)


def _count(db: Rows, what: What, key: tuple[str, str, str], who: bytes) -> None:
    new = db.execute("INSERT OR IGNORE INTO shake_seen VALUES (?, ?, ?, ?, ?)", (*key, str(what), who)).rowcount
    pv, uv = f"{what}_pv", f"{what}_uv"
    db.execute(
        f"INSERT INTO shake_stat (day, kind, name, {pv}, {uv}) VALUES (?1, ?2, ?3, 1, ?4)"  # noqa: S608
        f" ON CONFLICT (day, kind, name) DO UPDATE SET {pv} = {pv} + 1, {uv} = {uv} + ?4",
        (*key, new),
    )


def device(db: Rows, beacon: str, from_day: date, to_day: date) -> tuple[DayStat, ...]:
    """Both days included; days with no figure are left out."""
    return _days(db, Subject.BEACON, beacon, from_day, to_day)


def page(db: Rows, page_id: str, from_day: date, to_day: date) -> tuple[DayStat, ...]:
    return _days(db, Subject.PAGE, page_id, from_day, to_day)


def devices(db: Rows, day: date, page_index: int = 1) -> StatPage:
    """`page_index` from 1 on; one beyond the end has no rows."""
    return _names(db, Subject.BEACON, day, page_index)


def pages(db: Rows, day: date, page_index: int = 1) -> StatPage:
    return _names(db, Subject.PAGE, day, page_index)


def _days(db: Rows, kind: Subject, name: str, from_day: date, to_day: date) -> tuple[DayStat, ...]:
    rows = db.execute(
        f"SELECT day, {_COUNTERS} FROM shake_stat"  # noqa: S608
        " WHERE day BETWEEN ? AND ? AND kind = ? AND name = ? ORDER BY day",
        (str(from_day), str(to_day), str(kind), name),
    )
    return tuple(
        DayStat(day=date.fromisoformat(day), shake_pv=a, shake_uv=b, click_pv=c, click_uv=d) for day, a, b, c, d in rows
    )


def _names(db: Rows, kind: Subject, day: date, page_index: int) -> StatPage:
    page_index = max(1, page_index)
    (total,) = db.execute(
        "SELECT count(*) FROM shake_stat WHERE day = ? AND kind = ?", (str(day), str(kind))
    ).fetchone()
    rows = db.execute(
        f"SELECT name, {_COUNTERS} FROM shake_stat WHERE day = ? AND kind = ?"  # noqa: S608
        " ORDER BY shake_uv DESC, shake_pv DESC, name LIMIT ? OFFSET ?",
        (str(day), str(kind), PAGE_ROWS, (page_index - 1) * PAGE_ROWS),
    )
    found = tuple(NameStat(name=name, shake_pv=a, shake_uv=b, click_pv=c, click_uv=d) for name, a, b, c, d in rows)
    return StatPage(day=day, page_index=page_index, total_count=total, rows=found)


def forget(db: Rows, *, today: date, limit: int) -> None:
    """Who was counted before yesterday, and counters that are too old; at most `limit` rows of each."""
    db.execute(
        "DELETE FROM shake_seen WHERE (day, kind, name, what, who) IN"
        " (SELECT day, kind, name, what, who FROM shake_seen WHERE day < ? LIMIT ?)",
        (str(today - timedelta(days=1)), limit),
    )
    db.execute(
        "DELETE FROM shake_stat WHERE (day, kind, name) IN"
        " (SELECT day, kind, name FROM shake_stat WHERE day < ? LIMIT ?)",
        (str(today - timedelta(days=KEEP_DAYS)), limit),
    )
