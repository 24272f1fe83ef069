"""user/getshakeinfo and statistics/*: who shook where, and how often."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from edge.shake_answers import TicketWrong
from edge.shake_desk import ShakeDesk
from edge.shop import number_of
from edge.store.shake_stats import Counters, DayStat, StatPage, start_ms
from edge.web.admin.shakearound.call import Answer, data
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.admin.shakearound.fields import Body, text, whole
from edge.web.admin.shakearound.found import Devices, named, pages_named
from edge.web.admin.shakearound.shelf import Shelf

MAX_TICKET = 200
MAX_DAYS = 31
"""From the first to the last: 30 days between them."""
KEPT_DAYS = 90
MAX_INDEX = 10_000
MAX_TIME_S = 4_102_444_800
"""The year 2100."""


class ShakesApi:
    def __init__(self, shelf: Shelf, desk: ShakeDesk) -> None:
        self._shelf = shelf
        self._desk = desk

    async def info(self, body: Body) -> Answer:
        """Who shook, where: once a ticket."""
        ticket = text(body, "ticket", Code.TICKET, most=MAX_TICKET)
        if not ticket:
            raise CallError(Code.TICKET, "ticket is empty")
        told = await self._desk.exchange(ticket)
        if isinstance(told, TicketWrong):
            raise CallError(Code.TICKET, "no such ticket, or it is over, or was asked about already")
        shop = self._shelf.shop
        page = shop.pages.get(told.page)
        beacon = shop.beacons.get(told.beacon or "")
        place: dict[str, object] = {"uuid": "", "major": 0, "minor": 0}
        if beacon is not None:
            place = {"uuid": beacon.uuid.upper(), "major": beacon.major, "minor": beacon.minor}
        distance = -1.0 if told.distance_m is None else round(told.distance_m, 2)
        fields: dict[str, object] = {
            "page_id": number_of(page) if page is not None else 0,
            "beacon_info": {"distance": distance, **place},
            "openid": told.shopper,
            "zone": told.zone or "",
        }
        if whole(body, "need_poi", Code.BODY, default=0) == 1 and beacon is not None and beacon.poi_id:
            fields["poi_id"] = beacon.poi_id
        return data(**fields)

    async def device(self, body: Body) -> Answer:
        beacon = Devices(self._shelf.shop.beacons).one(body)
        return self._days(await self._desk.device_stats(beacon.id, *self._range(body)))

    async def page(self, body: Body) -> Answer:
        (page,) = pages_named(self._shelf.shop.pages, [whole(body, "page_id", Code.PAGE)])
        return self._days(await self._desk.page_stats(page.id, *self._range(body)))

    async def devices(self, body: Body) -> Answer:
        day, index = self._day(body)
        stats = await self._desk.devices_stats(day, index)
        beacons = self._shelf.shop.beacons
        rows = [{**named(beacons[row.name]), **_counts(row)} for row in stats.rows if row.name in beacons]
        return {"data": {"devices": rows}, **self._beside(stats)}

    async def pages(self, body: Body) -> Answer:
        day, index = self._day(body)
        stats = await self._desk.pages_stats(day, index)
        pages = self._shelf.shop.pages
        rows = [{"page_id": number_of(pages[row.name]), **_counts(row)} for row in stats.rows if row.name in pages]
        return {"data": {"pages": rows}, **self._beside(stats)}

    def _range(self, body: Body) -> tuple[date, date]:
        first, last = (self._date(body, key) for key in ("begin_date", "end_date"))
        if not first <= last or (last - first).days >= MAX_DAYS:
            raise CallError(Code.DATES, f"begin_date to end_date: at most {MAX_DAYS - 1} days, begin first")
        return first, last

    def _day(self, body: Body) -> tuple[date, int]:
        day = self._date(body, "date")
        today = self._desk.today()
        if not today - timedelta(days=KEPT_DAYS) <= day <= today:
            raise CallError(Code.DATES, f"date: wanted today or one of the {KEPT_DAYS} days before")
        return day, whole(body, "page_index", Code.BEGIN, default=1, low=1, high=MAX_INDEX)

    def _date(self, body: Body, key: str) -> date:
        """The shop's day in which the moment is."""
        at_s = whole(body, key, Code.DATES, high=MAX_TIME_S)
        return datetime.fromtimestamp(at_s, UTC).astimezone(ZoneInfo(self._desk.timezone)).date()

    def _days(self, stats: tuple[DayStat, ...]) -> Answer:
        return {"data": [{**_counts(each), "ftime": self._start_s(each.day)} for each in stats]}

    def _beside(self, stats: StatPage) -> dict[str, object]:
        date_s = self._start_s(stats.day)
        return {"date": date_s, "total_count": stats.total_count, "page_index": stats.page_index}

    def _start_s(self, day: date) -> int:
        return start_ms(day, self._desk.timezone) // 1000


def _counts(stat: Counters) -> dict[str, object]:
    return {
        "shake_pv": stat.shake_pv,
        "shake_uv": stat.shake_uv,
        "click_pv": stat.click_pv,
        "click_uv": stat.click_uv,
    }
