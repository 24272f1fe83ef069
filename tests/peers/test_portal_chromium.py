"""The portal in a real Chromium at a phone's size: both languages, with a script and without, nothing stored.

Every address of loopback is a phone of the fake gate; the desk, the rules and the journal are the true ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from playwright.async_api import Browser, Page, expect

from edge.access_answers import AccessRefusal, AccessWhy, Admitted, Way
from edge.board import State
from edge.events import Code, CodeKind
from edge.ids import Mac
from edge.shop import Limit
from tests.edge.guest.given_portal import PORTAL, STAFF_CODE, Cafe, cafe
from tests.edge.portal.ways.given_wechat import Wechat
from tests.edge.web.given_shop import KIOSK, live_clock, open_shop
from tests.given import NOON_MS
from tests.peers.chromium import PHONE, SMALL, TALL, chromium, flaws, needs_chromium

pytestmark = [needs_chromium, pytest.mark.peer]
TAP = 40
NARROW = (320, 568)
MAC_WINDOW = (900, 572)
PHONE_MAC = Mac("02:53:47:00:00:01")
NO_STORAGE = """() => {
  for (const name of ["localStorage", "sessionStorage"])
    Object.defineProperty(globalThis, name, {get() { throw new DOMException("denied", "SecurityError"); }});
  Object.defineProperty(document, "cookie", {get() { return ""; }, set() {}});
}"""
"""As an iPhone's mini-browser has it."""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@asynccontextmanager
async def captive(
    browser: Browser, made: Cafe, *, script: bool = True, language: str = "en", scheme: str = "light", path: str = "/"
) -> AsyncIterator[Page]:
    """A mini-browser: it forgets its cookies between any two answers, and fails the test for anything it can't have."""
    context = await browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]},
        java_script_enabled=script,
        has_touch=True,
        locale=language,
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page, wrong = await context.new_page(), list[str]()
    await context.add_init_script(f"({NO_STORAGE})()")
    here = urlsplit(made.url).netloc
    page.on("request", lambda asked: None if urlsplit(asked.url).netloc == here else wrong.append(asked.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)

    async def forget(_: object) -> None:
        await context.clear_cookies()

    page.on("framenavigated", forget)
    try:
        await page.goto(made.url + path)
        yield page
        assert wrong == []
    finally:
        await context.close()


async def faults(page: Page) -> list[str]:
    found = []
    for size in (PHONE, SMALL, NARROW, MAC_WINDOW):
        await page.set_viewport_size({"width": size[0], "height": size[1]})
        found += [f"{size[0]}: {flaw}" for flaw in await flaws(page) if "small target" not in flaw]
        found += [f"{size[0]}: {flaw}" for flaw in await flaws(page, target_px=TAP) if _is_button(flaw)]
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    return found


def _is_button(flaw: str) -> bool:
    """A box has its label around it, and a link in the text its line: what must be big is what is pressed."""
    return "small target" in flaw and ("button" in flaw or "summary" in flaw)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_every_page_is_for_everybody(browser: Browser, tmp_path: Path, language: str, scheme: str) -> None:
    portal = msgspec.structs.replace(PORTAL, limit=Limit(minutes=9, megabytes=300), colour="#ffd000")
    policy = "eu" if language == "en" else "none"
    async with (
        cafe(tmp_path, document=portal, policy=policy) as made,
        captive(browser, made, language=language, scheme=scheme) as page,
    ):
        seen = {"splash": await faults(page)}
        for summary in await page.locator("summary").all():
            await summary.click()
        seen["terms"] = await faults(page)
        await page.locator("#number").fill("13800138000")
        await page.locator("button[value=sms]").click()
        seen["sms"] = await faults(page)
        for way in ("member", "wechat"):
            await page.goto(f"{made.url}/?again=1")
            await page.locator(f"button[value={way}]").click()
            await page.wait_for_url(f"**/portal/{way}")
            seen[way] = await faults(page)
        await page.goto(f"{made.url}/?again=1")
        await page.locator("#voucher").fill("nothing")
        await page.keyboard.press("Enter")
        await expect(page.locator("#no")).to_be_visible()
        seen["refused"] = await faults(page)
        await page.locator("button[value=click]").click()
        await page.wait_for_url("**/portal/welcome")
        seen["welcome"] = await faults(page)
        for path in ("/search?q=kele", "/portal/terms", "/search?q=nothing"):
            await page.goto(made.url + path)
            seen[path] = await faults(page)
        made.board.wifi.uplink = False
        await page.goto(f"{made.url}/portal/welcome")
        seen["offline"] = await faults(page)
        made.board.wifi.gate = State.DOWN
        await page.goto(f"{made.url}/?again=1")
        seen["gate down"] = await faults(page)
        assert {name: found for name, found in seen.items() if found} == {}
        assert await page.locator("html").get_attribute("lang") == language


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_from_a_probe_to_the_coupons_and_out(
    browser: Browser, tmp_path: Path, language: str, script: bool
) -> None:
    async with cafe(tmp_path) as made, captive(browser, made, script=script, language=language) as page:
        pages: list[str] = []
        page.on("framenavigated", lambda frame: pages.append(urlsplit(frame.url).path))
        await page.locator("button[value=click]").tap()
        await page.wait_for_url("**/portal/welcome")
        assert pages == ["/portal/welcome"]  # a whole page: iOS looks for the internet again
        assert made.opened == [PHONE_MAC]
        await expect(page.locator("h1")).to_have_text("You are online" if language == "en" else "已连上网络")
        await expect(page.locator(".ticket")).to_have_count(1)
        await page.locator("form.leave button").tap()
        await expect(page.locator(".note")).to_contain_text("logged out" if language == "en" else "已退出")
        assert made.shut == [PHONE_MAC]


async def test_the_first_button_is_seen_without_scrolling(browser: Browser, tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, captive(browser, made) as page:
        for width, height in (PHONE, SMALL, NARROW, MAC_WINDOW):
            await page.set_viewport_size({"width": width, "height": height})
            box = await page.locator("button[value=click]").bounding_box()
            assert box is not None
            assert box["y"] + box["height"] < height


async def test_the_terms_must_be_ticked_where_somebody_is_known(browser: Browser, tmp_path: Path) -> None:
    async with cafe(tmp_path, policy="cn") as made, captive(browser, made, language="zh-CN") as page:
        await page.locator("#number").fill("13800138000")
        await page.keyboard.press("Enter")
        assert made.cloud.sms == []
        assert urlsplit(page.url).path == "/"
        await page.locator("input[name=consent]").check()
        await page.locator("#number").press("Enter")
        await page.wait_for_url("**/portal/sms")
        code = page.locator("#code")
        assert await code.get_attribute("autocomplete") == "one-time-code"
        await code.fill("271828")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/portal/welcome")


async def test_the_page_for_the_code_is_found_again(browser: Browser, tmp_path: Path) -> None:
    async with cafe(tmp_path) as made:
        async with captive(browser, made, script=False) as page:
            await page.locator("#number").fill("13800138000")
            await page.locator("button[value=sms]").tap()
            await page.wait_for_url("**/portal/sms")
        async with captive(browser, made, script=False) as page:
            assert urlsplit(page.url).path == "/portal/sms"
            await page.locator("#code").fill("271828")
            await page.locator("form button").first.tap()
            await page.wait_for_url("**/portal/welcome")


@pytest.mark.parametrize("script", [True, False])
async def test_a_kiosk_reads_the_phone_and_the_phone_moves_on(browser: Browser, tmp_path: Path, script: bool) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")
    zxing = pytest.importorskip("zxingcpp")
    async with cafe(tmp_path) as made, captive(browser, made, script=script) as page:
        await page.locator("button[value=member]").tap()
        await page.wait_for_url("**/portal/member")
        shot = cv2.imdecode(numpy.frombuffer(await page.screenshot(), numpy.uint8), cv2.IMREAD_GRAYSCALE)
        (read,) = await asyncio.to_thread(zxing.read_barcodes, shot)
        await made.desk.shown(Code(kind=CodeKind.MEMBER, value=read.text), KIOSK)
        await page.wait_for_url("**/portal/welcome", timeout=20_000)


async def test_a_printed_vouchers_code_behind_the_hash(browser: Browser, tmp_path: Path) -> None:
    async with cafe(tmp_path) as made:
        async with captive(browser, made, path="/#7K2P-9XQF-AB3D") as page:
            await expect(page.locator("#voucher")).to_have_value("7K2P-9XQF-AB3D")
        async with captive(browser, made, path="/#<script>") as page:
            await expect(page.locator("#voucher")).to_have_value("")


async def test_staff_are_tucked_away_and_get_in(browser: Browser, tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, captive(browser, made, script=False) as page:
        await expect(page.locator("#staff")).to_be_hidden()
        await page.locator("details.staff summary").tap()
        await page.locator("#staff").fill("wrong")
        await page.locator("button[value=staff]").tap()
        await expect(page.locator("#staff")).to_be_visible()
        await page.locator("#staff").fill(STAFF_CODE)
        await page.locator("#staff").press("Enter")
        await page.wait_for_url("**/portal/welcome")


async def test_wechat_opens_by_the_button_and_the_page_moves_on(browser: Browser, tmp_path: Path) -> None:
    app = Wechat()
    async with cafe(tmp_path) as made:
        context = await browser.new_context(locale="en", viewport={"width": PHONE[0], "height": PHONE[1]})
        page, frames, wrong = await context.new_page(), list[str](), list[str]()
        page.on("console", lambda said: wrong.append(said.text) if "Content Security" in said.text else None)

        async def weixin(route: object) -> None:
            answer = app.jsonp(route.request.url)  # type: ignore[attr-defined]
            assert answer["success"]
            text = f"jsonpCallback({msgspec.json.encode(answer).decode()})"
            await route.fulfill(body=text, content_type="application/javascript")  # type: ignore[attr-defined]

        await page.route("https://wifi.weixin.qq.com/**", weixin)
        page.on("frameattached", lambda frame: frames.append(frame.name))
        await page.goto(made.url)
        await page.locator("button[value=wechat]").click()
        await page.wait_for_url("**/portal/wechat")
        call = await page.locator("#open").get_attribute("data-call")
        await page.locator("#open").click()
        await expect(page.locator("iframe")).to_have_attribute("src", "weixin://connectToFreeWifi/?apKey=0")
        assert call is not None
        callback = app.through({"call": call})
        path = f"{urlsplit(callback.url).path}?" + "&".join(f"{key}={text}" for key, text in callback.query.items())
        assert (await context.request.get(made.url + path)).status == 200
        back = await page.get_by_role("link", name="I confirmed in WeChat").get_attribute("href")
        await page.goto(f"{made.url}{back}")  # Chromium itself is still asking which program opens weixin://
        assert urlsplit(page.url).path == "/portal/welcome"
        assert wrong == []
        await context.close()


@pytest.mark.parametrize("answer", ["jsonpCallback({success: true, data: 'javascript:alert(1)'})", "", "nonsense("])
async def test_wechat_that_answers_nonsense_opens_nothing(browser: Browser, tmp_path: Path, answer: str) -> None:
    async with cafe(tmp_path) as made:
        context = await browser.new_context(locale="en")
        page = await context.new_page()
        if answer:
            body = answer
            await page.route("https://wifi.weixin.qq.com/**", lambda route: route.fulfill(body=body))
        else:
            await page.route("https://wifi.weixin.qq.com/**", lambda route: route.abort())
        await page.goto(made.url)
        await page.locator("button[value=wechat]").click()
        await page.locator("#open").click()
        if answer != "nonsense(":
            await expect(page.locator("#failed")).to_be_visible()
        await expect(page.locator("iframe")).to_have_count(0)
        await context.close()


async def test_without_a_script_wechat_is_said_in_words(browser: Browser, tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, captive(browser, made, script=False) as page:
        await page.locator("button[value=wechat]").tap()
        await page.wait_for_url("**/portal/wechat")
        await expect(page.locator("#open")).to_be_hidden()
        await expect(page.get_by_text("runs no script")).to_be_visible()
        await page.get_by_role("link", name="Choose another way").tap()
        await expect(page.locator("button[value=click]")).to_be_visible()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Admitted(session="s", way=Way.MEMBER, to_ms=NOON_MS), "手机已连上 Wi-Fi"),
        (AccessRefusal(why=AccessWhy.CODE_OVER), "没能连上 Wi-Fi"),
        (AccessRefusal(why=AccessWhy.CLOSED, again_ms=NOON_MS), "没能连上 Wi-Fi"),
    ],
)
async def test_a_kiosk_says_whether_the_phone_is_on(
    browser: Browser, answer: Admitted | AccessRefusal, words: str
) -> None:
    async with open_shop(live_clock()) as shop:
        context = await browser.new_context(viewport={"width": TALL[0], "height": TALL[1]}, locale="en")
        page = await context.new_page()
        await page.goto(f"{shop.url}/kiosk/{KIOSK}")
        await expect(page.locator("[data-view=attract]")).to_be_visible()
        await shop.screens.show_wifi(KIOSK, answer)
        await expect(page.locator("h1")).to_have_text(words)
        assert await flaws(page) == []
        await context.close()
