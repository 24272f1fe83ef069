"""The wallet over real HTTP: take a coupon, show it, be refused kindly; hostile guests get nowhere."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from pathlib import Path

import aiohttp
import pytest

from edge.ids import StationId
from edge.shop import Campaign, CouponKind
from edge.web.guest import faces
from edge.web.guest.rates import Rate
from tests.edge.coupons.given_coupons import DAY_MS, campaign
from tests.edge.coupons.given_desk import Counter, counter
from tests.edge.coupons.given_guest import guest_listener
from tests.given import NOON_MS

TILL = StationId("till-1")
FIELD = re.compile(r'name="(campaign|got|tag)" value="([^"]*)"')


class Phone:
    """A browser: keeps cookies, follows redirects, presses buttons."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url

    async def get(self, path: str, lang: str = "en") -> tuple[int, str]:
        async with self.http.get(self.url + path, headers={"Accept-Language": lang}) as answer:
            return answer.status, await answer.text()

    async def post(self, **fields: str) -> tuple[int, str, str]:
        async with self.http.post(f"{self.url}/wallet/claim", data=fields) as answer:
            return answer.status, answer.url.path, await answer.text()

    async def form(self) -> dict[str, str]:
        """The first offer's fields."""
        return dict(FIELD.findall((await self.get("/wallet"))[1])[:3])


@asynccontextmanager
async def guest(folder: Path, *campaigns: Campaign, units: int = 10) -> AsyncIterator[tuple[Counter, Phone]]:
    async with guest_listener(folder, *campaigns, units=units) as (made, bound):
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as http:
            yield made, Phone(http, bound.url)


async def test_a_shopper_takes_a_coupon_and_the_till_takes_it(tmp_path: Path) -> None:
    async with guest(tmp_path) as (made, phone):
        status, page = await phone.get("/wallet")
        assert status == 200
        assert "3 yuan off milk" in page
        assert "No coupons yet" in page
        status, path, page = await phone.post(**await phone.form())
        assert (status, path[:3], len(path)) == (200, "/c/", 155)
        assert "<svg" in page
        held = await made.desk.redeem(path[3:], till=TILL, receipt="1", value_fen=300)
        assert type(held).__name__ == "Redeemed"
        _, page = await phone.get(path)
        assert "<svg" not in page
        assert "till-1" in page
        _, page = await phone.get("/wallet", lang="zh-CN")
        assert "用过和过期的（1）" in page


async def test_pressed_twice_is_one_coupon_and_the_limit_is_told_in_words(tmp_path: Path) -> None:
    async with guest(tmp_path, campaign(per_member=1)) as (made, phone):
        form = await phone.form()
        paths = {path for _, path, _ in await asyncio.gather(*(phone.post(**form) for _ in range(5)))}
        assert len(paths) == 1
        report = await made.desk.ledger()
        assert report.campaigns[0].units["outstanding"] == 1
        _, path, page = await phone.post(**(form | {"got": "1"}))
        assert path == "/wallet"
        assert "您已领过此券" in page


async def test_without_cookies_the_page_says_so(tmp_path: Path) -> None:
    async with guest(tmp_path) as (_, phone):
        form = await phone.form()
        phone.http.cookie_jar.clear()
        status, path, page = await phone.post(**form)
        assert (status, path) == (200, "/wallet")
        assert "浏览器没有保存卡包" in page


@pytest.mark.parametrize(
    "change",
    [{"tag": "0" * 32}, {"tag": ""}, {"got": "-1"}, {"got": "9" * 9}, {"got": "x"}],
)
async def test_a_form_that_is_not_ours_is_refused(tmp_path: Path, change: dict[str, str]) -> None:
    async with guest(tmp_path) as (made, phone):
        status, _, _ = await phone.post(**(await phone.form() | change))
        assert status in {400, 403}
        assert (await made.desk.ledger()).campaigns[0].units.get("outstanding", 0) == 0


async def test_hostile_claims_change_nothing(tmp_path: Path) -> None:
    staff = campaign(id="staff", self_serve=False)
    async with guest(tmp_path, campaign(), staff) as (made, phone):
        form = await phone.form()
        for name in ("staff", "none", "", "x" * 500, "<script>", "'; DROP TABLE coupon; --"):
            _, path, page = await phone.post(**(form | {"campaign": name}))
            assert path == "/wallet"
            assert "<script" not in page
        async with phone.http.post(f"{phone.url}/wallet/claim", data=b"a" * 5000) as answer:
            assert answer.status == 413
        async with phone.http.post(f"{phone.url}/wallet/claim", data=b"&".join([b"a=b"] * 50)) as answer:
            assert answer.status == 400
        assert (await made.desk.ledger()).entries == 4


@pytest.mark.parametrize("cookie", ["", "x", "A" * 26 + "." + "0" * 32, "A" * 4000])
async def test_a_cookie_we_did_not_sign_is_a_new_shopper(tmp_path: Path, cookie: str) -> None:
    async with guest(tmp_path) as (_, phone):
        await phone.post(**await phone.form())
        phone.http.cookie_jar.clear()
        headers = {"Cookie": f"wallet={cookie}"}
        async with phone.http.get(f"{phone.url}/wallet", headers=headers) as answer:
            assert "还没有优惠券" in await answer.text()
            kept = answer.cookies["wallet"]
        assert kept["httponly"]
        assert kept["samesite"] == "Lax"
        assert len(kept.value) == 59


async def test_a_bad_token_gets_a_friendly_page_with_the_reason(tmp_path: Path) -> None:
    async with counter(tmp_path / "other") as other, guest(tmp_path / "here") as (made, phone):
        token = await made.token()
        forged = token[:60] + ("A" if token[60] != "A" else "B") + token[61:]
        cases = ((await other.token(), 403, "only in the shop"), (forged, 422, "signature"), ("A" * 152, 422, "not a"))
        for text, expected, words in cases:
            status, page = await phone.get(f"/c/{text}")
            assert status == expected
            assert words in page
            assert "Open the wallet" in page
        assert (await phone.get(f"/c/{token.lower()}"))[0] == 200
        assert (await phone.get("/c/" + "A" * 3000))[0] == 422


async def test_an_expired_coupon_says_since_when(tmp_path: Path) -> None:
    async with guest(tmp_path) as (made, phone):
        token = await made.token()
        await made.tick(31 * DAY_MS)
        status, page = await phone.get(f"/c/{token}")
        assert status == 200
        assert "Expired on 2026-12-18" in page
        assert "<svg" not in page


async def test_pages_stand_on_their_own(tmp_path: Path) -> None:
    """No script, no inline style, each control named, both languages of everything."""
    async with guest(tmp_path) as (_, phone):
        _, path, _ = await phone.post(**await phone.form())
        titles = {"zh-CN": ["卡包", "牛奶减三元", "这张券用不了", "抱歉"]}
        titles["en"] = ["Wallet", "3 yuan off milk", "This coupon can't be used", "Sorry"]
        for lang in ("zh-CN", "en"):
            for where, title in zip(("/wallet", path, "/c/AAAA", "/none"), titles[lang], strict=True):
                _, page = await phone.get(where, lang)
                assert f'<html lang="{lang}"' in page
                assert f"<title>{html.escape(title)}</title>".replace("&#x27;", "&#39;") in page
                assert not re.search(r"<script|\sstyle=|\son\w+=|guest\.(?!css)\w+", page)
                HTMLParser().feed(page)


async def test_a_language_once_chosen_stays(tmp_path: Path) -> None:
    async with guest(tmp_path) as (_, phone):
        assert 'lang="en"' in (await phone.get("/wallet?lang=en", "zh-CN"))[1]
        form = await phone.form()
        _, path, page = await phone.post(**form)
        assert "Show this code at the till" in page
        for where in ("/wallet", path, "/c/AAAA", "/none", "/wallet?no=used"):
            assert '<html lang="en"' in (await phone.get(where, "zh-CN"))[1], where
        assert '<html lang="zh-CN"' in (await phone.get(f"{path}?lang=zh-CN", "en"))[1]
        assert '<html lang="zh-CN"' in (await phone.get("/wallet", "en"))[1]


async def test_the_bare_address_and_every_error_lead_to_the_wallet(tmp_path: Path) -> None:
    async with guest(tmp_path) as (_, phone):
        async with phone.http.get(f"{phone.url}/") as answer:
            assert (answer.status, answer.url.path) == (200, "/wallet")
        assert 'href="/"' in (await phone.get("/none"))[1]
        _, _, page = await phone.post(**(await phone.form() | {"tag": "0"}))
        assert "lang=" not in page.partition("<main")[2]  # nobody can switch the language of a form that was sent


def test_worth_is_one_figure_in_the_way_people_say_it() -> None:
    def say(lang: str, **changes: object) -> str:
        return "".join(faces.worth(campaign(**changes), lang))

    assert (say("zh-CN", value=350), say("en", value=300)) == ("¥3.5", "¥3off")
    discount = CouponKind.DISCOUNT
    assert say("zh-CN", kind=discount, value=200) == "8折"
    assert say("zh-CN", kind=discount, value=150) == "8.5折"
    assert say("en", kind=discount, value=125) == "12.5%off"
    assert say("zh-CN", kind=discount, value=1000) == "免单"
    assert say("zh-CN", kind=CouponKind.PARKING, value=120) == "120分钟停车"
    assert faces.grouped("ABCDEFGHIJ") == "ABCD EFGH IJ"


def test_a_rate_lets_a_burst_through_and_then_one_at_a_time() -> None:
    rate = Rate(burst=3, each_s=10)
    assert [rate.take("a", monotonic_ms=0) for _ in range(5)] == [True, True, True, False, False]
    assert rate.take("b", monotonic_ms=0)
    assert rate.take("a", monotonic_ms=10_000)
    assert not rate.take("a", monotonic_ms=10_000)
    assert all(rate.take("a", monotonic_ms=NOON_MS) for _ in range(3))
    for n in range(20_000):
        rate.take(str(n), monotonic_ms=0)
    assert len(rate._free_at_ms) == 10_000
