"""What is kept of guests beside their sessions: on which day a holder was here last, and how much of that day they
used; passes of the last hour; sealed records. Bounded, by time and by number; nothing here has a MAC.

Names are holders (`wallet-…`, `phone-…`), or `day-…` for a phone as long as a day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from edge.clock import Stamp
from edge.store.tx import Rows

SCHEMA = """
CREATE TABLE access_visit (n INTEGER PRIMARY KEY, holder TEXT NOT NULL UNIQUE, day TEXT NOT NULL, before TEXT);
CREATE TABLE access_day (
  name TEXT PRIMARY KEY, day TEXT NOT NULL, visits INTEGER NOT NULL, used_ms INTEGER NOT NULL,
  used_bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE access_phone (device TEXT PRIMARY KEY, day TEXT NOT NULL, visitor TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX access_phone_old ON access_phone (day);
CREATE INDEX access_day_old ON access_day (day);
CREATE TABLE access_way (
  day TEXT NOT NULL, way TEXT NOT NULL, admitted INTEGER NOT NULL, PRIMARY KEY (day, way)
) WITHOUT ROWID;
CREATE TABLE access_pass (
  device TEXT PRIMARY KEY, since_ms INTEGER NOT NULL, passes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX access_pass_old ON access_pass (since_ms);
CREATE TABLE access_record (
  n INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE, from_ms INTEGER NOT NULL, to_ms INTEGER, sealed BLOB NOT NULL
);
CREATE INDEX access_record_to ON access_record (to_ms);
"""
KEEP_DAYS = 400
"""A year and a month: who comes each Christmas is known."""
MAX_VISITS = 1_000_000
MAX_RECORDS = 2_000_000
"""A flood of guests must not fill the disk: the oldest go."""
DAY_PREFIX = "day-"
DAY_MS = 86_400_000
HOUR_MS = 3_600_000


class Day(NamedTuple):
    """What somebody did of one day."""

    visits: int
    used_ms: int
    used_bytes: int


class Kept(NamedTuple):
    """A record as it lies there."""

    n: int
    session: str
    from_ms: int
    to_ms: int | None
    """None: they are still on."""
    sealed: bytes


def day_of(at_ms: int, timezone: str) -> date:
    """The shop's day."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(timezone)).date()


def start_ms(day: date, timezone: str) -> int:
    return int(datetime.combine(day, time(), ZoneInfo(timezone)).timestamp()) * 1000


def end_ms(at_ms: int, timezone: str) -> int:
    """Of the day."""
    return start_ms(day_of(at_ms, timezone) + timedelta(days=1), timezone)


# --- visits ----------------------------------------------------------------------------------------------


def day_before(db: Rows, holder: str, day: date) -> date | None:
    """The last earlier day on which they were here; None: never, or longer ago than is kept."""
    row = db.execute("SELECT day, before FROM access_visit WHERE holder = ?", (holder,)).fetchone()
    last = None if row is None else row[0] if row[0] < str(day) else row[1]
    return None if last is None else date.fromisoformat(last)


def came(db: Rows, holder: str, day: date) -> None:
    """A phone that is known for a day only never comes back."""
    if not holder.startswith(DAY_PREFIX):
        before = day_before(db, holder, day)
        db.execute(
            "INSERT OR REPLACE INTO access_visit (holder, day, before) VALUES (?, ?, ?)",
            (holder, str(day), None if before is None else str(before)),
        )


def of_day(db: Rows, name: str, day: date) -> Day:
    select = "SELECT visits, used_ms, used_bytes FROM access_day WHERE name = ? AND day = ?"
    row = db.execute(select, (name, str(day))).fetchone()
    return Day(0, 0, 0) if row is None else Day(*row)


def count_day(db: Rows, name: str, day: date, *, visits: int = 0, used_ms: int = 0, used_bytes: int = 0) -> None:
    """What is told of a day that is over changes nothing."""
    db.execute(
        "INSERT INTO access_day VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name) DO UPDATE SET"
        " visits = CASE day WHEN ?2 THEN visits ELSE 0 END + ?3,"
        " used_ms = CASE day WHEN ?2 THEN used_ms ELSE 0 END + ?4,"
        " used_bytes = CASE day WHEN ?2 THEN used_bytes ELSE 0 END + ?5, day = ?2 WHERE day <= ?2",
        (name, str(day), visits, used_ms, used_bytes),
    )


def visitor_of(db: Rows, device: str, day: date, visitor: str) -> str:
    """What a phone was called when it came first today: who forgets its cookie is somebody new to us each time."""
    db.execute("INSERT INTO access_phone VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (device, str(day), visitor))
    row = db.execute("SELECT visitor FROM access_phone WHERE device = ?", (device,)).fetchone()
    return str(row[0])


# --- sums of a day ---------------------------------------------------------------------------------------


def count_way(db: Rows, way: str, day: date) -> None:
    """For who keeps the box: how many came in, by which way."""
    db.execute(
        "INSERT INTO access_way VALUES (?, ?, 1) ON CONFLICT (day, way) DO UPDATE SET admitted = admitted + 1",
        (str(day), way),
    )


def ways(db: Rows, day: date) -> dict[str, int]:
    return dict(db.execute("SELECT way, admitted FROM access_way WHERE day = ? ORDER BY way", (str(day),)))


# --- passes ----------------------------------------------------------------------------------------------


def passes(db: Rows, device: str, at: Stamp) -> tuple[int, int]:
    """How many a phone got in the hour that began with the first of them, and when that is over."""
    row = db.execute("SELECT since_ms, passes FROM access_pass WHERE device = ?", (device,)).fetchone()
    return (row[1], row[0] + HOUR_MS) if row is not None and at.at_ms < row[0] + HOUR_MS else (0, at.at_ms + HOUR_MS)


def count_pass(db: Rows, device: str, at: Stamp) -> None:
    count, over_ms = passes(db, device, at)
    db.execute("INSERT OR REPLACE INTO access_pass VALUES (?, ?, ?)", (device, over_ms - HOUR_MS, count + 1))


# --- records ---------------------------------------------------------------------------------------------


def keep_record(db: Rows, session: str, sealed: bytes, *, from_ms: int) -> None:
    db.execute("INSERT INTO access_record (session, from_ms, sealed) VALUES (?, ?, ?)", (session, from_ms, sealed))


def close_record(db: Rows, session: str, *, to_ms: int) -> None:
    db.execute("UPDATE access_record SET to_ms = ? WHERE session = ?", (to_ms, session))


def move_records(db: Rows, at: Stamp) -> None:
    """The wall clock was set, and sessions were moved: the records of those that last begin when they do."""
    db.execute(
        "UPDATE access_record SET from_ms = (SELECT since_ms FROM access_session AS s"
        " WHERE s.session = access_record.session)"
        " WHERE to_ms IS NULL AND session IN (SELECT session FROM access_session WHERE boot_id = ?)",
        (at.boot_id,),
    )


def records(db: Rows, *, from_ms: int, to_ms: int, after: int, limit: int) -> list[Kept]:
    """Of sessions that lasted at any moment of a span, in their order; `after`: `n` of the last one that was read."""
    rows = db.execute(
        "SELECT n, session, from_ms, to_ms, sealed FROM access_record WHERE n > ?1"
        " AND from_ms <= ?3 AND (to_ms IS NULL OR to_ms >= ?2) ORDER BY n LIMIT ?4",
        (after, from_ms, to_ms, limit),
    ).fetchall()
    return [Kept(*row) for row in rows]


# --- purge -----------------------------------------------------------------------------------------------


def forget(db: Rows, *, at_ms: int, timezone: str, log_days: int, limit: int) -> None:
    """What is too old or too much; at most `limit` rows of each table, the oldest first."""
    today = day_of(at_ms, timezone)
    (visits,) = db.execute("SELECT coalesce(max(n), 0) FROM access_visit").fetchone()
    db.execute(
        "DELETE FROM access_visit WHERE n IN (SELECT n FROM (SELECT n, day FROM access_visit ORDER BY n LIMIT ?)"
        " WHERE day < ? OR n <= ?)",
        (limit, str(today - timedelta(days=KEEP_DAYS)), visits - MAX_VISITS),
    )
    db.execute(
        "DELETE FROM access_day WHERE name IN (SELECT name FROM access_day WHERE day < ? ORDER BY day LIMIT ?)",
        (str(today - timedelta(days=1)), limit),
    )
    db.execute(
        "DELETE FROM access_phone WHERE device IN (SELECT device FROM access_phone WHERE day < ? ORDER BY day LIMIT ?)",
        (str(today - timedelta(days=1)), limit),
    )
    db.execute("DELETE FROM access_way WHERE day < ?", (str(today - timedelta(days=KEEP_DAYS)),))
    db.execute(
        "DELETE FROM access_pass WHERE device IN (SELECT device FROM access_pass WHERE since_ms < ? LIMIT ?)",
        (at_ms - HOUR_MS, limit),
    )
    (records,) = db.execute("SELECT coalesce(max(n), 0) FROM access_record").fetchone()
    db.execute(
        "DELETE FROM access_record WHERE n IN (SELECT n FROM access_record WHERE to_ms < ? ORDER BY to_ms LIMIT ?)"
        " OR n IN (SELECT n FROM access_record WHERE n <= ? LIMIT ?)",
        (at_ms - log_days * DAY_MS, limit, records - MAX_RECORDS, limit),
    )
