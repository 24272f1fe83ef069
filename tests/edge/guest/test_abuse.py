"""Who wants more than their share: guessed ids, drained draws, other sites' names, what a link gives away."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from edge.config import ListenSection
from edge.rotation import index_of, minor_of
from edge.shop import Draw, Page
from edge.web.guest.rates import GIVEN, GUESSES
from tests.edge.coupons.given_coupons import DAY_MS, campaign
from tests.edge.guest.given_shaking import UUID, beacon, shop_of, stall
from tests.edge.guest.test_shake_api import App, app
from tests.given import NOON_MS

ROTATING = {"b-turn": msgspec.structs.replace(beacon("b-turn", 40, "dairy", "door"), rotating=True)}


@pytest.fixture(autouse=True)
def _a_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of these tests come from loopback, where nothing is limited."""
    for part in ("booth", "wallet"):
        monkeypatch.setattr(f"edge.web.guest.{part}.at_the_box", lambda _: False)


def forged(phone: App, count: int) -> list[dict[str, object]]:
    """Ids of our region that no beacon has had for a day, each another one."""
    key, epoch = phone.made.keys.beacon_key("rotation"), phone.made.hand.wall_ms // 300_000
    found: list[dict[str, object]] = []
    minor = 0
    while len(found) < count:
        minor += 1
        if all(index_of(key, epoch=epoch + shift, minor=minor) != 40 for shift in range(-289, 3)):
            found.append(phone.made.heard(minor))
    return found


def true(phone: App) -> dict[str, object]:
    epoch = phone.made.hand.wall_ms // 300_000
    minor = minor_of(phone.made.keys.beacon_key("rotation"), epoch=epoch, index=40)
    return phone.made.heard(minor)


async def test_guesses_are_bounded_by_ids_and_not_by_requests(tmp_path: Path) -> None:
    async with app(tmp_path, beacons=ROTATING) as phone:
        made_up = forged(phone, 100)
        told = [await phone.shake(*made_up) for _ in range(3)]
        assert [(status, said["error"]["code"]) for status, said, _ in told] == [
            *[(422, "forged")] * 2,
            (429, "too_many"),
        ]
        assert told[2][2]["Retry-After"] == "30"
        status, said, _ = await phone.shake(*made_up[:1], true(phone))
        assert (status, said["error"]["code"]) == (429, "too_many"), "a true one beside it proves nothing any more"
        assert (await phone.shake(true(phone)))[0] == 200
        phone.made.hand.forward(30_000)
        assert (await phone.shake(*made_up[:1]))[0] == 422
        assert (await phone.shake(*made_up[:1]))[0] == 429


async def test_a_guess_is_charged_whatever_else_is_wrong_and_whoever_asks(tmp_path: Path) -> None:
    async with app(tmp_path, beacons=ROTATING) as phone:
        made_up = forged(phone, 20)
        await phone.start()
        for nonce in ("x", "y"):
            status, said, _ = await phone.send({"nonce": nonce, "shopper": phone.shopper, "beacons": made_up})
            assert (status, said["error"]["code"]) == (410, "nonce_unknown")
        stranger = App(phone.made, phone.http)
        assert (await stranger.shake(made_up[0]))[0] == 429


async def test_a_phone_beside_fakes_and_strangers_gets_in(tmp_path: Path) -> None:
    async with app(tmp_path, beacons=ROTATING) as phone:
        strangers = [{"uuid": UUID, "major": 7, "minor": minor, "accuracy": 0.1} for minor in range(90)]
        fakes = forged(phone, 3)
        for _ in range(GUESSES.burst // 3):
            status, said, _ = await phone.shake(*strangers, *fakes, true(phone))
            assert (status, said["beacon"]) == (200, "b-turn")
        for _ in range(20):
            assert (await phone.shake(*strangers, true(phone)))[0] == 200, "strangers' ids cost nothing"
            phone.made.hand.forward(2000)


def plenty(**changes: object) -> dict[str, Any]:
    """A draw that anybody wins at every shake."""
    draw = Draw(
        id="luck",
        name_zh="抽奖",
        name_en="Draw",
        starts_ms=NOON_MS - DAY_MS,
        ends_ms=NOON_MS + DAY_MS,
        prizes=shop_of().draws["luck"].prizes,
        wins_per_shopper=0,
    )
    prize = campaign(id="egg", name_zh="茶叶蛋", name_en="A tea egg", per_member=0)
    mine = campaign(name_zh="牛奶", name_en="Milk", per_member=0)
    return {"shake_cooldown_s": 0.0, "draws": {"luck": draw}, "campaigns": {"egg": prize, "milk": mine}, **changes}


async def fresh(phone: App) -> App:
    return App(phone.made, phone.http)


async def drained(phone: App, count: int, **more: object) -> list[int]:
    """Fresh identities, one after the other."""
    codes = []
    for _ in range(count):
        each = await fresh(phone)
        status, _, _ = await each.shake(phone.made.heard(3), **more)
        codes.append(status)
    return codes


async def big(tmp_path: Path) -> Any:
    return stall(tmp_path, shop=shop_of(**plenty()), units=100)


async def test_one_phone_does_not_drain_a_draw_with_fresh_identities(tmp_path: Path) -> None:
    jar = aiohttp.DummyCookieJar()
    async with await big(tmp_path) as made, aiohttp.ClientSession(cookie_jar=jar) as http:
        phone = App(made, http)
        codes = await drained(phone, GIVEN.burst + 5)
        assert codes == [200] * GIVEN.burst + [429] * 5
        assert len(await made.news("draw.won.v1")) == GIVEN.burst
        shakes = len(await made.news("shake.made.v1"))
        assert shakes == GIVEN.burst, "refused before the rules: no try was used up"
        assert (await (await fresh(phone)).shake(made.heard(2)))[0] == 200, "a page without a coupon is still shown"
        made.hand.forward(int(GIVEN.each_s * 1000))
        assert await drained(phone, 2) == [200, 429]


async def test_wallet_and_shake_share_what_one_address_is_given(tmp_path: Path) -> None:
    async with await big(tmp_path) as made, aiohttp.ClientSession() as http:
        phone = App(made, http)
        await drained(phone, GIVEN.burst)
        async with http.post(f"{made.url}/wallet/claim", data={}, allow_redirects=False) as answer:
            assert answer.status == 429


async def test_lost_shakes_and_repeats_are_not_charged(tmp_path: Path) -> None:
    jar = aiohttp.DummyCookieJar()
    lost = Draw(id="luck", name_zh="抽", name_en="Draw", starts_ms=NOON_MS - DAY_MS, ends_ms=NOON_MS + DAY_MS)
    of = shop_of(**plenty(draws={"luck": lost}))
    async with stall(tmp_path, shop=of, units=100) as made, aiohttp.ClientSession(cookie_jar=jar) as http:
        phone = App(made, http)
        assert set(await drained(phone, GIVEN.burst + 10)) == {200}
        nonce, shopper = (await phone.start())["nonce"], phone.shopper
        made.hand.forward(60_000)
        body = {"nonce": nonce, "shopper": shopper, "beacons": [made.heard(1)]}
        for _ in range(15):
            assert (await phone.send(body))[0] == 200
        codes = []
        for _ in range(GIVEN.burst):
            made.hand.forward(2000)  # the shakes' own rate
            status, _, _ = await (await fresh(phone)).shake(made.heard(1))
            codes.append(status)
        assert codes.count(200) >= GIVEN.burst - 1
        status, said, _ = await phone.send(body)
        assert (status, said["outcome"]) == (200, "coupon"), "an answer that got lost is told, whatever the rate"


async def test_many_at_once_are_no_way_round(tmp_path: Path) -> None:
    jar = aiohttp.DummyCookieJar()
    async with await big(tmp_path) as made, aiohttp.ClientSession(cookie_jar=jar) as http:

        async def one() -> int:
            return (await App(made, http).shake(made.heard(3)))[0]

        codes = await asyncio.gather(*(one() for _ in range(50)))
        assert codes.count(200) == GIVEN.burst


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("s1.example.net", 200),
        ("S1.example.net:443", 200),
        ("192.168.8.1:8080", 200),
        ("[fd00::1]:8080", 200),
        ("localhost", 200),
    ],
)
async def test_another_name_gets_pages_but_may_not_shake(tmp_path: Path, host: str, status: int) -> None:
    listen = ListenSection(public_url="https://s1.example.net")
    async with stall(tmp_path, listen=listen) as made, aiohttp.ClientSession() as http:
        headers = {"Host": host, "Accept-Language": "en"}
        for path in ("/shake", "/wallet", "/shake/v1/start"):
            async with http.get(made.url + path, headers=headers) as answer:
                assert answer.status == 200
                said = await answer.text()
        start = msgspec.json.decode(said)
        body = {"nonce": start["nonce"], "shopper": start["shopper"], "beacons": [made.heard(1)]}
        async with http.post(f"{made.url}/shake/v1/shakes", json=body, headers=headers) as answer:
            assert answer.status == status
        async with http.post(f"{made.url}/wallet/claim", data={}, headers=headers, allow_redirects=False) as answer:
            assert answer.status == (421 if status == 421 else 303)


async def test_two_links_of_one_shopper_can_not_be_matched(tmp_path: Path) -> None:
    async with app(tmp_path) as phone:
        links = [(await phone.shake(phone.made.heard(1)))[1]["page"]["url"] for _ in range(2)]
        passes = [link.partition("?by=")[2] for link in links]
        holder = phone.made.keys.holder("wallet", phone.shopper.partition(".")[0])
        assert len(set(passes)) == 2
        for each in passes:
            assert not {part for part in holder.split("-") if len(part) > 6} & set(each.replace(".", "-").split("-"))
            assert holder not in each
        assert not any(passes[0][at : at + 8] in passes[1] for at in range(len(passes[0]) - 8))
        for wrong in ("", ".", "0", passes[1], passes[0][:-1], passes[0] + "0", "%ED%A0%80"):
            async with phone.http.get(links[0].partition("?")[0] + f"?by={wrong}", allow_redirects=False) as answer:
                assert answer.status == 404, wrong


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/a?sig=a%2Bb%2F%3D+%27&x=a+b",
        "https://shop.example/a%2Fb/%7E?u=https%3A%2F%2Fx#/p?z",
        "https://shop.example?",
        "https://SHOP.example/%zz?a=%",
        "/wallet?x=%7E",
    ],
)
async def test_a_pages_address_is_kept_byte_for_byte(tmp_path: Path, url: str) -> None:
    pages = {"one": Page(id="one", title_zh="一", title_en="One", page_url=url)}
    async with app(tmp_path, pages=pages, beacons={"b": beacon("b", 1, "dairy", "one")}) as phone:
        _, said, _ = await phone.shake(phone.made.heard(1))
        async with phone.http.get(said["page"]["url"], allow_redirects=False) as gone:
            where = gone.headers["Location"]
            assert gone.status == 302
        before, _, fragment = url.partition("#")
        whole, _, ticket = where.partition("#")[0].rpartition("ticket=")
        assert whole.rstrip("?&") == before.rstrip("?")
        assert len(ticket) == 32
        assert where.partition("#")[2] == fragment


async def test_an_address_beyond_ascii_is_written_as_browsers_do(tmp_path: Path) -> None:
    pages = {"one": Page(id="one", title_zh="一", title_en="One", page_url="https://münchen.de:8443/ü?ü=%7Eü#ü")}
    async with app(tmp_path, pages=pages, beacons={"b": beacon("b", 1, "dairy", "one")}) as phone:
        _, said, _ = await phone.shake(phone.made.heard(1))
        async with phone.http.get(said["page"]["url"], allow_redirects=False) as gone:
            where = gone.headers["Location"]
        assert where.startswith("https://xn--mnchen-3ya.de:8443/%C3%BC?%C3%BC=%7E%C3%BC&ticket=")
        assert where.endswith("#%C3%BC")


@pytest.mark.parametrize("salt", ["盐", "a b", "<x>", "a\n", "a/b"])
async def test_what_goes_to_the_cloud_is_no_free_text(tmp_path: Path, salt: str) -> None:
    async with app(tmp_path) as phone:
        status, said, _ = await phone.shake(phone.made.heard(1), salt=salt)
        assert (status, said["error"]["code"]) == (400, "bad_request")
        assert "salt" in said["error"]["message"]
