"""The rows shakes live in, and the one place that reads and writes them.

A shake is remembered `KEEP_MS`, and at most `MAX_SHAKES` of them; what counts against limits is kept apart, so that a
flood of shakes never gives anybody a second chance.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from edge import shake_answers
from edge.shake_answers import Shaken
from edge.store.tx import Rows

SCHEMA = """
CREATE TABLE shake (
  n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, shopper TEXT NOT NULL, at_ms INTEGER NOT NULL, distance_m REAL,
  answer BLOB NOT NULL, ticket_hash TEXT NOT NULL UNIQUE, opened_ms INTEGER, exchanged_ms INTEGER
);
CREATE TABLE shake_shopper (
  shopper TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, day TEXT NOT NULL, shakes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX shake_shopper_old ON shake_shopper (day);
"""
KEEP_MS = 31 * 86_400_000
MAX_SHAKES = 200_000
YOUNG_MS = 3_600_000
"""A shake that a phone may still repeat is kept whatever comes."""
_ROW = "id, shopper, at_ms, distance_m, answer, opened_ms, exchanged_ms"


class ShakeRow(NamedTuple):
    id: str
    shopper: str
    at_ms: int
    distance_m: float | None
    shaken: Shaken
    """Its answer, the same for ever."""
    opened_ms: int | None
    exchanged_ms: int | None


class Shopper(NamedTuple):
    at_ms: int
    """Of their last shake."""
    shakes: int
    """On that day."""
    day: str


def shake(db: Rows, shake_id: str) -> ShakeRow | None:
    return _shake(db.execute(f"SELECT {_ROW} FROM shake WHERE id = ?", (shake_id,)).fetchone())  # noqa: S608


def shake_of_ticket(db: Rows, ticket_hash: str) -> ShakeRow | None:
    return _shake(db.execute(f"SELECT {_ROW} FROM shake WHERE ticket_hash = ?", (ticket_hash,)).fetchone())  # noqa: S608


def _shake(row: tuple[object, ...] | None) -> ShakeRow | None:
    if row is None:
        return None
    made = ShakeRow(*row)  # type: ignore[arg-type]
    return made._replace(shaken=shake_answers.unpack(made.shaken))  # type: ignore[arg-type]


def add_shake(
    db: Rows, shaken: Shaken, *, shopper: str, at_ms: int, distance_m: float | None, ticket_hash: str
) -> None:
    db.execute(
        "INSERT INTO shake (id, shopper, at_ms, distance_m, answer, ticket_hash) VALUES (?, ?, ?, ?, ?, ?)",
        (shaken.shake, shopper, at_ms, distance_m, shake_answers.pack(shaken), ticket_hash),
    )


def set_opened(db: Rows, shake_id: str, *, at_ms: int) -> None:
    db.execute("UPDATE shake SET opened_ms = ? WHERE id = ?", (at_ms, shake_id))


def set_exchanged(db: Rows, shake_id: str, *, at_ms: int) -> None:
    db.execute("UPDATE shake SET exchanged_ms = ? WHERE id = ?", (at_ms, shake_id))


def shopper(db: Rows, name: str) -> Shopper | None:
    row = db.execute("SELECT at_ms, shakes, day FROM shake_shopper WHERE shopper = ?", (name,)).fetchone()
    return None if row is None else Shopper(*row)


def count_shopper(db: Rows, name: str, *, at_ms: int, day: date) -> None:
    db.execute(
        "INSERT INTO shake_shopper VALUES (?1, ?2, ?3, 1) ON CONFLICT (shopper) DO UPDATE"
        " SET at_ms = ?2, shakes = CASE day WHEN ?3 THEN shakes + 1 ELSE 1 END, day = ?3",
        (name, at_ms, str(day)),
    )


def forget(db: Rows, *, at_ms: int, today: date, limit: int) -> None:
    """What is too old or too much; at most `limit` rows of each table, the oldest first."""
    (newest,) = db.execute("SELECT coalesce(max(n), 0) FROM shake").fetchone()
    db.execute(
        "DELETE FROM shake WHERE n IN (SELECT n FROM (SELECT n, at_ms FROM shake ORDER BY n LIMIT ?)"
        " WHERE at_ms < ? OR (n <= ? AND at_ms < ?))",
        (limit, at_ms - KEEP_MS, newest - MAX_SHAKES, at_ms - YOUNG_MS),
    )
    yesterday = str(today - timedelta(days=1))
    db.execute(
        "DELETE FROM shake_shopper WHERE shopper IN (SELECT shopper FROM shake_shopper WHERE day < ? LIMIT ?)",
        (yesterday, limit),
    )
