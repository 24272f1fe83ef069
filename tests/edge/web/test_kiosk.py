"""A kiosk over real HTTP and WebSockets, without a browser."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from edge import events as ev
from edge.access_answers import AccessRefusal, AccessWhy, Admitted, Way
from edge.effects import ReloadKiosk
from edge.events import Code, CodeKind
from edge.ids import Gtin, StationId
from edge.web.words import Words
from tests.edge.web.given_shop import COLA, KIOSK, ROWS, OpenShop, open_shop, post, scanned_cola, text_of
from tests.given import NOON_MS, HandClock


async def test_an_idle_kiosk_invites_and_holds_no_visit(shop: OpenShop, http: aiohttp.ClientSession) -> None:
    text = await text_of(http, "", Accept="text/html")
    assert "触摸开始" in text
    assert "可乐特惠" in text
    assert shop.counter.visits.of(KIOSK) is None


async def test_the_page_sets_no_cookie_and_may_not_be_cached(http: aiohttp.ClientSession) -> None:
    for path in ("", "?lang=zh-CN", "/start", "/search?q=kele", f"/product/{COLA}"):
        async with http.get(f"/kiosk/{KIOSK}{path}") as answer:
            assert "Set-Cookie" not in answer.headers
            assert answer.headers["Cache-Control"] == "no-store"


async def test_letters_find_products(http: aiohttp.ClientSession) -> None:
    text = await text_of(http, "/search?q=kele")
    assert text.count('class="hit"') == 3
    assert 'data-candidates="可乐\n可口可乐\n百事可乐"' in text
    assert "<html" not in text


async def test_nothing_found_says_what_to_do(http: aiohttp.ClientSession) -> None:
    assert "试试更短的词" in await text_of(http, "/search?q=zzzz")


async def test_a_product_page_has_all_that_is_known(http: aiohttp.ClientSession) -> None:
    text = await text_of(http, f"/product/{COLA}")
    for wanted in ("可口可乐汽水 330ml", "Coca-Cola 330 ml", "会员价", "A3-2", "有货，48 罐", "百事可乐", "/ 罐"):
        assert wanted in text
    assert re.sub(r"<[^>]+>|\s", "", text).count("¥3.50") == 1


@pytest.mark.parametrize(("index", "words"), [(1, "仅剩 3 瓶"), (2, "暂时缺货"), (5, "有货，31 包"), (7, "以货架为准")])
async def test_stock_in_words(http: aiohttp.ClientSession, index: int, words: str) -> None:
    assert words in await text_of(http, f"/product/{int(COLA) + index:014d}")


@pytest.mark.parametrize(("index", "words"), [(1, "Only 3 left"), (5, "31 in stock")])
async def test_stock_in_english_needs_no_measure_word(http: aiohttp.ClientSession, index: int, words: str) -> None:
    await post(http, "/wish", language="en")
    assert words in await text_of(http, f"/product/{int(COLA) + index:014d}")


async def test_names_from_a_catalogue_are_only_text(http: aiohttp.ClientSession) -> None:
    text = await text_of(http, f"/product/{int(COLA) + len(ROWS) - 1:014d}")
    assert "<script" not in text
    assert "&lt;script&gt;" in text


async def test_a_short_barcode_is_the_same_product(http: aiohttp.ClientSession) -> None:
    assert "Coca-Cola" in await text_of(http, f"/product/{COLA.lstrip('0')}")


async def test_every_step_is_a_whole_page_without_script(http: aiohttp.ClientSession) -> None:
    for path, wanted in (("/start", 'id="q"'), ("/search?q=kele", "百事可乐"), (f"/product/{COLA}", "A3-2")):
        text = await text_of(http, path, Accept="text/html")
        assert "<html" in text
        assert wanted in text


async def test_language_and_looks_are_for_this_visit_only(http: aiohttp.ClientSession) -> None:
    assert await post(http, "/wish", language="en") == 204
    assert await post(http, "/wish", contrast="high", text="large", reach="low") == 204
    text = await text_of(http, "", Accept="text/html")
    assert '<html lang="en"' in text
    assert 'data-contrast="high" data-text="large" data-reach="low"' in text
    assert await post(http, "/finish") == 204
    text = await text_of(http, "", Accept="text/html")
    assert '<html lang="zh-CN"' in text
    assert 'data-contrast="normal"' in text


async def test_a_wish_without_script_comes_back_to_the_page(http: aiohttp.ClientSession) -> None:
    async with http.post(f"/kiosk/{KIOSK}/wish", data={"language": "en"}, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, f"/kiosk/{KIOSK}")


async def test_a_crashed_page_comes_back_where_it_was(http: aiohttp.ClientSession) -> None:
    await text_of(http, f"/product/{COLA}")
    assert "A3-2" in await text_of(http, "", Accept="text/html")


async def test_finish_drops_the_visit_and_is_told_without_words(shop: OpenShop, http: aiohttp.ClientSession) -> None:
    await text_of(http, "/search?q=kele")
    await text_of(http, f"/product/{COLA}?via=search")
    await post(http, "/finish", reason="idle")
    assert shop.counter.visits.of(KIOSK) is None
    assert "触摸开始" in await text_of(http, "")
    searched, viewed, reset = shop.told.events
    assert isinstance(searched, ev.ProductSearched)
    assert (searched.letters, searched.hits) == (4, 3)
    assert isinstance(viewed, ev.ProductViewed)
    assert (viewed.gtin, viewed.via) == (COLA, "search")
    assert isinstance(reset, ev.KioskReset)
    assert (reset.reason, reset.views) == ("idle", 1)


async def test_a_search_is_told_once_not_each_letter(shop: OpenShop, http: aiohttp.ClientSession) -> None:
    for words in ("k", "ke", "kel", "kele"):
        await text_of(http, f"/search?q={words}")
    await post(http, "/finish")
    assert [event.letters for event in shop.told.of(ev.ProductSearched)] == [4]  # type: ignore[attr-defined]


async def test_a_refusing_journal_does_not_break_a_page(shop: OpenShop, http: aiohttp.ClientSession) -> None:
    shop.told.refusing = True
    await text_of(http, "/search?q=kele")
    assert "A3-2" in await text_of(http, f"/product/{COLA}")
    assert await post(http, "/finish") == 204


async def test_an_unknown_station_names_the_right_ones(http: aiohttp.ClientSession) -> None:
    for wrong in ("elsewhere", "till-1", "%3Cscript%3E"):
        async with http.get(f"/kiosk/{wrong}") as answer:
            assert answer.status == 404
            text = await answer.text()
            assert "/kiosk/kiosk-1" in text
            assert "<script>" not in text
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await http.ws_connect("/kiosk/elsewhere/live")


async def test_the_cloud_being_cut_is_a_banner(shop: OpenShop, http: aiohttp.ClientSession) -> None:
    shop.board.broker.configured = True
    assert "离线 · 价格更新于 18:06" in await text_of(http, "", Accept="text/html")
    shop.board.broker.connected = True
    assert "离线" not in await text_of(http, "", Accept="text/html")


async def test_a_scan_reaches_the_screen_from_any_page(shop: OpenShop, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(f"/kiosk/{KIOSK}/live") as live:
        assert (await live.receive_json())["offline"] == ""
        await shop.scan(scanned_cola())
        pushed = await live.receive_json()
        assert "可口可乐汽水 330ml" in pushed["view"]
        assert pushed["visit"] == shop.counter.visits.id_of(KIOSK)
    [viewed] = shop.told.of(ev.ProductViewed)
    assert viewed.via == "scan"  # type: ignore[attr-defined]


SCANS = [
    (
        Code(kind=CodeKind.EMBEDDED, value="x", item="20008", price_fen=1234, weight_g=687),
        ["红富士苹果", "净重 687 克"],
    ),
    (Code(kind=CodeKind.GS1, value="x", gtin=COLA, expires="2026-12-01"), ["可口可乐汽水", "保质期至 2026-12-01"]),
    (Code(kind=CodeKind.GTIN, value="09999999999994", gtin=Gtin("09999999999994")), ["没有找到", "09999999999994"]),
    (Code(kind=CodeKind.UNKNOWN, value="<b>hi"), ["没有找到", "&lt;b&gt;hi"]),
    (Code(kind=CodeKind.PAYMENT), ["请到收银台付款"]),
    (Code(kind=CodeKind.COUPON, value="SECRETTOKEN"), ["优惠券"]),
    (Code(kind=CodeKind.MEMBER, value="SGM1SECRET"), ["会员码已收到"]),
    (Code(kind=CodeKind.CART, value="SGC1SECRET"), ["购物车码已收到"]),
    (Code(kind=CodeKind.PICKUP, value="SGP1SECRET"), ["取货码已收到"]),
]


@pytest.mark.parametrize(("code", "wanted"), SCANS)
async def test_what_a_scan_shows(shop: OpenShop, http: aiohttp.ClientSession, code: Code, wanted: list[str]) -> None:
    await shop.scan(code)
    text = await text_of(http, "", Accept="text/html")
    for words in wanted:
        assert words in text
    assert "SECRET" not in text


def test_every_notice_and_shelf_has_words() -> None:
    words = Words.load()
    for about in ("payment", "member", "cart", "pickup", "coupon", "unknown"):
        assert f"shop.{about}_title" in words
        assert f"shop.{about}_text" in words


async def test_a_scan_that_was_not_recorded_is_served_all_the_same(shop: OpenShop, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(f"/kiosk/{KIOSK}/live") as live:
        await live.receive_json()
        await shop.scan_refused(scanned_cola())
        assert "有货，48" in (await live.receive_json())["view"]
        for kind in (CodeKind.COUPON, CodeKind.MEMBER, CodeKind.UNKNOWN):
            await shop.scan_refused(Code(kind=kind, value="SECRET"))
            view = (await live.receive_json())["view"]
            assert "请再扫一次" in view
            assert "SECRET" not in view
        await shop.scan_refused(Code(kind=CodeKind.PAYMENT))
        assert "请到收银台付款" in (await live.receive_json())["view"]
    assert shop.told.events == []


async def test_an_unrecorded_scan_asks_in_the_shoppers_language(shop: OpenShop, http: aiohttp.ClientSession) -> None:
    await post(http, "/wish", language="en")
    await shop.scan_refused(Code(kind=CodeKind.MEMBER, value="SECRET"))
    assert "Please scan again" in await text_of(http, "")


WIFI = [
    (Admitted(session="s", way=Way.MEMBER, to_ms=NOON_MS), ["手机已连上 Wi-Fi"]),
    (AccessRefusal(why=AccessWhy.CODE_OVER), ["没能连上 Wi-Fi", "验证码已过期"]),
    (AccessRefusal(why=AccessWhy.CLOSED, again_ms=NOON_MS), ["没能连上 Wi-Fi", "起可再试"]),
]


@pytest.mark.parametrize(("answer", "wanted"), WIFI)
async def test_a_phones_code_for_the_wifi_is_answered_on_the_screen(
    shop: OpenShop, http: aiohttp.ClientSession, answer: Admitted | AccessRefusal, wanted: list[str]
) -> None:
    async with http.ws_connect(f"/kiosk/{KIOSK}/live") as live:
        await live.receive_json()
        await shop.screens.show_wifi(KIOSK, answer)
        view = (await live.receive_json())["view"]
    assert all(words in view for words in wanted)
    await shop.screens.show_wifi(StationId("till-1"), answer)  # has no screen


async def test_a_scan_for_a_station_without_a_screen_harms_nobody(shop: OpenShop) -> None:
    await shop.scan_refused(scanned_cola(), station="till-1")  # type: ignore[arg-type]
    await shop.scan(scanned_cola(), station="till-1")  # type: ignore[arg-type]
    await shop.scan(scanned_cola(), station="nowhere")  # type: ignore[arg-type]


async def test_a_heartbeat_is_on_the_board(shop: OpenShop, http: aiohttp.ClientSession, hand_clock: HandClock) -> None:
    async with http.ws_connect(f"/kiosk/{KIOSK}/live") as live:
        await live.receive_json()
        hand_clock.forward(10_000)
        await live.send_json({"idle_s": 3})
        assert (await live.receive_json())["visit"] == shop.counter.visits.id_of(KIOSK)
        assert shop.board.kiosks[KIOSK].monotonic_ms == hand_clock.mono_ms


async def test_a_visit_whose_page_died_is_ended_by_the_daemon(
    shop: OpenShop, http: aiohttp.ClientSession, hand_clock: HandClock
) -> None:
    await text_of(http, "/search?q=kele")
    async with http.ws_connect("/kiosk/kiosk-2/live") as live:  # any page's heartbeat will do
        await live.receive_json()
        hand_clock.forward(61_000)
        await live.send_json({"idle_s": 0})
        await live.receive_json()
    assert shop.counter.visits.of(KIOSK) is None
    assert shop.told.of(ev.KioskReset)


@pytest.mark.parametrize(
    "sent", ["", "[]", '{"idle_s": "x"}', "{" * 500, '{"idle_s": -1}', '{"idle_s": 1e300}', "x" * 5000]
)
async def test_a_strange_heartbeat_harms_nobody(shop: OpenShop, http: aiohttp.ClientSession, sent: str) -> None:
    async with http.ws_connect(f"/kiosk/{KIOSK}/live") as live:
        await live.receive_json()
        await live.send_str(sent)
        await live.receive(timeout=5)
    assert "触摸开始" in await text_of(http, "")


async def test_screens_are_capped(shop: OpenShop, http: aiohttp.ClientSession) -> None:
    lives = [await http.ws_connect(f"/kiosk/{KIOSK}/live") for _ in range(6)]
    for live in lives[2:]:
        await live.receive_json()
    assert shop.screens.open_screens(KIOSK) <= 5
    assert (await lives[0].receive(timeout=5)).type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.CLOSE}
    for live in lives:
        await live.close()


async def test_reload_reaches_every_screen(shop: OpenShop, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(f"/kiosk/{KIOSK}/live") as one, http.ws_connect("/kiosk/kiosk-2/live") as two:
        for live in (one, two):
            await live.receive_json()
        await shop.screens.reload(ReloadKiosk())
        assert (await one.receive_json(), await two.receive_json()) == ({"reload": True}, {"reload": True})


async def test_the_end_of_the_daemon_closes_screens_at_once(hand_clock: HandClock) -> None:
    async with aiohttp.ClientSession() as http:
        async with open_shop(hand_clock.clock) as shop:
            live = await http.ws_connect(f"{shop.url}/kiosk/{KIOSK}/live")
            await live.receive_json()
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 1.5
        assert (await live.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE


async def test_only_plain_pictures_are_served(http: aiohttp.ClientSession) -> None:
    for name in ("missing.png", "gateway.toml", "..%2f..%2fetc%2fpasswd", ".hidden.png", "a/..%2fb.png"):
        async with http.get(f"/goods/{name}") as answer:
            assert answer.status == 404
            assert await answer.read() == b""  # no page for what a list of hits asks two dozen times


def _pictures(state: Path) -> None:
    """Pictures that may be seen, and ways out of their folder."""
    folder = state / "images"
    (folder / "饮料" / "a" / "b").mkdir(parents=True)
    for name in ("cola.png", "饮料/可乐.webp", "饮料/a/b/deep.JPG"):
        (folder / name).write_bytes(b"picture")
    (folder / "notes.txt").write_bytes(b"secret")
    (folder / "page.svg").write_bytes(b"secret")
    (state / "secret.png").write_bytes(b"secret")
    (state / "images-old").mkdir()
    (state / "images-old" / "x.png").write_bytes(b"secret")
    (folder / "link.png").symlink_to(state / "secret.png")
    (folder / "out").symlink_to(state)
    (folder / "circle.png").symlink_to(folder / "circle.png")
    (folder / "near.png").symlink_to(folder / "cola.png")
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")


HOSTILE = [
    "link.png", "out/secret.png", "circle.png", "folder.png", "pipe.png", "notes.txt", "page.svg", "cola.png/",
    "cola.png%00", "%2e%2e/secret.png", "..%2fsecret.png", "../secret.png", "....//secret.png", "..%5csecret.png",
    "%2fetc%2fpasswd.png", "//etc/x.png", "a/../../secret.png", "../images-old/x.png", "%c0%ae%c0%ae/secret.png",
    "a/b/c/d/e.png", f"{'a/' * 100}x.png", f"{'a' * 300}.png", "%E9%A5%AE%E6%96%99/", "", "*.png", "cola.png?x=../../y",
]  # fmt: skip


async def test_pictures_lie_in_folders_and_nothing_leads_out(hand_clock: HandClock, tmp_path: Path) -> None:
    await asyncio.to_thread(_pictures, tmp_path)
    async with open_shop(hand_clock.clock, state_dir=tmp_path) as shop, aiohttp.ClientSession() as http:
        kinds = {"cola.png": "png", "near.png": "png", "饮料/可乐.webp": "webp", "饮料/a/b/deep.JPG": "jpeg"}
        for name, kind in kinds.items():
            async with http.get(f"{shop.url}/goods/{name}") as answer:
                assert (answer.status, answer.content_type) == (200, f"image/{kind}")
                assert await answer.read() == b"picture"
        for name in HOSTILE:
            async with http.get(URL(f"{shop.url}/goods/{name}", encoded=True)) as answer:
                assert b"secret" not in await answer.read(), name
                assert answer.status == (200 if name.startswith("cola.png?") else 404), name


async def test_a_coupon_is_shown_by_the_coupons_own_part(hand_clock: HandClock) -> None:
    async def worth(request: web.Request, token: str) -> str:
        return f"<h1>5 yuan off, {len(token)} letters</h1>"

    async with open_shop(hand_clock.clock, coupon=worth) as shop, aiohttp.ClientSession(shop.url) as http:
        await shop.scan(Code(kind=CodeKind.COUPON, value="SECRET"))
        text = await text_of(http, "", Accept="text/html")
    assert "<h1>5 yuan off, 6 letters</h1>" in text
    assert "SECRET" not in text
