"""The kiosk in a real Chromium: typed, touched, scanned at, left alone, cut off."""

from __future__ import annotations

import asyncio
import csv
import re
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from edge import events as ev
from edge.catalogue.desk import CatalogueDesk
from edge.catalogue.importer import import_file
from edge.events import Code, CodeKind
from tests.edge.web.given_shop import COLA, KIOSK, ROWS, OpenShop, live_clock, open_shop, scanned_cola
from tests.peers.chromium import CHROMIUM, PHONE, SMALL, TALL, WIDE, chromium, flaws, needs_chromium, tab

pytestmark = [needs_chromium, pytest.mark.peer]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest.fixture
async def shop() -> AsyncIterator[OpenShop]:
    async with open_shop(live_clock()) as opened:
        yield opened


def kiosk(shop: OpenShop) -> str:
    return f"{shop.url}/kiosk/{KIOSK}"


async def touch_keys(page: Page, letters: str) -> None:
    for letter in letters:
        await page.locator(f'[data-key="{letter}"]').click()


async def test_kele_on_the_own_keyboard_finds_cola_in_a_real_catalogue(browser: Browser, tmp_path: Path) -> None:
    source, target = tmp_path / "goods.csv", tmp_path / "catalogue.sqlite"
    with source.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["gtin", "name_zh", "name_en", "category", "price_fen", "stock", "shelf"])
        for index, row in enumerate(ROWS[:11]):
            digits = f"69010{index:07d}"
            weights = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
            rows.writerow([f"{digits}{-weights % 10}", row[0], row[1], row[3], row[4], row[7] or 0, row[8]])
    await asyncio.to_thread(import_file, source, target, progress=lambda *_: None)
    desk = CatalogueDesk(target)
    try:
        async with open_shop(live_clock(), desk=desk) as shop, tab(browser, kiosk(shop)) as page:
            await page.get_by_text("触摸开始").click()
            await touch_keys(page, "kele")
            await page.locator("#candidates button").first.wait_for()
            await page.get_by_role("link", name="可口可乐汽水").click()
            await expect(page.locator(".big .price")).to_have_text("¥3.50")
            await expect(page.locator(".facts")).to_contain_text("A3-2")
    finally:
        await desk.close()


@pytest.mark.parametrize(
    ("language", "start", "finish"), [("zh-CN", "触摸开始", "结束"), ("en", "Touch to start", "Finish")]
)
async def test_type_look_and_finish(browser: Browser, language: str, start: str, finish: str) -> None:
    async with open_shop(live_clock(), language=language) as shop, tab(browser, kiosk(shop)) as page:
        await page.get_by_text(start).click()
        await touch_keys(page, "kelex")
        await page.locator('[data-key="back"]').click()
        await expect(page.locator("#q")).to_have_value("kele")
        await expect(page.locator(".hit")).to_have_count(3)
        await page.locator(".hit").first.click()
        await expect(page.locator(".big .price")).to_have_text("¥3.50")
        await page.get_by_role("button", name=finish).click()
        await page.get_by_text(start).wait_for()
        assert [type(event) for event in shop.told.events] == [ev.ProductSearched, ev.ProductViewed, ev.KioskReset]


async def test_a_candidate_word_completes_the_search(browser: Browser, shop: OpenShop) -> None:
    async with tab(browser, kiosk(shop)) as page:
        await page.get_by_text("触摸开始").click()
        await touch_keys(page, "ke")
        await page.locator("#candidates").get_by_text("百事可乐").click()
        await expect(page.locator(".hit")).to_have_count(1)


async def test_a_real_keyboard_works_from_the_first_letter(browser: Browser, shop: OpenShop) -> None:
    async with tab(browser, kiosk(shop)) as page:
        await page.keyboard.type("kele")  # faster than any answer
        await expect(page.locator("#q")).to_have_value("kele")
        await expect(page.locator(".hit")).to_have_count(3)
        await page.locator(".hit").first.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".product h1")).to_have_text("可口可乐汽水 330ml")
        await page.keyboard.press("Escape")
        await page.locator("#q").wait_for()


async def test_one_tap_changes_the_language_and_keeps_the_place(browser: Browser, shop: OpenShop) -> None:
    async with tab(browser, kiosk(shop)) as page:
        await page.goto(f"{kiosk(shop)}/product/{COLA}")
        await page.get_by_role("button", name="English").click()
        await expect(page.locator(".product h1")).to_have_text("Coca-Cola 330 ml")
        assert await page.get_attribute("html", "lang") == "en"
        await page.get_by_role("button", name="中文").click()
        await expect(page.locator(".product h1")).to_have_text("可口可乐汽水 330ml")


@pytest.mark.parametrize("place", ["attract", "search", "product", "still"])
async def test_a_scan_jumps_to_the_product_from_any_page(browser: Browser, place: str) -> None:
    idle_s = 1 if place == "still" else 45
    async with open_shop(live_clock(), idle_s=idle_s) as shop, tab(browser, kiosk(shop)) as page:
        if place != "attract":
            await page.get_by_text("触摸开始").click()
        if place == "product":
            await page.locator('[data-word="水果"]').click()
            await page.locator(".hit").first.click()
        if place == "still":
            await page.locator("#still[open]").wait_for()
        await shop.until_watched()
        await shop.scan(scanned_cola())
        await expect(page.locator(".big .price")).to_have_text("¥3.50")
        assert await page.locator("#still[open]").count() == 0


async def test_a_payment_code_is_sent_to_the_till(browser: Browser, shop: OpenShop) -> None:
    async with tab(browser, kiosk(shop)) as page:
        await shop.until_watched()
        await shop.scan(Code(kind=CodeKind.PAYMENT))
        await expect(page.locator("h1")).to_have_text("请到收银台付款")
        await expect(page.locator("#said")).to_have_text("请到收银台付款")


@pytest.mark.parametrize("delay_ms", [0, 10, 60])
async def test_a_payment_code_typed_by_a_scanner_is_not_shown(browser: Browser, shop: OpenShop, delay_ms: int) -> None:
    async with tab(browser, kiosk(shop)) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.keyboard.type("134567890123456789", delay=delay_ms)
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text("请到收银台付款")
        await expect(page.locator("#q")).to_have_count(0)
        assert "1345678" not in await page.content()
        assert not [url for url in asked if "1345678" in url]


async def trace(page: Page) -> dict[str, object]:
    """All a browser could remember."""
    found: dict[str, object] = await page.evaluate(
        """async () => ({cookie: document.cookie, local: localStorage.length, session: sessionStorage.length,
        databases: (await indexedDB.databases()).length, history: history.length, path: location.pathname,
        typed: document.getElementById("q")?.value ?? "", seen: document.body.innerText.includes("可口可乐")})"""
    )
    return found | {"cookies": await page.context.cookies()}


async def test_an_idle_visit_is_warned_and_leaves_no_trace(browser: Browser) -> None:
    async with open_shop(live_clock(), idle_s=2, warn_s=2) as shop, tab(browser, kiosk(shop)) as page:
        before = await trace(page)
        await page.get_by_role("button", name="English").click()
        await page.get_by_text("Touch to start").click()
        await touch_keys(page, "kele")
        await page.locator(".hit").first.click()
        await page.locator(".product").wait_for()
        await page.get_by_text("Still there?").wait_for()
        await page.get_by_role("button", name="Yes, carry on").click()
        await expect(page.locator(".product")).to_be_visible()
        await page.get_by_text("Still there?").wait_for()
        await expect(page.locator("#count")).to_have_text("1")
        await page.get_by_text("触摸开始").wait_for()
        assert await trace(page) == before
        assert before | {"history": 0} == {
            "cookie": "",
            "local": 0,
            "session": 0,
            "databases": 0,
            "history": 0,
            "path": f"/kiosk/{KIOSK}",
            "typed": "",
            "seen": False,
            "cookies": [],
        }
        await page.go_back()
        assert "可口可乐" not in await page.content()
        assert [event.reason for event in shop.told.of(ev.KioskReset)] == ["idle"]  # type: ignore[attr-defined]


async def test_the_daemon_may_go_and_come_back(browser: Browser) -> None:
    async with open_shop(live_clock()) as shop:
        url, port = kiosk(shop), shop.port
        opened = tab(browser, url)
        page = await opened.__aenter__()
        await page.get_by_text("触摸开始").click()
        await page.locator("#q").wait_for()
    await page.get_by_text("正在重新连接").wait_for()
    await touch_keys(page, "k")  # nothing breaks
    await expect(page.locator("#q")).to_have_value("k")
    async with open_shop(live_clock(), port=port) as shop:
        await page.get_by_text("触摸开始").wait_for()
        await expect(page.locator("#gone")).to_be_hidden()
        await shop.until_watched()
        await shop.scan(scanned_cola())
        await expect(page.locator(".big .price")).to_have_text("¥3.50")
        await opened.__aexit__(None, None, None)


async def test_a_visit_ends_even_while_the_daemon_is_gone(browser: Browser) -> None:
    async with open_shop(live_clock(), idle_s=2, warn_s=1) as shop:
        opened = tab(browser, f"{kiosk(shop)}/product/{COLA}")
        page = await opened.__aenter__()
        await page.locator(".product").wait_for()
    await page.get_by_text("请稍候").wait_for()
    assert "可口可乐" not in await page.inner_text("#view")
    await opened.__aexit__(None, None, None)


async def test_the_cloud_being_cut_is_a_banner_that_comes_and_goes(browser: Browser, shop: OpenShop) -> None:
    shop.board.broker.configured = True
    async with tab(browser, kiosk(shop)) as page:
        await expect(page.locator("#offline")).to_contain_text("离线 · 价格更新于")
        shop.board.broker.connected = True
        await page.reload()
        await expect(page.locator("#offline")).to_be_hidden()


LOOKS = [
    (TALL, "zh-CN", {}, 80),
    (TALL, "en", {"contrast": "high", "reach": "low"}, 80),
    (TALL, "zh-CN", {"text": "large"}, 80),
    (WIDE, "en", {}, 80),
    (WIDE, "zh-CN", {"text": "large", "contrast": "high"}, 80),
    (PHONE, "zh-CN", {}, 44),
    (PHONE, "en", {"text": "large"}, 44),
    (SMALL, "en", {"contrast": "high"}, 44),
]


@pytest.mark.parametrize(("size", "language", "looks", "target_px"), LOOKS)
async def test_everybody_can_use_it(
    browser: Browser, size: tuple[int, int], language: str, looks: dict[str, str], target_px: int
) -> None:
    ratio = 7.0 if looks.get("contrast") == "high" else 4.5
    async with open_shop(live_clock(), language=language, idle_s=600) as shop:
        shop.counter.visits.wish(KIOSK, looks, shop.counter.now_ms)
        shop.counter.visits.touch(KIOSK, 0).view = shop.counter.visits.view_of("nobody")  # type: ignore[arg-type]
        async with tab(browser, kiosk(shop), size) as page:
            seen = {"attract": await flaws(page, ratio=ratio, target_px=target_px)}
            await page.locator(".start").click()
            await page.locator("#q").wait_for()
            seen["start"] = await flaws(page, ratio=ratio, target_px=target_px)
            await page.keyboard.type("kele")
            await page.locator(".hit").first.wait_for()
            seen["hits"] = await flaws(page, ratio=ratio, target_px=target_px)
            await page.locator(".hit").first.click()
            await page.locator(".product").wait_for()
            seen["product"] = await flaws(page, ratio=ratio, target_px=target_px)
            await shop.until_watched()
            await shop.scan(Code(kind=CodeKind.UNKNOWN, value="ABC-" * 16))
            await page.locator(".notice").wait_for()
            seen["notice"] = await flaws(page, ratio=ratio, target_px=target_px)
    assert {name: found for name, found in seen.items() if found} == {}


async def test_focus_is_seen_and_reaches_everything(browser: Browser, shop: OpenShop) -> None:
    async with tab(browser, f"{kiosk(shop)}/product/{COLA}") as page:
        wanted = await page.locator("a:visible, button:visible").count()
        reached = set()
        for _ in range(wanted + 2):
            await page.keyboard.press("Tab")
            got = await page.evaluate(
                """() => { const e = document.activeElement, s = getComputedStyle(e);
                return [e.outerHTML.slice(0, 200), e === document.body || parseFloat(s.outlineWidth) >= 3]; }"""
            )
            assert got[1], f"no visible focus: {got[0]}"
            reached.add(got[0])
        assert len(reached) >= wanted


async def test_low_mode_puts_every_target_in_the_lower_two_thirds(browser: Browser, shop: OpenShop) -> None:
    shop.counter.visits.wish(KIOSK, {"reach": "low"}, shop.counter.now_ms)
    for path in ("/start", f"/product/{COLA}"):
        async with tab(browser, f"{kiosk(shop)}{path}") as page:
            tops: list[float] = await page.evaluate(
                "[...document.querySelectorAll('a, button, #q')].filter((e) => e.checkVisibility())"
                ".map((e) => e.getBoundingClientRect().top)"
            )
            assert min(tops) >= TALL[1] / 3


async def test_many_scans_do_not_make_the_page_grow(browser: Browser, shop: OpenShop) -> None:
    async with tab(browser, kiosk(shop)) as page:
        tools = await page.context.new_cdp_session(page)
        await tools.send("Performance.enable")
        await shop.until_watched()

        async def nodes_after(scans: int) -> float:
            for turn in range(scans):
                await shop.scan(scanned_cola() if turn % 2 else Code(kind=CodeKind.PAYMENT))
            await page.locator(".product").wait_for()
            await tools.send("HeapProfiler.collectGarbage")
            metrics = {item["name"]: item["value"] for item in (await tools.send("Performance.getMetrics"))["metrics"]}
            return float(metrics["Nodes"])

        first, scans = await nodes_after(20), 300
        # A page still coming in, or garbage of the last one, is a few hundred nodes; a leak is some for each scan.
        assert await nodes_after(scans) < first + 2 * scans


async def test_the_flags_of_the_manual_show_the_kiosk(tmp_path: Path, shop: OpenShop) -> None:
    manual = await asyncio.to_thread(Path("docs/kiosk.md").read_text, "utf-8")
    command = re.search(r"ExecStart=(.*?)http://", manual, re.DOTALL)
    assert command is not None
    theirs = {"--kiosk", "--ozone-platform=wayland"}  # need a screen
    flags = [word for word in command[1].split() if word.startswith("--") and word not in {"--", *theirs}]
    moved = [
        flag.replace("/run/kiosk", str(tmp_path)).replace("/var/cache/kiosk", str(tmp_path / "c")) for flag in flags
    ]
    dump = await asyncio.create_subprocess_exec(
        CHROMIUM, "--headless", "--no-sandbox", *moved, "--dump-dom", kiosk(shop), stdout=PIPE, stderr=DEVNULL
    )
    page, _ = await asyncio.wait_for(dump.communicate(), 60)
    assert "触摸开始" in page.decode()
