"""The shake page over real HTTP, without a script: with cookies, without, in a hurry, from another site."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from importlib import resources
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edge.config import ListenSection, ShakeSection
from edge.shop import Page
from edge.web.guest.cards import own_path
from tests.edge.guest.given_shaking import Stall, beacon, shop_of, stall

FIELD = re.compile(r'name="(shopper|nonce|place)" value="([^"]*)"')
HEADING = re.compile(r"<h1>(.*?)</h1>")
PART = {"X-Part": "1"}


@dataclass
class Seen:
    status: int
    path: str
    html: str
    headers: Any

    @property
    def h1(self) -> str:
        found = HEADING.search(self.html)
        return unescape(found[1]) if found else ""

    @property
    def form(self) -> dict[str, str]:
        return {name: unescape(value) for name, value in FIELD.findall(self.html)}

    @property
    def no(self) -> str:
        found = re.search(r'role="alert">(.*?)<', self.html)
        return unescape(found[1]) if found else ""


@dataclass
class Browser:
    made: Stall
    http: aiohttp.ClientSession
    lang: str = "en"

    async def get(self, path: str, **headers: str) -> Seen:
        headers = {"Accept-Language": self.lang} | headers
        async with self.http.get(self.made.url + path, headers=headers) as answer:
            return Seen(answer.status, answer.url.path_qs, await answer.text(), answer.headers)

    async def press(self, form: dict[str, str], **headers: str) -> Seen:
        headers = {"Accept-Language": self.lang} | headers
        async with self.http.post(f"{self.made.url}/shake", data=form, headers=headers) as answer:
            return Seen(answer.status, answer.url.path_qs, await answer.text(), answer.headers)

    async def shake(self, query: str = "") -> Seen:
        return await self.press((await self.get(f"/shake{query}")).form)


@asynccontextmanager
async def browser(
    folder: Path, *, cookies: bool = True, settings: dict[str, Any] | None = None, **shop: Any
) -> AsyncIterator[Browser]:
    shop.setdefault("shake_cooldown_s", 0.0)
    jar = aiohttp.CookieJar(unsafe=True) if cookies else aiohttp.DummyCookieJar()
    async with (
        stall(folder, shop=shop_of(**shop), **(settings or {})) as made,
        aiohttp.ClientSession(cookie_jar=jar) as http,
    ):
        yield Browser(made, http)


async def test_a_browser_shakes_and_its_result_stays(tmp_path: Path) -> None:
    async with browser(tmp_path) as phone:
        seen = await phone.shake(f"?z={phone.made.zone_code}")
        assert (seen.status, seen.h1) == (200, "A coupon for you!")
        assert seen.path.startswith("/shake/r/")
        assert "by=" not in seen.path  # the cookie says who it is
        assert seen.form["place"] == phone.made.zone_code  # once more is one press
        assert (await phone.get(seen.path)).h1 == seen.h1
        phone.lang = "zh-CN"
        assert (await phone.get(seen.path)).h1 == "送您一张优惠券！"
        coupon = re.search(r'href="(/c/[^"]+)"', seen.html)
        assert coupon
        assert "<svg" in (await phone.get(coupon[1])).html
        assert coupon[1] in (await phone.get("/wallet")).html


async def test_a_captive_browser_keeps_nothing_and_shakes_all_the_same(tmp_path: Path) -> None:
    async with browser(tmp_path, cookies=False) as phone:
        first = await phone.shake(f"?z={phone.made.zone_code}")
        assert (first.status, first.path, first.h1) == (200, "/shake", "A coupon for you!")
        second = await phone.press(first.form)
        assert second.h1 == "A coupon for you!"
        third = await phone.press(second.form)  # two a shopper: it is still the same one
        assert third.h1 == "Thanks for shaking"
        assert "already" in third.html
        go = re.search(r'href="(/shake/go/[^"]+)"', third.html)
        assert go
        assert "by=" in go[1]
        async with phone.http.get(phone.made.url + unescape(go[1]), allow_redirects=False) as gone:
            assert gone.status == 302
            assert "ticket=" in gone.headers["Location"]


async def test_a_page_without_an_address_goes_back_to_the_result(tmp_path: Path) -> None:
    async with browser(tmp_path) as phone:
        seen = await phone.shake(f"?z={phone.made.desk.zone_code('luck')}")  # type: ignore[arg-type]
        assert seen.h1 == "You won!"
        assert "/shake/go/" not in seen.html
        shake = seen.path.partition("?")[0].rpartition("/")[2]
        assert (await phone.get(f"/shake/go/{shake}")).path == f"/shake/r/{shake}"
        assert len(await phone.made.news("page.shown.v1")) == 1


async def test_only_opening_counts_as_opened_and_once(tmp_path: Path) -> None:
    async with browser(tmp_path) as phone:
        seen = await phone.shake(f"?z={phone.made.zone_code}")
        shake = seen.path.partition("?")[0].rpartition("/")[2]
        async with phone.http.head(f"{phone.made.url}/shake/go/{shake}", allow_redirects=False) as looked:
            assert looked.status == 405
        assert await phone.made.news("page.shown.v1") == []
        for _ in range(2):
            async with phone.http.get(f"{phone.made.url}/shake/go/{shake}", allow_redirects=False) as gone:
                assert gone.headers["Location"].startswith("https://shop.example/milk?from=shake&ticket=")
        assert len(await phone.made.news("page.shown.v1")) == 1


@pytest.mark.parametrize("path", ["/shake/r/none", "/shake/r/" + "0" * 32, "/shake/go/" + "0" * 32, "/shake/r/%00"])
async def test_a_shake_that_is_not_there(tmp_path: Path, path: str) -> None:
    async with browser(tmp_path) as phone:
        seen = await phone.get(path)
        assert (seen.status, seen.no) == (404, "There is no such shake")


async def test_nobody_sees_anothers_shake(tmp_path: Path) -> None:
    async with browser(tmp_path) as phone:
        seen = await phone.shake(f"?z={phone.made.zone_code}")
        phone.http.cookie_jar.clear()
        for path in (seen.path, seen.path.replace("/r/", "/go/"), f"{seen.path}&by=wallet-00.00", f"{seen.path}&by=."):
            other = await phone.get(path)
            assert (other.status, "/c/" in other.html) == (404, False)


async def test_the_kiosks_code_typed_by_hand(tmp_path: Path) -> None:
    async with browser(tmp_path) as phone:
        page = await phone.get("/shake")
        assert 'name="place" inputmode="text"' in page.html
        code = phone.made.kiosk_code
        seen = await phone.press(page.form | {"place": f"{code[:3].lower()} {code[3:]}"})
        assert seen.path.startswith("/shake/r/")
        seen = await phone.press((await phone.get("/shake")).form | {"place": "AAAAAA"})
        assert (seen.status, seen.headers["X-Shake"]) == (403, "not_here")
        assert 'name="place" inputmode="text"' in seen.html  # asked for anew
        seen = await phone.press((await phone.get("/shake")).form)
        assert (seen.status, "poster" in seen.no) == (403, True)  # not: turn Bluetooth on
        assert "Wi-Fi" not in seen.no  # it would prove nothing here, and they may be on it


async def test_the_wifi_is_named_where_it_proves_a_place(tmp_path: Path) -> None:
    wifi = {"shake": ShakeSection(cooldown_s=0, wifi_zone="door", wifi_networks=("10.0.0.0/8",))}
    async with browser(tmp_path, settings=wifi) as phone:
        seen = await phone.press((await phone.get("/shake")).form)
        assert (seen.status, "join its Wi-Fi" in seen.no) == (403, True)


async def test_the_wifi_is_proof_enough_where_the_shop_says_so(tmp_path: Path) -> None:
    wifi = {"shake": ShakeSection(cooldown_s=0, wifi_zone="door", wifi_networks=("127.0.0.0/8",))}
    async with browser(tmp_path, settings=wifi) as phone:
        page = await phone.get("/shake")
        assert "on the shop&#39;s Wi-Fi" in page.html
        assert "place" not in page.form
        assert (await phone.press(page.form)).h1 == "Here is something for you"


async def test_refusals_keep_the_place_and_say_when(tmp_path: Path) -> None:
    async with browser(tmp_path, shake_cooldown_s=30.0) as phone:
        seen = await phone.shake(f"?z={phone.made.zone_code}")
        again = await phone.press(seen.form, **PART)
        assert (again.status, again.headers["X-Shake"], again.headers["Retry-After"]) == (429, "too_soon", "30")
        assert again.form["place"] == phone.made.zone_code
        assert "<html" not in again.html
        assert again.form["nonce"] != seen.form["nonce"]


async def test_our_script_gets_what_changed_and_how_it_ended(tmp_path: Path) -> None:
    async with browser(tmp_path) as phone:
        form = (await phone.get(f"/shake?z={phone.made.zone_code}")).form
        seen = await phone.press(form | {"salt": "ab"}, **PART)
        assert (seen.status, seen.headers["X-Shake"], "<html" in seen.html) == (200, "coupon", False)
        assert 'data-said="A coupon for you! 3 yuan off milk The dairy corner"' in seen.html
        (told,) = await phone.made.news("shake.made.v1")
        assert told["salt"] == "ab"


async def test_a_lucky_word_in_any_letters_is_a_salt_that_can_be_checked(tmp_path: Path) -> None:
    async with browser(tmp_path) as phone:
        for word in ("福", "福" * 90, "13800138000 is mine", "plain-1.2_3"):
            form = (await phone.get(f"/shake?z={phone.made.zone_code}")).form
            assert (await phone.press(form | {"salt": word}, **PART)).status == 200
        salts = [str(told["salt"]) for told in await phone.made.news("shake.made.v1")]
        assert salts[:3] == [
            hashlib.sha256(word.encode()).hexdigest() for word in ("福", "福" * 64, "13800138000 is mine")
        ]
        assert salts[3] == "plain-1.2_3"


async def test_an_old_page_is_told_so_and_the_answer_carries_a_new_nonce(tmp_path: Path) -> None:
    async with browser(tmp_path) as phone:
        form = (await phone.get(f"/shake?z={phone.made.zone_code}")).form
        phone.made.hand.forward(601_000)
        seen = await phone.press(form, **PART)
        assert (seen.status, seen.headers["X-Shake"]) == (410, "nonce_unknown")
        assert (await phone.press(seen.form, **PART)).headers["X-Shake"] == "coupon"


async def test_pressed_five_times_is_one_shake(tmp_path: Path) -> None:
    async with browser(tmp_path) as phone:
        form = (await phone.get(f"/shake?z={phone.made.zone_code}")).form
        seen = await asyncio.gather(*(phone.press(form) for _ in range(5)))
        assert len({one.path for one in seen}) == 1
        assert len(await phone.made.news("shake.made.v1")) == 1


@pytest.mark.parametrize("shopper", ["", "x", "A" * 26 + "." + "0" * 32, "\ud800x", "A" * 3000])
async def test_a_form_that_is_not_ours(tmp_path: Path, shopper: str) -> None:
    async with browser(tmp_path) as phone:
        form = (await phone.get(f"/shake?z={phone.made.zone_code}")).form
        body = {name: value.encode("utf-8", "surrogatepass").decode("latin-1") for name, value in form.items()}
        seen = await phone.press(body | {"shopper": shopper.encode("utf-8", "surrogatepass").decode("latin-1")})
        assert (seen.status, await phone.made.news("shake.made.v1")) == (400, [])
        assert seen.form["shopper"] == form["shopper"]  # the next press works


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}])
async def test_another_site_may_not_press(tmp_path: Path, headers: dict[str, str]) -> None:
    async with browser(tmp_path) as phone:
        form = (await phone.get(f"/shake?z={phone.made.zone_code}")).form
        assert (await phone.press(form, **headers)).status == 403
        assert await phone.made.news("shake.made.v1") == []


async def test_what_is_asked_for_is_never_shown_as_it_came(tmp_path: Path) -> None:
    bad = '"><script>alert(1)</script>'
    page = Page(id="evil", title_zh=bad, title_en=bad, description_en=bad, icon_url="https://e.x/i")
    goods: dict[str, Any] = {"pages": {"evil": page}, "beacons": {"b": beacon("b", 1, "dairy", "evil")}}
    async with browser(tmp_path, **goods) as phone:
        seen = await phone.get("/shake?k=%22%3E%3Cscript%3E" + "x" * 300)
        assert "<script>" not in seen.html
        seen = await phone.press(seen.form | {"place": bad, "nonce": bad, "salt": bad})
        assert "<script>" not in seen.html
        seen = await phone.shake(f"?z={phone.made.zone_code}")
        assert seen.status == 200
        assert "<script>" not in seen.html
        assert "https://e.x" not in seen.html  # the browser would refuse it anyway


async def test_the_encrypted_page_is_offered_where_there_is_one(tmp_path: Path) -> None:
    listen = {"listen": ListenSection(public_url="https://s1.example.net/")}
    async with browser(tmp_path, settings=listen) as phone:
        assert 'href="https://s1.example.net/shake?k=K7WP3M"' in (await phone.get("/shake?k=K7WP3M")).html
        assert "s1.example.net" not in (await phone.get("/shake", Host="s1.example.net")).html


async def test_the_wallet_leads_here_and_here_to_the_wallet(tmp_path: Path) -> None:
    async with browser(tmp_path) as phone:
        assert 'href="/shake"' in (await phone.get("/wallet")).html
        assert 'href="/wallet"' in (await phone.get("/shake")).html


async def test_the_first_paint_is_small(tmp_path: Path) -> None:
    """What a slow phone loads before it sees the button, packed as a proxy in front would: below 14 kB."""
    async with browser(tmp_path) as phone:
        page = (await phone.get("/shake")).html.encode()
        static = resources.files("edge.web") / "static"
        styles = b"".join((static / name).read_bytes() for name in ("look.css", "guest.css", "shake.css"))
        assert len(gzip.compress(page + styles)) < 14_000
        assert len((static / "shake.js").read_bytes()) < 8_000


async def test_without_a_limit_a_page_could_be_asked_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.web.guest.booth.at_the_box", lambda _: False)
    async with browser(tmp_path) as phone:
        codes = [(await phone.get("/shake")).status for _ in range(125)]
        assert codes == [200] * 120 + [429] * 5


@pytest.mark.parametrize(
    ("icon", "shown"),
    [
        ("/shake/icons/a.png", "/shake/icons/a.png"),
        ("https://s1.example.net/shake/icons/a.png", "/shake/icons/a.png"),
        ("https://s1.example.net.evil.example/a.png", ""),
        ("https://s1.example.net//evil.example/a.png", ""),
        ("//evil.example/a.png", ""),
        ("", ""),
    ],
)
def test_only_icons_of_this_gateway_are_shown(icon: str, shown: str) -> None:
    for public_url in ("https://s1.example.net", "https://s1.example.net/"):
        assert own_path(icon, public_url) == shown
    assert own_path("https://s1.example.net/a.png", "") == ""
