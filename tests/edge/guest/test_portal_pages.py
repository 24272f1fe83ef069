"""The portal over real HTTP, as a phone's mini-browser meets it: no script, mostly no cookies."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from edge.access_answers import Way
from edge.board import State
from edge.events import Code, CodeKind, TimePassed
from edge.ids import Mac
from edge.shop import Hours, Limit
from tests.edge.guest.given_portal import PORTAL, STAFF_CODE, cafe, phone
from tests.edge.portal.ways.given_wechat import Wechat
from tests.given import NOON_MS

MAC7 = Mac("02:53:47:00:00:07")


@pytest.mark.parametrize("cookies", [True, False])
async def test_in_by_a_click_and_out_again(tmp_path: Path, cookies: bool) -> None:
    async with cafe(tmp_path) as made, phone(made, cookies=cookies) as guest:
        splash = await guest.get("/")
        assert splash.status == 200
        assert "Fresh Indeed" in splash.html
        assert "Have a seat" in splash.html
        answer = await guest.post("/portal/accept", {**splash.form(), "way": "click"}, follow=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/portal/welcome")
        assert made.opened == [MAC7]  # the kernel had it before the guest heard yes
        welcome = await guest.get("/portal/welcome")
        assert welcome.h1 == "You are online"
        assert "2 h 00 min" in welcome.html
        assert "3 yuan off milk" in welcome.html
        assert 'href="https://shop.example/hello"' in welcome.html
        assert (await guest.get("/")).path == "/portal/welcome"
        left = await guest.post("/portal/leave", {"token": welcome.form()["token"]})
        assert made.shut == [MAC7]
        assert "You are logged out" in left.html
        assert (await guest.get("/portal/welcome")).path == "/"


async def test_the_splash_says_what_is_kept_and_asks_beside_for_offers(tmp_path: Path) -> None:
    async with cafe(tmp_path, policy="cn") as made, phone(made, lang="zh-CN") as guest:
        splash = await guest.get("/")
        assert "183 天后自动删除" in splash.html
        assert "账号（手机号码或微信标识）" in splash.html
        box = re.search(r'<input type="checkbox" id="marketing" name="marketing"[^>]*>', splash.html)
        assert box
        assert "checked" not in box[0]
        assert "required" not in box[0]
        consent = re.search(r'<input type="checkbox" id="consent" name="consent"[^>]*>', splash.html)
        assert consent
        assert "required" in consent[0]
        assert "checked" not in consent[0]
        assert 'value="click"' not in splash.html  # its policy wants to know who it is
        unticked = await guest.post(
            "/portal/accept", {**splash.form(ticked=False), "way": "sms", "number": "13800138000"}
        )
        assert unticked.no == "请先阅读并同意条款。"
        assert made.cloud.sms == []


async def test_what_nobody_keeps_is_said_too(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        terms = await guest.get("/portal/terms")
        assert (
            "No log of who was online is kept. That you were here before is known by a pseudonym only, for 400 days"
            in terms.html
        )
        assert "none/1" in terms.html
        assert "By going online you accept" in (await guest.get("/")).html


async def test_a_code_by_sms_after_the_browser_was_closed(tmp_path: Path) -> None:
    async with cafe(tmp_path, policy="cn") as made:
        async with phone(made, cookies=False) as before:
            asked = await before.enter("sms", number="138 0013 8000", marketing="yes")
            assert asked.path == "/portal/sms"
            assert 'autocomplete="one-time-code"' in asked.html
            assert 'inputmode="numeric"' in asked.html
            assert "13800138000" not in asked.html
        async with phone(made, cookies=False) as after:  # the SMS app was opened, the mini-browser closed
            again = await after.get("/")
            assert again.path == "/portal/sms"
            wrong = await after.post("/portal/accept", {**again.form(), "way": "sms", "code": "111111"})
            assert wrong.no == "That is not the code. Please try again."
            right = await after.post("/portal/accept", {**wrong.form(), "way": "sms", "code": "271828"})
            assert right.path == "/portal/welcome"
        (news,) = await made.news("guest.admitted.v1")
        assert (news["way"], news["marketing"]) == ("sms", True), "the tick was not lost with the browser"


async def test_what_was_agreed_to_beside_goes_through_the_code_page(tmp_path: Path) -> None:
    async with cafe(tmp_path, policy="cn") as made, phone(made, cookies=False) as guest:
        asked = await guest.enter("sms", number="13800138000", marketing="yes")
        await guest.post("/portal/accept", {**asked.form(), "way": "sms", "code": "271828"})
        (news,) = await made.news("guest.admitted.v1")
        assert news["marketing"] is True


async def test_an_sms_to_another_number_and_once_more(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        asked = await guest.enter("sms", number="13800138000")
        soon = await guest.post("/portal/accept", {**asked.form(), "way": "sms", "again": "1"})
        assert "Too many tries" in soon.no
        made.hand.forward(61_000)
        await guest.post("/portal/accept", {**soon.form(), "way": "sms", "again": "1"})
        assert len(made.cloud.sms) == 2
        start = await guest.get("/?again=1&way=sms")
        assert start.path.startswith("/?again=1")
        bad = await guest.post("/portal/accept", {**start.form(), "way": "sms", "number": "12"})
        assert bad.no == "That is not a mobile number."
        assert bad.path.startswith("/?")
        made.hand.forward(301_000)
        over = await guest.post("/portal/accept", {**asked.form(), "way": "sms", "code": "271828"})
        assert over.no == "That code is over. Please get a new one."
        assert 'name="number"' in over.html


async def test_enter_in_a_field_means_that_way(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        form = (await guest.get("/")).form()
        assert re.search(r'<button[^>]*value="auto"', (await guest.get("/")).html)
        answer = await guest.post("/portal/accept", {**form, "way": "auto", "voucher": "NO-SUCH-VOUCHER"})
        assert answer.no == "There is no such voucher. Please check the code."
        staff = await guest.post("/portal/accept", {**form, "way": "auto", "staff": STAFF_CODE})
        assert staff.path == "/portal/welcome"


async def test_a_way_that_no_page_of_ours_names_is_no_form_of_ours(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        form = (await guest.get("/")).form()
        for way in ("carrier-pigeon", "CLICK", "x" * 500):
            assert (await guest.post("/portal/accept", {**form, "way": way})).status == 400
        assert made.opened == []


async def test_who_the_gate_does_not_let_in_hears_so_and_has_used_nothing(tmp_path: Path) -> None:
    portal = msgspec.structs.replace(PORTAL, limit=Limit(minutes=30, day_minutes=30))
    async with cafe(tmp_path, document=portal) as made, phone(made) as guest:
        made.kept_out.add(MAC7)
        no = await guest.enter()
        assert no.path.startswith("/?no=gate_down")
        assert json.loads((await guest.get("/captive-portal/api")).html)["captive"] is True
        assert len(made.shut) == 1
        (reason,) = [news["reason"] for news in await made.news("guest.left.v1")]
        assert reason == "refused"
        made.kept_out.clear()
        assert (await guest.enter()).path == "/portal/welcome"
        assert json.loads((await guest.get("/captive-portal/api")).html)["captive"] is False
        made.kept_out.add(MAC7)  # on the disk, and no longer in the kernel
        assert json.loads((await guest.get("/captive-portal/api")).html)["captive"] is True
        assert (await guest.get("/")).path == "/"


async def test_the_first_login_is_the_wallets_and_the_second_day_a_return(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made:
        async with phone(made, 7) as first:
            assert "Set-Cookie" in (await first.get("/")).headers
            assert "Set-Cookie" not in (await first.get("/")).headers
            await first.enter()
            cookies = "; ".join(f"{each.key}={each.value}" for each in first.http.cookie_jar)
        made.hand.forward(26 * 3_600_000)
        await made.pump.submit(TimePassed(at=made.hand.clock.now()))
        async with phone(made, 8, cookies=False) as next_day:  # under another MAC
            next_day.headers["Cookie"] = cookies
            await next_day.enter()
        told = await made.news("guest.admitted.v1")
        assert [(news["returning"], news["visits_today"]) for news in told] == [(False, 1), (True, 1)]


@pytest.mark.parametrize("keeps", [True, False], ids=["until it closes", "never"])
async def test_a_mini_browser_that_forgets_is_one_visitor_a_day(tmp_path: Path, keeps: bool) -> None:
    async with cafe(tmp_path) as made:
        for _ in range(3):
            async with phone(made, cookies=keeps) as guest:
                on = await guest.enter()
                await guest.post("/portal/leave", on.form())
        told = await made.news("guest.admitted.v1")
        assert len({news["visitor"] for news in told}) == 1
        assert [news["visits_today"] for news in told] == [1, 2, 3]


async def test_a_printed_vouchers_link_fills_its_field(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        page = await guest.get('/?voucher=7K2P-9XQF-"><script>')
        assert 'value="7K2P-9XQF-&#34;&gt;&lt;script&gt;"' in page.html


async def test_a_member_code_is_shown_until_a_kiosk_has_read_it(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        page = await guest.enter("member")
        assert page.path == "/portal/member"
        assert "<svg" in page.html
        assert '<meta http-equiv="refresh"' in page.html
        asked = await made.desk.guest("127.0.0.7", 40_000, language="en")
        assert asked is not None
        code = await made.desk.member_code(asked)
        await made.desk.shown(Code(kind=CodeKind.MEMBER, value=code), None)
        assert (await guest.get("/portal/member")).path == "/portal/welcome"


async def test_closed_hours_are_said_and_staff_get_in(tmp_path: Path) -> None:
    hours = (Hours(days=(1, 2, 3, 4, 5, 6, 7), opens="03:00", closes="04:00"),)
    async with cafe(tmp_path, document=msgspec.structs.replace(PORTAL, hours=hours)) as made, phone(made) as guest:
        splash = await guest.get("/")
        assert "closed now" in splash.html
        assert "It opens at" in splash.html
        assert 'value="click"' not in splash.html
        assert 'href="/search"' in splash.html
        refused = await guest.post("/portal/accept", {**splash.form(), "way": "click"})
        assert refused.no.startswith("The Wi-Fi is closed now. Again from")
        assert (await guest.enter("staff", staff=STAFF_CODE)).path == "/portal/welcome"


async def test_a_gate_that_is_down_is_said(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        form = (await guest.get("/")).form()
        made.board.wifi.gate = State.DOWN
        splash = await guest.get("/")
        assert "Nobody new can be let in right now." in splash.html
        assert "<form" not in splash.html
        assert 'href="/wallet"' in splash.html
        assert "Nobody new" in (await guest.post("/portal/accept", {**form, "way": "click"})).no


async def test_a_cut_line_is_said_with_what_still_works(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        made.board.wifi.uplink, made.cloud.online = False, False
        splash = await guest.get("/")
        assert "internet line is down" in splash.html
        assert 'value="click"' in splash.html
        assert 'value="sms"' not in splash.html
        assert "Codes by SMS need the internet line" in splash.html
        welcome = await guest.enter()
        assert welcome.h1 == "You are let in"
        assert 'href="https://shop.example/hello"' not in welcome.html
        found = await guest.get("/search?q=kele")
        assert "Coca-Cola" in found.html
        assert "Shelf A3-2" in found.html
        assert "¥3.50" in found.html


async def test_no_way_at_all(tmp_path: Path) -> None:
    async with cafe(tmp_path, document=msgspec.structs.replace(PORTAL, ways=(Way.SMS,))) as made, phone(made) as guest:
        made.cloud.online = False
        assert "Nobody can get online here right now." in (await guest.get("/")).html


async def test_a_shop_without_a_portal_document(tmp_path: Path) -> None:
    async with cafe(tmp_path, document=None) as made, phone(made) as guest:
        assert (await guest.enter()).path == "/portal/welcome"


async def test_bytes_and_more_time(tmp_path: Path) -> None:
    portal = msgspec.structs.replace(PORTAL, limit=Limit(minutes=8, megabytes=1500))
    async with cafe(tmp_path, document=portal) as made, phone(made) as guest:
        welcome = await guest.enter()
        assert "8 min" in welcome.html
        assert "1.6 GB are left" in welcome.html or "1.5 GB are left" in welcome.html
        assert "Go on for longer" in welcome.html
        again = await guest.get("/?again=1")
        assert 'value="click"' in again.html


async def test_who_keeps_a_cookie_is_the_same_shopper_with_another_mac(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made, 7) as first, phone(made, 8) as second:
        on = await first.enter()
        await first.post("/portal/leave", on.form())
        await first.enter()
        second.headers["Cookie"] = "; ".join(f"{each.key}={each.value}" for each in first.http.cookie_jar)
        await second.enter()
        visitors = [news["visitor"] for news in await made.news("guest.admitted.v1")]
        assert visitors[0] == visitors[1] == visitors[2]


async def test_who_is_not_on_the_guest_network_is_told(tmp_path: Path) -> None:
    async with cafe(tmp_path, proxy=True) as made, phone(made, 1) as guest:
        guest.headers = {"X-Forwarded-For": "192.168.1.5"}
        page = await guest.get("/")
        assert page.status == 200
        assert page.h1 == "You are not on our guest Wi-Fi"
        answer = await guest.post("/portal/accept", {"way": "click"})
        assert answer.status == 403
        assert answer.h1 == page.h1
        assert (await guest.post("/portal/leave", {"token": "x"})).status == 403
        assert (await guest.get("/portal/welcome")).h1 == page.h1
        assert made.opened == []


async def test_a_form_of_another_phone_a_stale_one_and_none(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made, 7) as mine, phone(made, 8) as theirs:
        form = (await mine.get("/")).form()
        assert (await theirs.post("/portal/accept", {**form, "way": "click"})).no.startswith("That page was too old")
        made.hand.forward(31 * 60_000)
        assert (await mine.post("/portal/accept", {**form, "way": "click"})).no.startswith("That page was too old")
        assert (await mine.post("/portal/accept", {})).no.startswith("That page was too old")
        assert made.opened == []
        mine_on = await mine.enter()
        assert (await theirs.post("/portal/leave", mine_on.form())).status == 403
        assert made.shut == []


async def test_another_sites_form_is_refused(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        form = (await guest.get("/")).form()
        for headers in ({"Origin": "http://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
            answer = await guest.post("/portal/accept", {**form, "way": "click"}, **headers)
            assert answer.status == 403
        assert made.opened == []


async def test_forms_are_rationed_by_address(tmp_path: Path) -> None:
    async with cafe(tmp_path, proxy=True) as made, phone(made, 1) as guest:
        guest.headers = {"X-Forwarded-For": "10.64.0.9"}
        seen = [(await guest.post("/portal/accept", {})).status for _ in range(22)]
        assert seen[-1] == 429
        assert seen[0] == 403  # no MAC is known of it
        last = await guest.post("/portal/accept", {})
        assert last.headers["Retry-After"]
        made.hand.forward(10_000)
        assert (await guest.post("/portal/accept", {})).status == 403


@pytest.mark.parametrize("lang", ["en", "zh-CN"])
async def test_the_language_goes_along_without_cookies(tmp_path: Path, lang: str) -> None:
    async with cafe(tmp_path) as made, phone(made, cookies=False, lang="zh-CN" if lang == "en" else "en") as guest:
        splash = await guest.get(f"/?lang={lang}")
        assert f'action="/portal/accept?lang={lang}"' in splash.html
        welcome = await guest.post(f"/portal/accept?lang={lang}", {**splash.form(), "way": "click"})
        assert welcome.path == f"/portal/welcome?lang={lang}"
        assert f'<html lang="{lang}">' in welcome.html


@pytest.mark.parametrize("policy", ["none", "cn", "eu"])
@pytest.mark.parametrize("lang", ["en", "zh-CN"])
async def test_the_first_paint_is_below_14_kb(tmp_path: Path, policy: str, lang: str) -> None:
    """With everything on it: HTML and the sheet it needs, not packed, with their heads."""
    wordy = msgspec.structs.replace(PORTAL, welcome_zh="欢" * 100, welcome_en="w" * 300)
    async with cafe(tmp_path, policy=policy, document=wordy) as made, phone(made, lang=lang) as guest:
        page = await guest.get("/")
        sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.html)
        assert len(sheets) == 1
        sheet = await guest.get(sheets[0].replace("&amp;", "&"))
        heads = sum(len(key) + len(text) + 4 for each in (page, sheet) for key, text in each.headers.items())
        assert len(page.html.encode()) + len(sheet.html.encode()) + heads < 14_000


async def test_no_page_needs_a_script_or_lets_one_in(tmp_path: Path) -> None:
    name = '<script>alert("1")</script>'
    evil = msgspec.structs.replace(PORTAL, name_en=name, welcome_en=name)
    async with cafe(tmp_path, document=evil) as made, phone(made) as guest:
        on = await guest.enter()
        for page in (
            await guest.get("/?again=1"),
            on,
            await guest.get("/portal/terms"),
            await guest.get("/search?q=" + name),
        ):
            assert "<script>" not in page.html
            assert not re.search(r"\son[a-z]+=|style=", page.html)
            assert page.headers["Content-Security-Policy"].startswith("default-src 'self'; img-src")


async def test_searches_are_bounded(tmp_path: Path) -> None:
    async with cafe(tmp_path, proxy=True) as made, phone(made, 1) as guest:
        guest.headers = {"X-Forwarded-For": "10.64.0.9"}
        seen = [(await guest.get("/search?q=kele")).status for _ in range(22)]
        assert seen[0] == 200
        assert seen[-1] == 429
        made.hand.forward(60_000)
        assert "Nothing found" in (await guest.get("/search?q=" + "x" * 500)).html
        payment = await guest.get("/search?q=134567890123456789")
        assert "134567890123456789" not in payment.html


async def test_wechat_calls_back_from_the_phone(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest, phone(made, 8) as stranger:
        page = await guest.enter("wechat")
        assert page.path == "/portal/wechat"
        assert page.headers["Content-Security-Policy"].split(";")[1] == " script-src 'self' https://wifi.weixin.qq.com"
        assert made.opened == [MAC7]  # the pass to reach the app
        call = re.search(r'data-call="([^"]+)"', page.html)
        assert call
        callback = Wechat().through({"call": call[1].replace("&amp;", "&")})
        path = "/portal/app/wechat?" + "&".join(f"{key}={text}" for key, text in callback.query.items())
        assert (await stranger.get(path)).status == 403
        assert (await guest.get(path)).status == 200
        assert (await guest.get(path)).status == 403
        assert (await guest.get("/portal/wechat")).path == "/portal/welcome"
        assert (await guest.get("/portal/app/click")).status == 404
        assert (await guest.get("/portal/app/nothing")).status == 404


async def test_times_are_told_as_people_say_them(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        later = NOON_MS + 20 * 3_600_000
        page = await guest.get(f"/?no=day_used&at={later}")
        assert page.no.endswith("Again from tomorrow 14:26.") or "tomorrow" in page.no
        for at in ("0", "-1", "9" * 15, "9" * 400, "x", "１２"):
            assert (await guest.get(f"/?no=day_used&at={at}")).no == "Today's free time or data is used up."
        assert (await guest.get("/?no=%3Cscript%3E")).no == ""
