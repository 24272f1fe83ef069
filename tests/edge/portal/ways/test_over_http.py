"""The ways in as phones try them over HTTP: calls that WeChat never made, codes guessed through the form."""

from __future__ import annotations

from pathlib import Path

from edge.access_answers import Way
from edge.ids import Mac
from edge.portal.ways.app_login import OPEN_S
from edge.portal.ways.sms import TRIES
from edge.portal.ways.wechat import CALLBACK_PATH
from tests.edge.guest.given_portal import Cafe, Phone, cafe, phone
from tests.edge.portal.ways.given_wechat import Callback, Wechat


async def asked(made: Cafe, guest: Phone, number: int) -> Callback:
    """The page's button was pressed; what WeChat will call."""
    seen = await guest.enter("wechat")
    assert seen.status == 200, seen.html
    begun = made.desk.begun(await on(made, number))
    assert begun is not None
    return Wechat().through(begun[1].fields)


async def on(made: Cafe, number: int):
    guest = await made.desk.guest(f"127.0.0.{number}", 40_000, language="en")
    assert guest is not None
    return guest


async def call(guest: Phone, callback: Callback, method: str = "GET", **more: str) -> int:
    url = guest.made.url + CALLBACK_PATH
    async with guest.http.request(method, url, params={**callback.query, **more}, allow_redirects=False) as answer:
        return answer.status


async def way_of(made: Cafe, number: int) -> Way | None:
    standing = (await on(made, number)).standing
    return standing.way if standing else None


async def test_only_wechat_s_one_call_from_the_phone_itself(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made, 7) as guest, phone(made, 8) as thief:
        callback = await asked(made, guest, 7)
        assert await way_of(made, 7) is Way.PASS
        assert await call(thief, callback) == 403
        assert await call(thief, await asked(made, thief, 8), extend=callback.query["extend"]) == 403
        assert await call(guest, callback, extend="0" * 72) == 403
        assert await call(guest, callback, openId="") == 403
        assert await call(guest, callback, "HEAD") in {403, 405}
        assert await call(guest, callback, "POST") in {403, 405}
        assert await way_of(made, 7) is Way.PASS
        assert await call(guest, callback) == 200
        assert await way_of(made, 7) is Way.WECHAT
        assert await call(guest, callback) == 403
        assert await way_of(made, 8) is Way.PASS


async def test_an_old_call(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made, 7) as guest:
        callback = await asked(made, guest, 7)
        made.hand.forward(OPEN_S * 1000)
        assert await call(guest, callback) == 403


async def test_no_such_app(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made, 7) as guest:
        for app in ("click", "sms", "staff", "nothing", "%2e%2e"):
            async with guest.http.get(f"{made.url}/portal/app/{app}?extend=x&openId=abcdefg") as answer:
                assert answer.status == 404


async def test_a_call_is_no_way_to_say_something_on_our_page(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made, 7) as guest:
        url = f"{made.url}{CALLBACK_PATH}?extend=<script>alert(1)</script>&openId=<b>hi&tid=x"
        async with guest.http.get(url) as answer:
            text = await answer.text()
            assert answer.status == 403
            assert "<script>" not in text
            assert "<b>hi" not in text


async def test_guessing_a_code_through_the_form(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made, 7) as guest:
        await guest.enter("sms", number="13812345678")
        for _ in range(TRIES):
            assert Mac("02:53:47:00:00:07") not in made.opened
            form = (await guest.get("/portal/sms")).form()
            await guest.post("/portal/accept", {**form, "way": "sms", "code": "000000"})
        form = (await guest.get("/?again=1")).form()
        await guest.post("/portal/accept", {**form, "way": "sms", "code": made.cloud.sms[0].code})
        assert Mac("02:53:47:00:00:07") not in made.opened
        assert len(made.cloud.sms) == 1
