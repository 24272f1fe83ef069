"""Who is in which zone, what is wrong with the shop's beacons, and what the radios say of themselves.

Coming into a zone is leaving the one before; what is said again tells nothing. After a restart nobody is known to be
anywhere. Of a phone is told that one came and went, never which.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from edge import events as ev
from edge import telemetry as tm
from edge.clock import Stamp
from edge.shop import CarriedBy
from edge.store.tx import DONE, Outcome, Rows, Tx

SCHEMA = """
CREATE TABLE presence (
  beacon TEXT PRIMARY KEY, zone TEXT NOT NULL, carried_by TEXT NOT NULL, since_ms INTEGER NOT NULL,
  since_mono_ms INTEGER NOT NULL, boot_id TEXT NOT NULL, seen_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE beacon_problem (
  beacon TEXT NOT NULL, problem TEXT NOT NULL, radio TEXT NOT NULL, since_ms INTEGER NOT NULL, rssi_dbm REAL,
  usual_rssi_dbm REAL, battery_percent INTEGER, PRIMARY KEY (beacon, problem)
) WITHOUT ROWID;
"""
MAX_PRESENT = 10_000
MAX_PROBLEMS = 70_000
"""Each of 10,000 beacons with all of them."""
SEEN_EVERY_MS = 60_000
"""So exactly is known after a crash how long somebody was there."""


class OpenProblem(msgspec.Struct, frozen=True, kw_only=True):
    beacon: str
    problem: str
    radio: str
    since_ms: int
    rssi_dbm: float | None
    usual_rssi_dbm: float | None
    battery_percent: int | None


class _Stay(NamedTuple):
    zone: str
    carried_by: str
    since_ms: int
    since_mono_ms: int
    boot_id: str
    seen_ms: int


def entered(event: ev.ZoneEntered, tx: Tx) -> Outcome:
    beacon = tx.shop.beacons.get(event.beacon)
    stay = _stay(tx.db, event.beacon)
    if beacon is None or beacon.carried_by is CarriedBy.NOBODY or (stay is not None and stay.zone == event.zone):
        return DONE
    if stay is not None:
        _leave(event.beacon, stay, event.at, "moved", tx)
    elif tx.db.execute("SELECT COUNT(*) FROM presence").fetchone()[0] >= MAX_PRESENT:
        return DONE
    at = event.at
    tx.db.execute(
        "INSERT INTO presence VALUES (?, ?, ?, ?, ?, ?, ?)",
        (event.beacon, event.zone, beacon.carried_by, at.at_ms, at.monotonic_ms, at.boot_id, at.at_ms),
    )
    news = tm.ZoneEntered(
        zone=event.zone,
        carried_by=beacon.carried_by,
        beacon=_told_name(event.beacon, beacon.carried_by),
        proximity=event.proximity,
        confidence=event.confidence,
    )
    tx.tell(news, at=at, subject=event.zone)
    return DONE


def left(event: ev.ZoneLeft, tx: Tx) -> Outcome:
    """Out of whichever zone it is known to be in: that it came into the one it left now may never have been told."""
    stay = _stay(tx.db, event.beacon)
    if stay is not None:
        _leave(event.beacon, stay, event.at, event.reason, tx)
    return DONE


def started(event: ev.GatewayStarted, tx: Tx) -> None:
    """Nobody is known to be anywhere; problems of beacons that are the shop's no more are over.

    Whoever was somewhere when the gateway stopped was last known to be there a minute before at most.
    """
    rows = tx.db.execute(
        "SELECT beacon, zone, carried_by, since_ms, since_mono_ms, boot_id, seen_ms FROM presence ORDER BY beacon"
    ).fetchall()
    for beacon, *stay in rows:
        _leave(beacon, _Stay(*stay), event.at, "restarted", tx)
    for one in open_problems(tx.db):
        if one.beacon not in tx.shop.beacons:
            tx.db.execute("DELETE FROM beacon_problem WHERE beacon = ? AND problem = ?", (one.beacon, one.problem))
            news = tm.BeaconHealth(beacon=one.beacon, problem=one.problem, wrong=False, radio=one.radio)
            tx.tell(news, at=event.at, subject=one.beacon)


def passed(event: ev.TimePassed, tx: Tx) -> None:
    at_ms = event.at.at_ms
    tx.db.execute("UPDATE presence SET seen_ms = ? WHERE seen_ms < ?", (at_ms, at_ms - SEEN_EVERY_MS))


def counted(event: ev.PresenceCounted, tx: Tx) -> Outcome:
    news = tm.PresenceCounted(
        radio=event.radio,
        zone=event.zone,
        interval_s=event.interval_s,
        presence_s=event.presence_s,
        sources_low=event.sources_low,
        sources_high=event.sources_high,
        adverts=event.adverts,
        overflowed=event.overflowed,
        coverage=round(min(1.0, event.covered_s / event.interval_s), 4),
        coverage_basis=event.coverage_basis,
    )
    tx.tell(news, at=event.at, subject=event.zone)
    return DONE


def health(event: ev.BeaconHealthChanged, tx: Tx) -> Outcome:
    """A phone's beacon has no health that is anybody's business."""
    beacon = tx.shop.beacons.get(event.beacon)
    if beacon is not None and beacon.carried_by is CarriedBy.PHONE:
        return DONE
    key = (event.beacon, event.problem)
    known = tx.db.execute("SELECT 1 FROM beacon_problem WHERE beacon = ? AND problem = ?", key).fetchone()
    if event.wrong is (known is not None):
        return DONE
    if not event.wrong:
        tx.db.execute("DELETE FROM beacon_problem WHERE beacon = ? AND problem = ?", key)
    elif beacon is None or tx.db.execute("SELECT COUNT(*) FROM beacon_problem").fetchone()[0] >= MAX_PROBLEMS:
        return DONE
    else:
        values = (event.radio, event.at.at_ms, event.rssi_dbm, event.usual_rssi_dbm, event.battery_percent)
        tx.db.execute("INSERT INTO beacon_problem VALUES (?, ?, ?, ?, ?, ?, ?)", (*key, *values))
    news = tm.BeaconHealth(
        beacon=event.beacon,
        problem=event.problem,
        wrong=event.wrong,
        radio=event.radio,
        rssi_dbm=event.rssi_dbm,
        usual_rssi_dbm=event.usual_rssi_dbm,
        battery_percent=event.battery_percent,
        silent_s=event.silent_s,
    )
    tx.tell(news, at=event.at, subject=event.beacon)
    return DONE


def configured(event: ev.BeaconConfigured, tx: Tx) -> Outcome:
    news = tm.BeaconConfigured(
        beacon=event.beacon,
        profile=event.profile,
        ok=event.ok,
        step=event.step,
        problem=event.problem,
        rolled_back=event.rolled_back,
    )
    tx.tell(news, at=event.at, subject=event.beacon)
    return DONE


def radio(event: ev.RadioChanged | ev.RadioMeasured, tx: Tx) -> Outcome:
    match event:
        case ev.RadioChanged():
            news: tm.Telemetry = tm.RadioRecovered(
                radio=event.radio, step=event.step, reason=event.reason, attempt=event.attempt
            )
        case ev.RadioMeasured():
            news = tm.RadioMeasured(
                radio=event.radio,
                expected_per_s=event.expected_per_s,
                heard_per_s=event.heard_per_s,
                dedup_suspected=event.dedup_suspected,
            )
    tx.tell(news, at=event.at, subject=event.radio)
    return DONE


def open_problems(db: Rows) -> tuple[OpenProblem, ...]:
    """All of them, newest first."""
    rows = db.execute(
        "SELECT beacon, problem, radio, since_ms, rssi_dbm, usual_rssi_dbm, battery_percent FROM beacon_problem"
        " ORDER BY since_ms DESC, beacon, problem LIMIT ?",
        (MAX_PROBLEMS,),
    )
    return tuple(OpenProblem(**dict(zip(OpenProblem.__struct_fields__, row, strict=True))) for row in rows)


def _stay(db: Rows, beacon: str) -> _Stay | None:
    row = db.execute(
        "SELECT zone, carried_by, since_ms, since_mono_ms, boot_id, seen_ms FROM presence WHERE beacon = ?", (beacon,)
    ).fetchone()
    return None if row is None else _Stay(*row)


def _leave(beacon: str, stay: _Stay, at: Stamp, reason: str, tx: Tx) -> None:
    """How long it stayed is measured on the monotonic clock, as far as that goes."""
    tx.db.execute("DELETE FROM presence WHERE beacon = ?", (beacon,))
    if reason == "restarted":
        stayed_ms = stay.seen_ms - stay.since_ms
    elif at.boot_id == stay.boot_id:
        stayed_ms = at.monotonic_ms - stay.since_mono_ms
    else:
        stayed_ms = at.at_ms - stay.since_ms
    news = tm.ZoneLeft(
        zone=stay.zone,
        carried_by=stay.carried_by,
        beacon=_told_name(beacon, stay.carried_by),
        stayed_s=round(max(0, stayed_ms) / 1000, 1),
        reason=reason,
    )
    tx.tell(news, at=at, subject=stay.zone)


def _told_name(beacon: str, carried_by: str) -> str | None:
    return None if carried_by == CarriedBy.PHONE else beacon
