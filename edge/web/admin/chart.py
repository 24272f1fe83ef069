"""Today's footfall as bars: in upwards, out downwards, hours that were not seen hatched. Coordinates only; the
template draws them as SVG, so that the page needs no script.
"""

from __future__ import annotations

from typing import NamedTuple

from edge.status.gather import Status
from edge.store.footfall import ZoneDay
from edge.web.admin.wording import Wording

WIDTH, HALF = 720, 76
"""Units of the SVG; HALF is the height above and below the line."""
SEEN_ENOUGH = 0.9
"""Below this share an hour's bar is drawn as not fully seen."""
STEPS = (1, 2, 3, 4, 6, 8)


class Bar(NamedTuple):
    x: float
    width: float
    up: float
    down: float
    label: str
    """Hour, as written below; empty for most."""
    title: str
    blind: bool
    """Over and not fully seen."""
    ahead: bool
    current: bool


class Chart(NamedTuple):
    name: str
    day: ZoneDay
    bars: tuple[Bar, ...]
    top: int
    """People at the upper line."""
    summary: str


def chart(day: ZoneDay, status: Status, wording: Wording) -> Chart:
    name = wording.zone(status, day.zone)
    top = _round_up(max((max(hour.entered, hour.exited) for hour in day.hours), default=1))
    step = WIDTH / len(day.hours)
    bars = []
    for number, hour in enumerate(day.hours):
        begun = hour.start_ms <= status.at.at_ms
        over = hour.start_ms + 3_600_000 <= status.at.at_ms
        label = wording.time(hour.start_ms)
        bars.append(
            Bar(
                x=number * step,
                width=step,
                up=hour.entered / top * HALF,
                down=hour.exited / top * HALF,
                label=label[:2] if number % 3 == 0 else "",
                title=wording.say(
                    "bar", hour=label, entered=hour.entered, exited=hour.exited, coverage=round(hour.coverage * 100)
                ),
                blind=over and hour.coverage < SEEN_ENOUGH,
                ahead=not begun,
                current=begun and not over,
            )
        )
    summary = wording.say("chart_summary", zone=name, entered=day.entered, exited=day.exited, people=day.people)
    return Chart(name, day, tuple(bars), top, summary)


def _round_up(count: int) -> int:
    """The next of 5, 10, 15, 20, 30, 40, 50, 100, 150, …"""
    size = 5
    while True:
        for step in STEPS:
            if size * step >= count:
                return size * step
        size *= 10
