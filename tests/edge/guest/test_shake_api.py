"""The shake API over real HTTP, as mini-programs, apps and strangers call it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge import chance
from edge.coupon_answers import Shown
from edge.shake_answers import Exchanged, ShakeWhy
from edge.web.guest.booth import STATUS
from edge.web.guest.shake_api import MAX_BODY
from tests.edge.guest.given_shaking import UUID, Stall, shop_of, stall


@dataclass
class App:
    """A mini-program or an app: no cookies, no Origin."""

    made: Stall
    http: aiohttp.ClientSession
    shopper: str = ""

    async def start(self) -> dict[str, Any]:
        async with self.http.get(f"{self.made.url}/shake/v1/start") as answer:
            assert answer.status == 200
            said: dict[str, Any] = await answer.json()
        self.shopper = self.shopper or said["shopper"]
        return said

    async def send(self, body: object, **headers: str) -> tuple[int, dict[str, Any], Any]:
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = {"Accept-Language": "en"} | headers
        async with self.http.post(f"{self.made.url}/shake/v1/shakes", data=raw, headers=headers) as answer:
            assert answer.content_type == "application/json"
            return answer.status, await answer.json(), answer.headers

    async def shake(self, *beacons: dict[str, object], **more: object) -> tuple[int, dict[str, Any], Any]:
        nonce = (await self.start())["nonce"]
        body = {"nonce": nonce, "salt": "abc", "shopper": self.shopper, "beacons": beacons}
        return await self.send(body | more)


@asynccontextmanager
async def app(folder: Path, **shop: Any) -> AsyncIterator[App]:
    shop.setdefault("shake_cooldown_s", 0.0)
    jar = aiohttp.DummyCookieJar()
    async with stall(folder, shop=shop_of(**shop)) as made, aiohttp.ClientSession(cookie_jar=jar) as http:
        yield App(made, http)


async def test_a_phone_hears_what_it_needs_before_it_shakes(tmp_path: Path) -> None:
    async with app(tmp_path) as phone:
        said = await phone.start()
        assert set(said) == {"nonce", "commit", "uuids", "to_ms", "shopper"}
        assert said["uuids"] == [UUID]
        assert len(said["commit"]) == 64
        assert said["to_ms"] == phone.made.hand.wall_ms + 600_000


async def test_the_nearest_beacon_wins_and_its_coupon_is_good(tmp_path: Path) -> None:
    async with app(tmp_path) as phone:
        here = phone.made
        status, said, _ = await phone.shake(here.heard(2, accuracy=9.0), here.heard(1, accuracy=0.8))
        assert status == 200
        assert (said["outcome"], said["beacon"], said["zone"]) == ("coupon", "b-dairy", "dairy")
        assert said["words"] == "A coupon for you!"
        assert said["page"]["title"] == "The dairy corner"
        assert said["page"]["description"].startswith("Fresh")
        assert said["ticket_to_ms"] == here.hand.wall_ms + 1_800_000
        coupon = said["coupon"]
        assert (coupon["name"], coupon["worth"]) == ("3 yuan off milk", "¥3 off")
        assert coupon["link"] == f"{here.url}/c/{coupon['token']}"
        assert isinstance(await here.coupons.show(coupon["token"]), Shown)
        async with phone.http.get(coupon["link"]) as page:
            assert "<svg" in await page.text()


async def test_the_pages_link_leads_on_with_a_ticket_and_without_a_cookie(tmp_path: Path) -> None:
    async with app(tmp_path) as phone:
        here = phone.made
        _, said, _ = await phone.shake(here.heard(1))
        async with phone.http.get(said["page"]["url"], allow_redirects=False) as gone:
            assert gone.status == 302
            where = gone.headers["Location"]
        assert where.startswith("https://shop.example/milk?from=shake&ticket=")
        found = await here.desk.exchange(where.rpartition("=")[2])
        assert isinstance(found, Exchanged)
        assert (found.page, found.beacon, found.distance_m) == ("milk", "b-dairy", 1.25)
        assert found.shopper == here.keys.holder("wallet", phone.shopper.partition(".")[0])
        # a link for one shake is good for no other, nor for who changes it
        for wrong in (said["page"]["url"] + "0", said["page"]["url"].replace("?by=", "?by=0")):
            async with phone.http.get(wrong, allow_redirects=False) as refused:
                assert refused.status == 404


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ({"id1": UUID.lower(), "id2": "10001", "id3": "3", "distance": 2.5, "rssi": -70}, "won"),
        ({"uuid": UUID, "major": 10001, "minor": 3, "proximity": "far", "accuracy": -1, "rssi": 0}, "won"),
        ({"uuid": UUID, "major": "10001", "minor": "2", "proximity": 0, "accuracy": "3.1", "rssi": "-80"}, "page"),
    ],
)
async def test_android_ios_and_texts_for_numbers(tmp_path: Path, shape: dict[str, object], expected: str) -> None:
    async with app(tmp_path) as phone:
        status, said, _ = await phone.shake(shape)
        assert (status, said["outcome"]) == (200, expected)


async def test_a_code_does_where_no_beacon_is_heard(tmp_path: Path) -> None:
    async with app(tmp_path) as phone:
        status, said, _ = await phone.shake(place=phone.made.zone_code)
        assert (status, said["zone"], said["beacon"]) == (200, "dairy", None)
        status, said, _ = await phone.shake(place=f" {phone.made.kiosk_code.lower()} ")
        assert status == 200
        status, said, _ = await phone.shake(place="AAAAAA")
        assert (status, said["error"]["code"]) == (403, "not_here")


async def test_a_page_of_ours_and_its_icon_are_whole_links(tmp_path: Path) -> None:
    async with app(tmp_path) as phone:
        _, said, _ = await phone.shake(phone.made.heard(2))
        assert said["coupon"] is None
        assert said["page"]["icon"] == f"{phone.made.url}/static/icon.svg"
        _, said, _ = await phone.shake(phone.made.heard(3))
        assert said["page"]["icon"] == ""
        async with phone.http.get(said["page"]["url"]) as seen:  # it has no address: our own result page is it
            assert "/shake/r/" in said["page"]["url"]
            assert (seen.status, "恭喜" in await seen.text()) == (200, True)


async def test_lost_and_empty_are_told_in_words(tmp_path: Path) -> None:
    async with app(tmp_path, chance_ppm=0) as phone:
        _, said, _ = await phone.shake(phone.made.heard(3))
        assert (said["outcome"], said["why_empty"], said["coupon"]) == ("lost", None, None)
        assert said["words"].startswith("No luck")
        _, said, _ = await phone.shake(phone.made.heard(1))
        _, said, _ = await phone.shake(phone.made.heard(1))
        _, said, _ = await phone.shake(phone.made.heard(1))  # two a shopper
        assert (said["outcome"], said["why_empty"]) == ("empty", "limit_reached")
        assert "already" in said["words"]


async def test_a_repeat_hears_the_same(tmp_path: Path) -> None:
    async with app(tmp_path) as phone:
        nonce = (await phone.start())["nonce"]
        body = {"nonce": nonce, "shopper": phone.shopper, "beacons": [phone.made.heard(1)]}
        first, again = await phone.send(body), await phone.send(body)
        assert first[:2] == again[:2]
        stranger = App(phone.made, phone.http)
        await stranger.start()
        status, said, _ = await stranger.send(body | {"shopper": stranger.shopper})
        assert (status, said["error"]["code"]) == (409, "replayed")


async def test_refusals_say_when_to_come_again(tmp_path: Path) -> None:
    async with app(tmp_path, shake_cooldown_s=30.0) as phone:
        here = phone.made
        assert (await phone.shake(here.heard(1)))[0] == 200
        here.hand.forward(10_400)
        status, said, headers = await phone.shake(here.heard(1))
        assert (status, said["error"]["code"], headers["Retry-After"]) == (429, "too_soon", "20")
        error = said["error"]
        assert error["again_ms"] == here.hand.wall_ms + 19_600
        assert error["words"] == error["message"] != error["message_zh"]
        _, said, _ = await phone.send({"nonce": "x", "shopper": phone.shopper}, **{"Accept-Language": "zh-CN"})
        assert said["error"]["words"] == said["error"]["message_zh"]


async def test_each_reason_has_a_status() -> None:
    assert set(STATUS) == set(ShakeWhy)


async def test_an_old_nonce_is_told(tmp_path: Path) -> None:
    async with app(tmp_path) as phone:
        nonce = (await phone.start())["nonce"]
        phone.made.hand.forward(601_000)
        status, said, _ = await phone.send({"nonce": nonce, "shopper": phone.shopper})
        assert (status, said["error"]["code"]) == (410, "nonce_unknown")


@pytest.mark.parametrize("shopper", ["", "x", "A" * 26 + "." + "0" * 32])
async def test_a_shopper_must_be_one_of_ours(tmp_path: Path, shopper: str) -> None:
    async with app(tmp_path) as phone:
        status, said, _ = await phone.shake(phone.made.heard(1), shopper=shopper)
        assert (status, said["error"]["code"]) == (400, "bad_shopper")


async def test_a_browser_is_known_by_its_cookie(tmp_path: Path) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with stall(tmp_path, shop=shop_of()) as made, aiohttp.ClientSession(cookie_jar=jar) as http:
        phone = App(made, http)
        first, second = await phone.start(), await phone.start()
        assert first["shopper"] == second["shopper"]
        status, said, _ = await phone.shake(made.heard(1), shopper="")
        assert status == 200
        async with http.get(f"{made.url}/wallet") as wallet:
            assert said["coupon"]["token"] in await wallet.text()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Referer": "https://servicewechat.com/wx0123456789abcdef/1/page-frame.html"}, 200),  # a mini-program's own
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_other_sites_may_not_shake_for_somebody(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    async with app(tmp_path) as phone:
        nonce = (await phone.start())["nonce"]
        body = {"nonce": nonce, "shopper": phone.shopper, "beacons": [phone.made.heard(1)]}
        assert (await phone.send(body, **headers))[0] == status


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "wrong"),
        (b"[]", "object"),
        (b"{", "wrong"),
        (b'{"nonce": "\xff"}', "wrong"),
        (b'{"salt": ""}', "nonce"),
        (b'{"nonce": 5}', "nonce"),
        (b'{"nonce": "n", "salt": "' + b"s" * 65 + b'"}', "salt"),
        (b'{"nonce": "n", "place": "' + b"s" * 81 + b'"}', "place"),
        (b'{"nonce": "n", "beacons": {}}', "beacons"),
        (b'{"nonce": "n", "beacons": [1]}', "beacons[0]"),
        (b'{"nonce": "n", "beacons": [' + b'{"uuid":"","major":1,"minor":1},' * 100 + b"{}]}", "at most 100"),
        (b'{"nonce": "n", "beacons": [{"uuid": "%b", "major": 1}]}' % UUID.encode(), "beacons[0].minor"),
        (b"[" * 20_000, "wrong"),
    ],
)
async def test_one_clear_error_for_a_wrong_body(tmp_path: Path, body: bytes, words: str) -> None:
    async with app(tmp_path) as phone:
        status, said, _ = await phone.send(body)
        assert (status, said["error"]["code"]) == (400, "bad_request")
        assert words in said["error"]["message"]
        assert len(said["error"]["message"]) < 300


async def test_a_body_has_an_end(tmp_path: Path) -> None:
    async with app(tmp_path) as phone:
        status, said, _ = await phone.send(b" " * (MAX_BODY + 1))
        assert (status, said["error"]["code"]) == (413, "too_large")


async def test_the_most_that_a_phone_ranges_fits(tmp_path: Path) -> None:
    async with app(tmp_path) as phone:
        many = [phone.made.heard(n, accuracy=1.2345678901234567, extra="x" * 40) for n in range(100)]
        assert (await phone.shake(*many))[0] == 200


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
bodies = st.binary(max_size=200) | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("nonce", "salt", "shopper", "beacons", "place"), json)
)


async def test_hostile_bodies_are_refused_and_change_nothing(tmp_path: Path) -> None:
    async with app(tmp_path) as phone:
        shopper = (await phone.start())["shopper"]

        sent: list[bytes] = []

        @settings(max_examples=150, database=None, suppress_health_check=list(HealthCheck), deadline=None)
        @given(bodies)
        def collect(body: object) -> None:
            if isinstance(body, dict):
                body.setdefault("shopper", shopper)
            sent.append(body if isinstance(body, bytes) else msgspec.json.encode(body))

        collect()
        for body in sent:
            status, said, _ = await phone.send(body)
            assert 400 <= status < 500, body
            assert said["error"]["code"] in {"bad_request", "bad_shopper", "nonce_unknown"}
        assert (await phone.made.coupons.ledger()).entries == 4  # the two grants' own


async def test_guessing_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.web.guest.booth.at_the_box", lambda _: False)
    async with app(tmp_path) as phone:
        nonce = (await phone.start())["nonce"]
        codes = []
        for _ in range(25):
            status, _, headers = await phone.send({"nonce": nonce, "shopper": phone.shopper, "place": "AAAAAA"})
            codes.append(status)
        assert codes == [403] * 20 + [429] * 5
        assert headers["Retry-After"] == "2"
        for _ in range(60):  # a new shopper each time is no way round
            stranger = App(phone.made, phone.http)
            await stranger.start()
            status, said, _ = await stranger.send({"nonce": nonce, "shopper": stranger.shopper})
        assert (status, said["error"]["code"]) == (429, "too_many")


async def test_an_auditor_computes_the_draw_again(tmp_path: Path) -> None:
    async with app(tmp_path, chance_ppm=500_000) as phone:
        said = await phone.start()
        body = {"nonce": said["nonce"], "salt": "lucky", "shopper": phone.shopper, "beacons": [phone.made.heard(3)]}
        _, answer, _ = await phone.send(body)
        (told,) = await phone.made.news("shake.made.v1")
        secret = bytes.fromhex(str(told["secret"]))
        assert chance.commit_of(secret) == said["commit"]
        seed = chance.seed_of(secret, "lucky")
        assert (answer["outcome"] == "won") == (chance.roll(seed, "draw/luck", 1_000_000) < 500_000)
