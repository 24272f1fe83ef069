"""The shop's beacons as rows of a table, what is wrong first: for who can't see the plan, and for details."""

from __future__ import annotations

from typing import NamedTuple

from edge.status.gather import Status
from edge.status.standing import BeaconStanding
from edge.web.admin.wording import Wording

SHOWN = 12
"""Rows that stand open; those with a problem always do."""
MOST = 500
"""On the page; /api/v1/status has all."""
STRONG_DBM, FAIR_DBM = -67.0, -82.0


class Row(NamedTuple):
    id: str
    place: str
    """Name of its zone, and who carries it."""
    heard: str
    strength: str
    """dBm"""
    bars: int
    """0: not heard, to 3."""
    battery: str
    problems: tuple[str, ...]
    kind: str
    """good | bad | off"""
    state: str


class Rows(NamedTuple):
    open: tuple[Row, ...]
    folded: tuple[Row, ...]
    left_out: int


def rows(status: Status, wording: Wording) -> Rows:
    ordered = sorted(status.beacons, key=lambda each: (not each.problems, each.seen_s_ago is None, each.id))
    wrong = sum(1 for each in ordered if each.problems)
    made = [row(each, status, wording) for each in ordered[:MOST]]
    cut = max(wrong, SHOWN) if len(made) > max(wrong, SHOWN) + 3 else len(made)
    return Rows(tuple(made[:cut]), tuple(made[cut:]), len(ordered) - len(made))


def row(beacon: BeaconStanding, status: Status, wording: Wording) -> Row:
    problems = tuple(wording.say(f"beacon_{problem}") for problem in beacon.problems)
    heard = beacon.seen_s_ago is not None
    kind = "bad" if problems else "good" if heard else "off"
    unheard = "beacon_unconfigured" if beacon.unconfigured else "beacon_unheard"
    state = ", ".join(problems) or wording.say("beacon_fine" if heard else unheard)
    return Row(
        id=beacon.id,
        place=place(beacon, status, wording),
        heard=wording.ago(beacon.seen_s_ago),
        strength="" if beacon.rssi_dbm is None else f"{beacon.rssi_dbm:.0f}".replace("-", "\N{MINUS SIGN}"),
        bars=bars(beacon),
        battery="" if beacon.battery_percent is None else f"{beacon.battery_percent} %",
        problems=problems,
        kind=kind,
        state=state,
    )


def bars(beacon: BeaconStanding) -> int:
    if beacon.rssi_dbm is None:
        return 0
    return 3 if beacon.rssi_dbm >= STRONG_DBM else 2 if beacon.rssi_dbm >= FAIR_DBM else 1


def place(beacon: BeaconStanding, status: Status, wording: Wording) -> str:
    parts = [wording.zone(status, beacon.zone)] if beacon.zone else []
    if beacon.carried_by != "nobody":
        parts.insert(0, wording.say(f"carried_{beacon.carried_by}"))
    if beacon.own:
        parts.append(wording.say("beacon_own"))
    return " · ".join(parts)
