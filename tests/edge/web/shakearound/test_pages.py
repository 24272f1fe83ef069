"""Pages, which devices show them, their icons, and lotteries."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from edge.config import Listener
from edge.shop import Draw, Page
from edge.web import icons
from edge.web.app import listen
from edge.web.icons import Icons, IconsFullError, NotAnIconError, looked_at
from tests.edge.web.given_admin import config
from tests.edge.web.shakearound.given_calls import Caller, calling, png
from tests.given import NOON_MS, HandClock

NOON_S = NOON_MS // 1000


async def pages_of(caller: Caller) -> list[Page]:
    return [page for page in await caller.gateway.documents.documents.get("pages") if isinstance(page, Page)]


async def test_a_page_has_its_words_in_both_languages(caller: Caller) -> None:
    number = await caller.page("今日特价", comment="门口")
    (page,) = await pages_of(caller)
    assert (page.title_zh, page.title_en, page.description_zh, page.description_en) == (
        *["今日特价"] * 2,
        *["鲜果八折"] * 2,
    )
    translated = {"id": page.id, "title_zh": "今日特价", "title_en": "Today", "page_url": "https://shop.example/a"}
    await caller.gateway.documents.put("pages", [translated], by="admin")
    update = {"page_id": number, "title": "今日特价", "description": "新", "icon_url": "/a.png", "page_url": "/b"}
    assert await caller.data("page/update", **update) == {"page_id": number}
    (page,) = await pages_of(caller)
    assert (page.title_en, page.description_en, page.icon_url, page.page_url) == ("Today", "新", "/a.png", "/b")
    found = await caller.data("page/search", type=1, page_ids=[number])
    assert found == {
        "pages": [
            {
                "page_id": number,
                "title": "今日特价",
                "description": "新",
                "icon_url": "/a.png",
                "page_url": "/b",
                "comment": "",
            }
        ],
        "total_count": 1,
    }


async def test_wrong_pages_are_refused(caller: Caller) -> None:
    right: dict[str, object] = {"title": "a", "description": "b", "icon_url": "", "page_url": ""}
    wrong: list[dict[str, object]] = [
        {"title": "六个字以上的标题"},
        {"title": "thirteen letters"},
        {"title": " "},
        {"title": None},
        {"title": {"a": 1}},
        {"title": "a\nb"},
        {"description": "八个字的描述太长"},
        {"page_url": "javascript:alert(1)"},
        {"page_url": "https://a b"},
        {"page_url": "http://[x"},
        {"page_url": "http://x:99999/"},
        {"page_url": "http://exa℀mple.com/"},
        {"page_url": "http://a\u200b.com/"},
        {"page_url": "//evil.example/x"},
        {"icon_url": "//evil.example/x.png"},
        {"page_url": "https://" + "a" * 500},
        {"icon_url": "data:image/png;base64,AAAA"},
        {"comment": "字" * 16},
    ]
    for each in wrong:
        assert await caller.code("page/add", **(right | each)) == 9001027, each
    assert await caller.code("page/update", **right, page_id=5) == 9001026
    assert await pages_of(caller) == []


async def test_pages_are_bound_to_devices(caller: Caller) -> None:
    (device,) = await caller.devices()
    one, two, three = [await caller.page(title) for title in "abc"]

    async def bound(**fields: object) -> list[int]:
        assert await caller.code("device/bindpage", device_identifier=device, **fields) == 0
        told = await caller.data("relation/search", type=1, device_identifier=device)
        assert told["total_count"] == len(told["relations"])  # type: ignore[arg-type]
        return [each["page_id"] for each in told["relations"]]  # type: ignore[attr-defined]

    assert await bound(page_ids=[one, two]) == [one, two]
    assert await bound(page_ids=[three], bind=1, append=1) == [one, two, three]
    assert await bound(page_ids=[two], bind="0", append=0) == [one, three]
    assert await bound(page_ids=[two, two], bind=1, append=0) == [two]
    (told,) = (await caller.data("device/search", device_identifiers=[device]))["devices"]  # type: ignore[misc]
    assert told["page_ids"] == str(two)  # type: ignore[index]
    other_way = await caller.data("relation/search", type=2, page_id=two, begin=0, count=10)
    assert other_way == {"relations": [{**device, "page_id": two}], "total_count": 1}
    assert await caller.code("page/delete", page_id=two) == 9001029
    assert await bound(page_ids=[]) == []
    assert await caller.code("page/delete", page_id=two) == 0
    assert await caller.code("page/delete", page_ids=[one, three]) == 0
    assert (await caller.data("page/search", type=2, begin=0, count=50))["total_count"] == 0
    assert await caller.code("device/bindpage", device_identifier=device, page_ids=[one]) == 9001026
    assert await caller.code("device/bindpage", device_identifier=device) == 9001032
    assert await caller.code("device/bindpage", device_identifier=device, page_ids=list(range(31))) == 9001037
    assert await caller.code("page/delete") == 9001026


async def test_odds_of_a_binding_stay_when_it_is_bound_again(caller: Caller) -> None:
    (device,) = await caller.devices()
    number = await caller.page()
    (page,) = await pages_of(caller)
    (beacon,) = await caller.gateway.documents.documents.get("beacons")
    weighted = {
        "id": beacon.id,
        "uuid": device["uuid"],
        "major": 1,
        "minor": 1,
        "pages": [{"page": page.id, "weight": 7}],
    }
    await caller.gateway.documents.put("beacons", [weighted], by="admin")
    assert await caller.code("device/bindpage", device_identifier=device, page_ids=[number]) == 0
    (beacon,) = await caller.gateway.documents.documents.get("beacons")
    assert beacon.pages[0].weight == 7  # type: ignore[attr-defined]


async def upload(caller: Caller, body: bytes, *, kind: str = "icon", name: str = "media") -> dict[str, object]:
    form = aiohttp.FormData()
    form.add_field(name, body, filename="a.png", content_type="image/png")
    url = f"{caller.gateway.url}/shakearound/material/add?type={kind}"
    async with caller.session.post(url, data=form) as answer:
        assert answer.status == 200
        told: dict[str, object] = await answer.json()
        return told


async def test_an_icon_is_checked_kept_and_shown_to_phones(tmp_path: Path, hand_clock: HandClock) -> None:
    settings = config(tmp_path)
    async with calling(tmp_path, hand_clock, settings) as caller:
        told = await upload(caller, png())
        assert told["errcode"] == 0
        path = told["data"]["pic_url"]  # type: ignore[index]
        assert (await upload(caller, png()))["data"] == {"pic_url": path}
        guest = listen("guest", Listener(), icons.routes(Icons.of(settings)), host_names=None)
        async with guest as bound, caller.session.get(bound.url + path) as answer:
            assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", png())
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            for bad in ("/shake/icons/..%2fdocuments.json", "/shake/icons/" + "0" * 32 + ".png", "/shake/icons/a.svg"):
                async with caller.session.get(bound.url + bad) as missing:
                    assert missing.status == 404
        wrong = {
            9001008: [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00\x01\xff", b"GIF89a"],
            9001009: [png(121, 120), png(201, 201), b"\x89PNG" + b"x" * 300_000],
        }
        for code, bodies in wrong.items():
            for body in bodies:
                assert (await upload(caller, body))["errcode"] == code, (code, body[:20])
        assert (await upload(caller, png(), kind="license"))["errcode"] == 9001010
        assert (await upload(caller, png(), name="other"))["errcode"] == 9001007


async def test_a_strangers_file_name_is_not_in_the_log(
    tmp_path: Path, hand_clock: HandClock, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    """aiohttp warns of names it can't read, and shows them."""
    body = b'--x\r\nContent-Disposition: form-data; name="media"; =very-private\r\n\r\nab\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    async with calling(tmp_path, hand_clock, config(tmp_path)) as caller:
        url = f"{caller.gateway.url}/shakearound/material/add"
        async with caller.session.post(url, data=body, headers=headers) as answer:
            assert (await answer.json())["errcode"]
    assert not [each for each in recwarn if "private" in str(each.message)]
    assert "private" not in capfd.readouterr().err


async def test_broken_forms_are_refused(caller: Caller) -> None:
    url = f"{caller.gateway.url}/shakearound/material/add"
    kinds = [
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "application/json",
        "multipart/x; boundary=" + "y" * 99,
    ]
    bodies = [
        b"",
        b"{}",
        b"--x\r\n",
        b"--x\r\n\r\n\r\n--x--",
        b"--x\r\nContent-Disposition: form-data; name=media\r\n\r\nab",
    ]
    bodies += [
        b"--x\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n--z\r\n\r\n--z--\r\n--x--",
        b"--x\r\n\xff\xfe: 1\r\n\r\n",
    ]
    bodies += [
        b"--x\r\nContent-Disposition: form-data; name=media\r\nContent-Transfer-Encoding: base64\r\n\r\n!!\r\n--x--"
    ]
    for kind in kinds:
        for body in bodies:
            async with caller.session.post(url, data=body, headers={"Content-Type": kind}) as answer:
                told = await answer.json()
                assert (answer.status, told["errcode"] in {9001007, 9001008}) == (200, True), (kind, body, told)


def test_sizes_are_read_of_all_three_types() -> None:
    assert looked_at(png(7, 9)) == ("png", 7, 9)
    assert looked_at(b"GIF89a\x07\x00\x09\x00\x00") == ("gif", 7, 9)
    frame = b"\xff\xc0\x00\x11\x08\x00\x09\x00\x07\x03"
    assert looked_at(b"\xff\xd8\xff\xe0\x00\x04ab" + b"\xff\xff\xdb\x00\x02" + frame) == ("jpg", 7, 9)
    for cut in range(9):
        with pytest.raises(NotAnIconError):
            looked_at(b"\xff\xd8\xff\xe0\x00\x04ab" + frame[:cut])


def test_the_oldest_spare_icons_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(icons, "MAX_ICONS", 3)
    kept = Icons(tmp_path / "icons")
    names = [kept.keep(png(side, side), ()) for side in (10, 11, 12)]
    fourth = kept.keep(png(13, 13), {names[0], names[1]})
    assert (kept.read(names[0]) is None, kept.read(names[2]), kept.read(fourth)) == (False, None, png(13, 13))
    with pytest.raises(IconsFullError):
        kept.keep(png(14, 14), {names[0], names[1], fourth})
    assert kept.read("../documents.json") is None


CAMPAIGN = {"name_zh": "券", "name_en": "coupon", "kind": "cash", "value": 500, "starts_ms": 0, "ends_ms": NOON_MS + 9}


async def lottery(caller: Caller, **more: object) -> dict[str, object]:
    fields = {"title": "国庆红包", "desc": "摇一摇", "begin_time": NOON_S, "expire_time": NOON_S + 86400, "total": 100}
    fields |= {"sponsor_appid": "wx0", "jump_url": "https://shop.example/won", "key": "K"}
    return await caller.ask("lottery/addlotteryinfo", **(fields | more))


async def draws_of(caller: Caller) -> list[Draw]:
    return [draw for draw in await caller.gateway.documents.documents.get("draws") if isinstance(draw, Draw)]


async def test_a_lottery_is_a_draw_of_campaigns(caller: Caller) -> None:
    campaigns = [{"id": f"c{at}", **CAMPAIGN} for at in range(3)] + [{"id": "past", **CAMPAIGN, "ends_ms": NOON_MS - 1}]
    await caller.gateway.documents.put("campaigns", list(campaigns), by="cli")
    made = await lottery(caller, use_template=1, logo_url="https://shop.example/i.png", onoff=0)
    assert made["errcode"] == 0
    (draw,) = await draws_of(caller)
    (page,) = await pages_of(caller)
    assert (draw.name_zh, draw.on, draw.wins, draw.wins_per_shopper, draw.prizes) == ("国庆红包", False, 100, 1, ())
    assert (page.draw, page.title_zh, page.page_url) == (draw.id, "国庆红包", "https://shop.example/won")

    number = made["lottery_id"]
    assert isinstance(number, str)
    tickets = [{"ticket": name} for name in ("c0", "past", "redpacket-1")]
    filled = await caller.ask("lottery/setprizebucket", lottery_id=number, mchid="1", prize_info_list=tickets)
    assert filled == {
        "errcode": 0,
        "errmsg": "success.",
        "success_num": 1,
        "repeat_ticket_list": [],
        "expire_ticket_list": [{"ticket": "past"}],
        "invalid_ticket_list": [{"ticket": "redpacket-1"}],
    }
    tickets = [{"ticket": "c0"}, {"ticket": "c1"}]
    again = await caller.ask("lottery/setprizebucket", lottery_id=number, prize_info_list=tickets)
    assert (again["success_num"], again["repeat_ticket_list"]) == (1, [{"ticket": "c0"}])
    (draw,) = await draws_of(caller)
    assert [(prize.campaign, prize.chance_ppm) for prize in draw.prizes] == [("c0", 500_000), ("c1", 500_000)]
    over = [{"ticket": "c2", "chance_ppm": 1}]
    assert await caller.code("lottery/setprizebucket", lottery_id=number, prize_info_list=over) == 9001075
    wrong = [{"ticket": "weixin-ticket"}]
    assert await caller.code("lottery/setprizebucket", lottery_id=number, prize_info_list=wrong) == 9001090
    assert await caller.code("lottery/setprizebucket", lottery_id=5, prize_info_list=tickets) == 9001070

    assert (await caller.ask("lottery/setlotteryswitch", "GET", lottery_id=number, onoff=1))["errcode"] == 0
    assert (await draws_of(caller))[0].on
    assert (await caller.ask("lottery/setlotteryswitch", "GET", lottery_id=number, onoff=3))["errcode"] == 9001069
    other = await caller.session.get(
        f"{caller.gateway.url}/shakearound/lottery/setlotteryswitch?lottery_id={number}&onoff=0",
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert (await other.json())["errcode"] == 40001
    assert (await draws_of(caller))[0].on


async def test_a_page_of_the_merchants_own_takes_part_by_lottery_id(caller: Caller) -> None:
    made = await lottery(caller)
    assert made["page_id"] == 0
    await caller.page("a", lottery_id=made["lottery_id"])
    (page,) = await pages_of(caller)
    assert page.draw == (await draws_of(caller))[0].id
    assert await caller.code("page/add", title="b", description="", icon_url="", page_url="", lottery_id=3) == 9001070


async def test_wrong_lotteries_are_refused(caller: Caller) -> None:
    for wrong in (
        {"title": "一个太长的标题"},
        {"expire_time": NOON_S},
        {"expire_time": NOON_S + 92 * 86400},
        {"onoff": 2},
    ):
        assert (await lottery(caller, **wrong))["errcode"] == 9001060, wrong
    assert (await lottery(caller, use_template=1))["errcode"] == 9001059
    assert await draws_of(caller) == []
