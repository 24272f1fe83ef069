"""Who shook where, and how often: of real shakes, asked for as a page's back end and a merchant's reports do."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from edge.shake_answers import Shaken
from edge.shake_desk import RawBeacon, ShakeAsk
from tests.edge.web.shakearound.given_calls import UUID, Caller
from tests.given import NOON_MS, HandClock

DAY_MS = 24 * 3600 * 1000
NOON_S = NOON_MS // 1000


async def shaken(caller: Caller, shopper: str, minor: int = 1) -> Shaken:
    desk = caller.gateway.shakes
    heard = RawBeacon(uuid=UUID, major=1, minor=minor, rssi_dbm=-60, accuracy_m=1.25)
    answer = await desk.shake(ShakeAsk(nonce=desk.fresh().nonce, shopper=shopper, beacons=(heard,)))
    assert isinstance(answer, Shaken), answer
    return answer


async def ticket_of(caller: Caller, shake: Shaken, shopper: str) -> str:
    url = await caller.gateway.shakes.opened(shake.shake, shopper)
    assert url
    (ticket,) = parse_qs(urlsplit(url).query)["ticket"]
    return ticket


async def bound(caller: Caller) -> tuple[dict[str, object], int]:
    (device,) = await caller.devices()
    page = await caller.page()
    assert await caller.code("device/bindpage", device_identifier=device, page_ids=[page]) == 0
    return device, page


async def test_a_ticket_says_who_shook_where(caller: Caller, hand_clock: HandClock) -> None:
    device, page = await bound(caller)
    assert await caller.code("device/bindlocation", device_identifier=device, poi_id=1234) == 0
    ticket = await ticket_of(caller, await shaken(caller, "shopper-1"), "shopper-1")
    info = await caller.data("user/getshakeinfo", ticket=ticket, need_poi=1)
    assert info == {
        "page_id": page,
        "beacon_info": {"distance": 1.25, "uuid": UUID, "major": 1, "minor": 1},
        "openid": "shopper-1",
        "poi_id": 1234,
        "zone": "",
    }
    hand_clock.forward(120_000)
    assert await caller.code("user/getshakeinfo", ticket=ticket) == 9001003  # once
    for wrong in ("", "x", ticket[:-1], ticket + "A", None, 5, "é" * 30):
        assert await caller.code("user/getshakeinfo", ticket=wrong) == 9001003
    hand_clock.forward(10_000)
    late = await ticket_of(caller, await shaken(caller, "shopper-1"), "shopper-1")
    hand_clock.forward(31 * 60 * 1000)
    assert await caller.code("user/getshakeinfo", ticket=late) == 9001003


async def test_figures_are_there_at_once_and_add_up(caller: Caller, hand_clock: HandClock) -> None:
    device, page = await bound(caller)
    for shopper in ("a", "b", "a"):
        first = await shaken(caller, shopper)
        hand_clock.forward(10_000)
    await ticket_of(caller, first, "a")
    today = {"shake_pv": 3, "shake_uv": 2, "click_pv": 1, "click_uv": 1}
    dates = {"begin_date": NOON_S - 86400, "end_date": str(NOON_S)}
    (row,) = await told(caller, "statistics/device", device_identifier=device, **dates)
    day_start = row.pop("ftime")
    assert row == today
    assert day_start == 1_794_931_200  # 2026-11-18 00:00 in Shanghai
    assert await told(caller, "statistics/page", page_id=page, **dates) == [{**today, "ftime": day_start}]
    listed = await caller.ask("statistics/devicelist", date=NOON_S, page_index=1)
    assert listed == {
        "data": {"devices": [{**device, **today}]},
        "date": day_start,
        "total_count": 1,
        "page_index": 1,
        "errcode": 0,
        "errmsg": "success.",
    }
    pages = await caller.ask("statistics/pagelist", date=day_start, page_index="1")
    assert pages["data"] == {"pages": [{"page_id": page, **today}]}
    beyond = await caller.ask("statistics/pagelist", date=NOON_S, page_index=2)
    assert (beyond["data"], beyond["total_count"]) == ({"pages": []}, 1)
    hand_clock.forward(DAY_MS)
    assert await told(caller, "statistics/page", page_id=page, **dates) == [{**today, "ftime": day_start}]


async def told(caller: Caller, path: str, **body: object) -> list[dict[str, object]]:
    data = (await caller.ask(path, **body))["data"]
    assert isinstance(data, list)
    return data


async def test_wrong_dates_are_9001031(caller: Caller) -> None:
    device, page = await bound(caller)
    for begin, end in (
        (NOON_S, NOON_S - 86400),
        (NOON_S - 31 * 86400, NOON_S),
        ("x", NOON_S),
        (None, None),
        (-1, 5),
        (0, 10**15),
    ):
        dates = {"begin_date": begin, "end_date": end}
        assert await caller.code("statistics/device", device_identifier=device, **dates) == 9001031
        assert await caller.code("statistics/page", page_id=page, **dates) == 9001031
    for date in (NOON_S + 86400, NOON_S - 91 * 86400, 0, "today", None):
        assert await caller.code("statistics/devicelist", date=date, page_index=1) == 9001031
        assert await caller.code("statistics/pagelist", date=date) == 9001031
    for index in (0, -1, "x", 10**9):
        assert await caller.code("statistics/pagelist", date=NOON_S, page_index=index) == 9001036
    assert await caller.code("statistics/page", page_id=1, begin_date=NOON_S, end_date=NOON_S) == 9001026
