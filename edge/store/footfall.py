"""Counts of one interval → occupancy of the zone, told to the cloud.

Occupancy is entered minus exited since the zone's last reset. It is never below zero: an exit for which nobody had
entered is noted as drift. Once a day, at a local time (`zones.occupancy_reset_at`), a zone is empty by definition;
the day is decided from the event's own time. While the clock is unset no day is known, so nothing is reset.
An interval belongs to the day its middle is in: one that ends at the reset changes nothing of the new day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from edge import events as ev
from edge import telemetry as tm
from edge.clock import ClockState
from edge.shop import Shop
from edge.store.tx import DONE, Outcome, Rows, Tx

SCHEMA = """
CREATE TABLE occupancy (
  zone TEXT PRIMARY KEY, people INTEGER NOT NULL CHECK (people >= 0), drift INTEGER NOT NULL,
  day_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE footfall (
  end_ms INTEGER NOT NULL, device TEXT NOT NULL, zone TEXT NOT NULL, interval_ms INTEGER NOT NULL,
  covered_ms INTEGER NOT NULL, entered INTEGER NOT NULL, exited INTEGER NOT NULL,
  PRIMARY KEY (end_ms, device)
) WITHOUT ROWID;
"""
KEEP_MS = 8 * 24 * 3600 * 1000
"""Intervals on the box: today and the same day of last week, for the chart. The cloud has the rest."""
HOUR_MS = 3_600_000


class Occupancy(NamedTuple):
    people: int
    drift: int
    """Exits since the reset for which nobody had entered."""
    day_ms: int
    """The reset it counts from."""


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    start_ms: int
    entered: int
    exited: int
    coverage: float
    """Share of the hour that was seen, by the worst of the zone's sensors; 0 where nothing was told."""


class ZoneDay(msgspec.Struct, frozen=True, kw_only=True):
    """One zone since the last reset, for the status page."""

    zone: str
    entered: int
    exited: int
    people: int
    drift: int
    hours: tuple[Hour, ...]
    """24 from the reset on (23 or 25 where the clock is put forward or back)."""


def counted(event: ev.FootfallCounted, tx: Tx) -> Outcome:
    """Replies with the zone's Occupancy."""
    middle_ms = event.at.at_ms - round(event.interval_s * 500)
    day_ms = _day_of(event.at.state, middle_ms, tx)
    now = occupancy(tx.db, event.zone)
    if now is None or day_ms > now.day_ms:
        now = Occupancy(0, 0, day_ms)
    if day_ms == now.day_ms:
        people = now.people + event.entered - event.exited
        now = Occupancy(max(0, people), now.drift + max(0, -people), day_ms)
    _save(now, event, tx)
    tx.tell(
        tm.FootfallCounted(
            zone=event.zone,
            device=event.device,
            source=event.source,
            interval_s=event.interval_s,
            entered=event.entered,
            exited=event.exited,
            occupancy=now.people,
            drift=now.drift,
            coverage=min(1.0, event.covered_s / event.interval_s),
        ),
        at=event.at,
        subject=event.zone,
    )
    return Outcome(reply=now)


def passed(event: ev.TimePassed, tx: Tx) -> Outcome:
    """At the daily reset every zone is empty."""
    if event.at.state is not ClockState.UNSET:
        day_ms = day_start_ms(event.at.at_ms, tx.shop)
        tx.db.execute("UPDATE occupancy SET people = 0, drift = 0, day_ms = ?1 WHERE day_ms < ?1", (day_ms,))
    return DONE


def occupancy(db: Rows, zone: str) -> Occupancy | None:
    row = db.execute("SELECT people, drift, day_ms FROM occupancy WHERE zone = ?", (zone,)).fetchone()
    return None if row is None else Occupancy(*row)


def day_start_ms(at_ms: int, shop: Shop) -> int:
    """The last reset at or before a time (UTC, ms)."""
    zone = ZoneInfo(shop.timezone)
    hour, minute = map(int, shop.occupancy_reset_at.split(":"))
    local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone)
    reset = local.replace(hour=hour, minute=minute, second=0, microsecond=0, fold=0)
    if reset.astimezone(UTC) > local.astimezone(UTC):
        reset = (reset.replace(tzinfo=None) - timedelta(days=1)).replace(tzinfo=zone)
    return int(reset.timestamp()) * 1000


def days(db: Rows, *, shop: Shop, at_ms: int) -> tuple[ZoneDay, ...]:
    """Every zone's day so far, by hour."""
    start_ms = day_start_ms(at_ms, shop)
    end_ms = day_start_ms(start_ms + 26 * HOUR_MS, shop)
    zones = [row[0] for row in db.execute("SELECT zone FROM occupancy ORDER BY zone LIMIT 100").fetchall()]
    return tuple(_zone_day(db, zone, start_ms, end_ms) for zone in zones)


def _zone_day(db: Rows, zone: str, start_ms: int, end_ms: int) -> ZoneDay:
    """An interval's people count in the hour of its middle."""
    rows = db.execute(
        "SELECT (end_ms - interval_ms / 2 - ?1) / 3600000, device, SUM(entered), SUM(exited), SUM(covered_ms)"
        " FROM footfall WHERE zone = ?3 AND end_ms - interval_ms / 2 >= ?1 AND end_ms - interval_ms / 2 < ?2"
        " GROUP BY 1, 2",
        (start_ms, end_ms, zone),
    ).fetchall()
    known = occupancy(db, zone)
    today = known is not None and known.day_ms == start_ms
    hours = []
    for number in range((end_ms - start_ms) // HOUR_MS):
        of_hour = [row for row in rows if row[0] == number]
        hours.append(
            Hour(
                start_ms=start_ms + number * HOUR_MS,
                entered=sum(row[2] for row in of_hour),
                exited=sum(row[3] for row in of_hour),
                coverage=min((min(1.0, row[4] / HOUR_MS) for row in of_hour), default=0.0),
            )
        )
    return ZoneDay(
        zone=zone,
        entered=sum(hour.entered for hour in hours),
        exited=sum(hour.exited for hour in hours),
        people=known.people if known and today else 0,
        drift=known.drift if known and today else 0,
        hours=tuple(hours),
    )


def _day_of(state: ClockState, at_ms: int, tx: Tx) -> int:
    """The day an interval belongs to. While the clock is unset: the one that is open already."""
    if state is not ClockState.UNSET:
        return day_start_ms(at_ms, tx.shop)
    return int(tx.db.execute("SELECT COALESCE(MAX(day_ms), 0) FROM occupancy").fetchone()[0])


def _save(now: Occupancy, event: ev.FootfallCounted, tx: Tx) -> None:
    at_ms = event.at.at_ms
    tx.db.execute("REPLACE INTO occupancy VALUES (?, ?, ?, ?, ?)", (event.zone, *now, at_ms))
    interval_ms, covered_ms = round(event.interval_s * 1000), round(event.covered_s * 1000)
    tx.db.execute(
        "REPLACE INTO footfall VALUES (?, ?, ?, ?, ?, ?, ?)",
        (at_ms, event.device, event.zone, interval_ms, min(covered_ms, interval_ms), event.entered, event.exited),
    )
    if event.at.state is not ClockState.UNSET:
        tx.db.execute("DELETE FROM footfall WHERE end_ms < ?", (at_ms - KEEP_MS,))
