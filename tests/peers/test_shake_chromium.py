"""Shaking in a real Chromium at phone size: pressed, shaken, without a script, without motion, in both languages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from edge.cli.shake import ZoneCode, sheet
from edge.config import ListenSection
from edge.shake_desk import PlaceCode
from tests.edge.guest.given_shaking import Stall, shop_of, stall
from tests.edge.web.given_shop import live_clock, open_shop
from tests.peers.chromium import PHONE, SMALL, TALL, WIDE, chromium, flaws, needs_chromium, tab

pytestmark = [needs_chromium, pytest.mark.peer]
TAP = 44
NARROW = (320, 568)
SWING = """() => {
  for (let n = 0; n < 45; n += 1) { // three quarters of a second at 60 Hz, four times there and back a second
    const accelerationIncludingGravity = {x: 16 * Math.sin((n / 60) * 4 * 2 * Math.PI), y: 1, z: 9.8};
    dispatchEvent(new DeviceMotionEvent("devicemotion", {accelerationIncludingGravity, interval: 16}));
  }
}"""
WALK = SWING.replace("16 *", "4 *")
KNOCK = SWING.replace("16 * Math.sin((n / 60) * 4 * 2 * Math.PI)", "n > 20 && n < 24 ? 30 : 0")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@asynccontextmanager
async def phone(
    browser: Browser, folder: Path, query: str = "?z={zone}", *, script: bool = True, language: str = "en", **shop: Any
) -> AsyncIterator[tuple[Stall, Page]]:
    shop.setdefault("shake_cooldown_s", 0.0)
    async with stall(folder, shop=shop_of(**shop)) as made:
        url = f"{made.url}/shake{query.format(zone=made.zone_code, luck=made.desk.zone_code('luck'))}"  # type: ignore[arg-type]
        async with tab(browser, url, PHONE, script=script, language=language) as page:
            yield made, page


async def faults(page: Page) -> list[str]:
    found = []
    for size in (PHONE, SMALL, NARROW):
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        found += [f"{size[0]}: {flaw}" for flaw in await flaws(page, target_px=TAP)]
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    return found


async def at_rest(page: Page) -> None:
    await expect(page.locator(".busy")).to_have_count(0)
    await page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_every_state_is_for_everybody(browser: Browser, tmp_path: Path, language: str) -> None:
    async with phone(browser, tmp_path, "", language=language) as (made, page):
        seen = {"start": await faults(page)}
        disc = page.locator(".shake-disc")
        await disc.tap()
        await expect(page.locator("#no")).to_be_visible()
        await at_rest(page)
        seen["refused"] = await faults(page)
        await page.locator("summary").tap()
        seen["fair"] = await faults(page)
        for zone in ("dairy", "luck", "door"):
            await page.goto(f"{made.url}/shake?z={made.desk.zone_code(zone)}")  # type: ignore[arg-type]
            await disc.tap()
            await expect(page.locator("#result")).to_be_visible()
            await at_rest(page)
            seen[zone] = await faults(page)
        await page.locator("#sense").tap()
        await expect(page.locator("#sense")).to_have_attribute("aria-pressed", "true")
        seen["sensing"] = await faults(page)
        assert {name: found for name, found in seen.items() if found} == {}
        assert await page.locator("html").get_attribute("lang") == language


async def test_the_button_is_in_reach_without_scrolling(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path) as (_, page):
        for width, height in (PHONE, SMALL, NARROW):
            await page.set_viewport_size({"width": width, "height": height})
            box = await page.locator(".shake-disc").bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) > 150
            assert box["y"] + box["height"] < height


async def test_pressed(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path) as (made, page):
        disc = page.locator(".shake-disc")
        await disc.tap()
        await expect(page.locator("#shaking")).to_have_text("Shaking…")  # read out at once
        await expect(page.locator("h1")).to_have_text("A coupon for you!")
        await expect(page.locator("#shaking")).to_have_text("A coupon for you! 3 yuan off milk The dairy corner")
        await page.locator(".shake-result a.guest-slot").tap()
        await expect(page.locator(".pass-code svg")).to_be_visible()
        (told,) = await made.news("shake.made.v1")
        assert len(str(told["salt"])) == 32  # the phone's share in the chance


async def test_by_keyboard_and_the_focus_stays(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path) as (_, page):
        await page.locator(".shake-disc").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_have_text("A coupon for you!")
        await expect(page.locator(".shake-disc")).to_be_focused()
        await at_rest(page)
        await page.keyboard.press("Space")
        await expect(page.locator("h1")).to_have_text("A coupon for you!")


async def test_a_code_typed_on_the_phone(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path, "") as (made, page):
        await page.get_by_label("Code on the screen or poster").fill(made.kiosk_code.lower())
        await page.keyboard.press("Enter")
        await expect(page.locator("#result")).to_be_visible()
        await expect(page.locator(".shake-place")).to_be_visible()  # kept for the next one


async def test_shaken_after_the_permission_tap_only(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path, "?z={luck}") as (made, page):
        await page.evaluate(SWING)
        await page.locator("#sense").tap()
        await expect(page.locator("#sensed")).to_contain_text("Go on")
        await page.evaluate(WALK)
        await page.evaluate(KNOCK)
        await expect(page.locator(".busy")).to_have_count(0)
        assert await made.news("shake.made.v1") == []
        await page.evaluate(SWING)
        await expect(page.locator("h1")).to_have_text("You won!")
        await page.evaluate(SWING)  # the same swing goes on: not a second shake
        await at_rest(page)
        assert len(await made.news("shake.made.v1")) == 1
        await page.locator("#sense").tap()
        await expect(page.locator("#sense")).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("DeviceMotionEvent.requestPermission = async () => 'granted'", "Go on"),
        ("DeviceMotionEvent.requestPermission = async () => 'denied'", "did not allow"),
        ("DeviceMotionEvent.requestPermission = async () => { throw new Error('no gesture'); }", "did not allow"),
        ("delete globalThis.DeviceMotionEvent", "reports no motion"),
        ("Object.defineProperty(globalThis, 'isSecureContext', {value: false})", "encrypted pages"),
    ],
)
async def test_phones_that_ask_refuse_or_have_no_sensor(
    browser: Browser, tmp_path: Path, before: str, words: str
) -> None:
    async with phone(browser, tmp_path) as (_, page):
        await page.evaluate(f"() => {{ {before} }}")
        await page.locator("#sense").tap()
        await expect(page.locator("#sensed")).to_contain_text(words)
        await page.locator(".shake-disc").tap()  # it does the same, always
        await expect(page.locator("#result")).to_be_visible()


async def test_the_encrypted_page_is_offered_where_there_is_one(browser: Browser, tmp_path: Path) -> None:
    listen = ListenSection(public_url="https://s1.example.net")
    async with (
        stall(tmp_path, shop=shop_of(), listen=listen) as made,
        tab(browser, f"{made.url}/shake?k=K7WP3M", PHONE, language="zh-CN") as page,
    ):
        await page.evaluate("Object.defineProperty(globalThis, 'isSecureContext', {value: false})")
        await page.locator("#sense").tap()
        link = page.get_by_role("link", name="打开加密网页")
        await expect(link).to_have_attribute("href", "https://s1.example.net/shake?k=K7WP3M")
        assert await flaws(page, target_px=0) == []


async def test_who_wants_no_motion_sees_none(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path) as (_, page):
        count = "globalThis.moves = 0; addEventListener('animationstart', () => moves += 1, true)"
        await page.emulate_media(reduced_motion="reduce")
        await page.evaluate(count)
        await page.locator(".shake-disc").tap()
        await expect(page.locator("#result")).to_be_visible()
        assert await page.evaluate("moves") == 0
        await page.emulate_media(reduced_motion="no-preference")
        await page.locator(".shake-disc").tap()
        await expect(page.locator(".fresh")).to_have_count(1)
        assert await page.evaluate("moves") > 0


async def test_without_a_script_it_is_a_form(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path, script=False, language="zh-CN") as (_, page):
        assert await faults(page) == []
        assert await page.locator("#motion").is_hidden()
        await page.locator(".shake-disc").tap()
        await page.wait_for_url("**/shake/r/*")
        await expect(page.locator("h1")).to_have_text("送您一张优惠券！")
        assert await faults(page) == []
        await page.reload()
        await page.locator(".shake-disc").tap()
        await expect(page.locator("h1")).to_have_text("送您一张优惠券！")


async def test_a_captive_browser_without_any_storage(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path) as (made, page):
        await page.context.clear_cookies()
        throws = "{get() { throw new Error('no storage'); }}"
        for name in ("localStorage", "sessionStorage"):
            await page.add_init_script(f"Object.defineProperty(globalThis, '{name}', {throws})")
        await page.route("**/*", lambda route: route.continue_(headers={**route.request.headers, "cookie": ""}))
        await page.reload()
        for _ in range(2):
            await page.locator(".shake-disc").tap()
            await expect(page.locator("h1")).to_have_text("A coupon for you!")
            await at_rest(page)
        await page.locator(".shake-disc").tap()
        await expect(page.locator("h1")).to_have_text("Thanks for shaking")  # two a shopper: still the same one
        assert len(await made.news("coupon.issued.v1")) == 2


async def test_a_page_left_open_asks_anew_by_itself(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path) as (made, page):
        made.hand.forward(700_000)
        await page.locator(".shake-disc").tap()
        await expect(page.locator("h1")).to_have_text("A coupon for you!")


async def test_a_gateway_that_is_gone_is_told_and_the_page_lives_on(browser: Browser, tmp_path: Path) -> None:
    async with phone(browser, tmp_path) as (_, page):
        await page.route("**/shake*", lambda route: route.abort())
        await page.locator(".shake-disc").tap()
        await expect(page.locator("#no")).to_contain_text("did not answer")
        await page.unroute("**/shake*")
        await page.locator(".shake-disc").tap()
        await expect(page.locator("h1")).to_have_text("A coupon for you!")


async def test_printed_codes_are_read_off_the_sheet(browser: Browser, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")
    zxing = pytest.importorskip("zxingcpp")
    urls = {f"https://s1.example.net/shake?z=zone-{n}.abcdefgh234567ab" for n in range(6)}
    text = sheet([ZoneCode("z", "乳品区", "Dairy", url[-20:], url) for url in sorted(urls)])
    page = await browser.new_page(viewport={"width": 794, "height": 1123})  # A4 at 96 dots an inch
    await page.set_content(text)
    shot = cv2.imdecode(numpy.frombuffer(await page.screenshot(full_page=True), numpy.uint8), cv2.IMREAD_GRAYSCALE)
    assert {read.text for read in await asyncio.to_thread(zxing.read_barcodes, shot)} == urls


@pytest.mark.parametrize("size", [TALL, WIDE])
async def test_a_kiosks_code_is_read_across_the_room_and_renewed(browser: Browser, size: tuple[int, int]) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")
    zxing = pytest.importorskip("zxingcpp")
    clock, codes = live_clock(), iter(("AAA222", "BBB333"))

    def code(_: str) -> PlaceCode:
        return PlaceCode(code=next(codes, "CCC444"), to_ms=clock.now().at_ms + 1_000)

    async with (
        open_shop(clock, shake_code=code, guest_url="https://s1.example.net", documents=shop_of()) as shop,
        tab(browser, f"{shop.url}/kiosk/kiosk-1", size) as page,
    ):
        shot = cv2.imdecode(numpy.frombuffer(await page.screenshot(), numpy.uint8), cv2.IMREAD_GRAYSCALE)
        (read,) = await asyncio.to_thread(zxing.read_barcodes, shot)
        assert read.text.startswith("https://s1.example.net/shake?k=")
        assert await flaws(page) == []
        await expect(page.locator(".shaker-code")).to_have_text("CCC 444", timeout=20_000)
        assert await flaws(page) == []
