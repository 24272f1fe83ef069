"""Pages in a real Chromium: the guest's on a phone, without script; the status page on a desk and on a phone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from edge.board import Problem
from edge.coupon_answers import Shown
from edge.events import DeviceLost
from edge.ids import DeviceId, StationId
from edge.shop import CouponKind
from tests.edge.coupons.given_coupons import DAY_MS, campaign
from tests.edge.coupons.given_desk import Counter
from tests.edge.coupons.given_guest import guest_listener
from tests.edge.web.given_admin import admin, config, counted
from tests.given import NOON_MS, HandClock
from tests.peers.chromium import PHONE, chromium, flaws, needs_chromium, tab

pytestmark = [needs_chromium, pytest.mark.peer]
TILL = StationId("till-1")
DESK = (1280, 900)
TAP = 44
"""CSS pixels, WCAG 2.2 target size (enhanced)."""
OFFERS = (
    campaign(min_spend_fen=2_000, per_member=3),
    campaign(id="egg", name_zh="茶叶蛋一个", name_en="A tea egg", kind=CouponKind.GIFT, value=0, per_member=1),
    campaign(id="park", name_zh="停车两小时", name_en="Two hours of parking", kind=CouponKind.PARKING, value=120),
    campaign(id="half", name_zh="烘焙五折", name_en="Half price on everything from the bakery after eight",
             kind=CouponKind.DISCOUNT, value=500),
    campaign(id="late", name_zh="明天可用", name_en="From tomorrow", starts_ms=NOON_MS + DAY_MS),
)  # fmt: skip


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


async def faults(page: Page) -> list[str]:
    """On this phone, and on the narrowest there is (WCAG 1.4.10 asks for 320 px)."""
    found = await flaws(page, target_px=TAP)
    await page.set_viewport_size({"width": 320, "height": 568})
    found += [f"narrow: {flaw}" for flaw in await flaws(page, target_px=TAP)]
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    return found


@asynccontextmanager
async def phone(
    browser: Browser, folder: Path, language: str = "en", path: str = "/wallet"
) -> AsyncIterator[tuple[Counter, Page]]:
    async with (
        guest_listener(folder, *OFFERS) as (made, bound),
        tab(browser, bound.url + path, PHONE, script=False, language=language) as page,
    ):
        yield made, page


async def take(page: Page, name: str) -> str:
    """Taps an offer's button; the token that came of it."""
    await page.goto(re.sub(r"(https?://[^/]+).*", r"\1/wallet", page.url))
    await page.get_by_role("button", name=name).tap()
    await page.wait_for_url("**/c/*")
    return page.url.rpartition("/")[2]


@pytest.mark.parametrize(("language", "milk", "egg"), [("zh-CN", "牛奶减三元", "茶叶蛋"), ("en", "milk", "tea egg")])
async def test_every_page_is_for_everybody(
    browser: Browser, tmp_path: Path, language: str, milk: str, egg: str
) -> None:
    async with phone(browser, tmp_path, language) as (made, page):
        seen = {"empty wallet": await faults(page)}
        host = page.url.removesuffix("/wallet")
        token = await take(page, milk)
        seen["coupon"] = await faults(page)
        await made.desk.reserve(code=token, till=TILL, key="till-1/1/1")
        await page.goto(f"{host}/c/{token}")
        seen["held"] = await faults(page)
        used = await take(page, egg)
        await made.desk.redeem(used, till=TILL, receipt="2", value_fen=100)
        await page.goto(f"{host}/c/{used}")
        seen["used"] = await faults(page)
        await page.goto(f"{host}/wallet?no=limit_reached")
        await page.locator("summary").tap()
        seen["wallet"] = await faults(page)
        for name, path in (("refused", "/c/AAAA"), ("long", "/c/" + "A" * 3000), ("error", "/none")):
            await page.goto(host + path)
            await expect(page.locator("h1")).to_be_visible()
            seen[name] = await faults(page)
        assert {name: found for name, found in seen.items() if found} == {}
        assert await page.locator("html").get_attribute("lang") == language


async def test_the_code_fills_the_phone_and_is_read_off_its_screen(browser: Browser, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")
    zxing = pytest.importorskip("zxingcpp")
    async with phone(browser, tmp_path) as (_, page):
        token = await take(page, "milk")
        box = await page.locator(".pass-code svg").bounding_box()
        assert box is not None
        assert box["width"] >= 300
        assert box["y"] + box["height"] <= PHONE[1]  # nobody scrolls at the till
        shot = cv2.imdecode(numpy.frombuffer(await page.screenshot(), numpy.uint8), cv2.IMREAD_GRAYSCALE)
        assert [read.text for read in zxing.read_barcodes(shot)] == [token]


async def test_a_tap_takes_a_coupon_and_back_leads_to_it(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path) as (made, page):
        token = await take(page, "tea egg")
        assert isinstance(await made.desk.show(token), Shown)
        await page.go_back()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Wallet")
        await expect(page.get_by_role("button", name="tea egg")).to_have_count(0)
        await page.get_by_role("link", name="A tea egg").tap()
        await expect(page.locator(".pass-code svg")).to_be_visible()
        await page.get_by_role("link", name="Open the wallet").tap()
        await expect(page).to_have_url(re.compile("/wallet$"))
        await page.go_back()
        assert page.url.endswith(token)
        await page.reload()
        await expect(page.locator(".pass-code svg")).to_be_visible()
        assert (await issued(made)) == 1


async def test_two_taps_and_a_stale_page_are_one_coupon(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path) as (made, page):
        await page.get_by_role("button", name="milk").dblclick()
        await page.wait_for_url("**/c/*")
        assert (await issued(made)) == 1
        other = await page.context.new_page()
        await other.goto(page.url.partition("/c/")[0] + "/wallet")
        await take(page, "milk")
        await other.get_by_role("button", name="milk").tap()  # it still says how many there were before
        await other.wait_for_url("**/c/*")
        assert other.url == page.url
        assert (await issued(made)) == 2


async def test_a_language_tapped_once_stays_for_all_pages(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path, "zh-CN") as (_, page):
        await page.get_by_role("link", name="English").tap()
        await expect(page).to_have_title("Wallet")
        await take(page, "milk")
        await expect(page).to_have_title("3 yuan off milk")
        await page.goto(page.url[:-1] + ("A" if page.url[-1] != "A" else "B"))
        await expect(page).to_have_title("This coupon can't be used")
        await page.get_by_role("link", name="中文").tap()
        await expect(page).to_have_title("这张券用不了")
        await page.get_by_role("link", name="打开卡包").tap()
        await expect(page).to_have_title("卡包")


async def test_an_error_leads_back_to_the_wallet(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path, path="/none") as (_, page):
        await expect(page).to_have_title("Sorry")
        await page.get_by_role("link", name="Start page").tap()
        await expect(page).to_have_title("Wallet")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("state", ["well", "unwell"])
async def test_the_status_page(
    browser: Browser, tmp_path: Path, hand_clock: HandClock, language: str, state: str
) -> None:
    async with admin(config(tmp_path), hand_clock) as gateway:
        if state == "unwell":
            await gateway.pump.submit(counted(gateway.clock, 7, 3, covered=0.4))
            lost = DeviceLost(at=gateway.clock.now(), device=DeviceId("dock-1"), kind="scanner", problem="unplugged")
            await gateway.pump.submit(lost)
            words = Problem(at=gateway.clock.now(), where="scanner dock-1", text="x" * 200, hint="y" * 200)
            gateway.board.tell(words)
        for size in (DESK, PHONE):
            async with tab(browser, f"{gateway.url}/?lang={language}", size) as page:
                assert await flaws(page, target_px=24) == [], size


async def issued(made: Counter) -> int:
    report = await made.desk.ledger()
    assert report.ok
    return sum(each.units.get("outstanding", 0) for each in report.campaigns)
