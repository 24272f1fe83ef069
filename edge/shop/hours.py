"""When guests may be on the Wi-Fi: opening times of the portal's document, in the shop's time. Pure.

Times are those of a clock on the wall: where it is put back an hour, closing at 02:30 means the later 02:30, and
opening the earlier one; a time that is left out in spring is as long after midnight as it would have been.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from edge.shop.portals import Hours

AHEAD_DAYS = 8
"""The week and a day: what is open so long without a break has no closing time."""


class Door(NamedTuple):
    """The Wi-Fi's hours at one moment."""

    is_open: bool
    opens_ms: int | None = None
    """Closed: when it opens (UTC, ms)."""
    closes_ms: int | None = None
    """Open: when it closes; None: it does not."""


def door(hours: Sequence[Hours], at_ms: int, timezone: str) -> Door:
    if not hours:
        return Door(is_open=True)
    zone = ZoneInfo(timezone)
    today = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).date()
    spans = sorted(
        _span(today + timedelta(days=ahead), each, zone)
        for each in hours
        for ahead in range(-2, AHEAD_DAYS + 1)
        if (today + timedelta(days=ahead)).isoweekday() in each.days
    )
    closes_ms = None
    for opens, closes in spans:
        if closes_ms is None and closes > at_ms:
            if opens > at_ms:
                return Door(is_open=False, opens_ms=opens)
            closes_ms = closes
        elif closes_ms is not None and opens <= closes_ms:
            closes_ms = max(closes_ms, closes)
    if closes_ms is None:
        return Door(is_open=False)
    endless = closes_ms >= _at(datetime.combine(today + timedelta(days=AHEAD_DAYS), time()), zone, fold=0)
    return Door(is_open=True, closes_ms=None if endless else closes_ms)


def _span(day: date, hours: Hours, zone: ZoneInfo) -> tuple[int, int]:
    opens, closes = _clock(hours.opens), _clock(hours.closes)
    while closes <= opens:
        closes += timedelta(days=1)
    first, last = datetime.combine(day, time()) + opens, datetime.combine(day, time()) + closes
    return _at(first, zone, fold=0), max(_at(last, zone, fold=0), _at(last, zone, fold=1))


def _clock(text: str) -> timedelta:
    hour, minute = map(int, text.split(":"))
    return timedelta(hours=hour, minutes=minute)


def _at(local: datetime, zone: ZoneInfo, *, fold: int) -> int:
    return int(local.replace(tzinfo=zone, fold=fold).timestamp()) * 1000
