"""In by WeChat: the protocol to the letter, and everything that a phone on the network may try instead."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.access_answers import AccessRefusal, AccessWhy, Admitted, Way
from edge.checked import Secret
from edge.cloud_asks import Done, RefusedByCloud, WechatClaimed
from edge.config_wifi import WechatSection
from edge.errors import JournalRefusedError, Refusal
from edge.portal.asks import Guest, Step
from edge.portal.ways import app_login, wechat
from edge.portal.ways.app_login import EXTEND_CHARS, OPEN_S, AppLogin
from edge.shop import Portal
from tests.edge.portal.ways.given_ways import Cloud, Shop, keys, phone
from tests.edge.portal.ways.given_wechat import SECRET, Wechat
from tests.given import HandClock

SECTION = WechatSection(
    app_id="wx1b2c3d4e5f607182", shop_id="819052", ssid="好喝茶铺 & Co", secret_key=Secret(SECRET), pass_s=90
)
FORM = {"token": "t", "consent": "cn/3", "marketing": "yes", "way": "wechat"}
AUTH_URL = "http://10.64.0.1/portal/app/wechat"


class Given:
    def __init__(self, section: WechatSection = SECTION) -> None:
        self.cloud = Cloud()
        self.hand = HandClock()
        self.keys = keys()
        app = wechat.Wechat(section, auth_url=AUTH_URL, clock=self.hand.clock)
        self.login = AppLogin(app, asks=self.cloud, keys=self.keys, clock=self.hand.clock)
        self.desk = Shop(self.login)
        self.guest = self.desk.join(phone(1))
        self.app = Wechat()

    async def page(self, guest: Guest | None = None) -> Mapping[str, str]:
        step = await self.desk.enter(Way.WECHAT, guest or self.guest, FORM)
        assert isinstance(step, Step)
        return step.fields

    async def calls(self, query: Mapping[str, str], guest: Guest | None = None) -> Admitted | AccessRefusal:
        return await self.login.called(self.desk, ((guest or self.guest).address, 40_000), query)

    async def logs_in(self) -> Admitted | AccessRefusal:
        return await self.calls(self.app.through(await self.page()).query)


@pytest.fixture
def shop() -> Given:
    return Given()


def why(answer: Admitted | AccessRefusal) -> AccessWhy | None:
    return answer.why if isinstance(answer, AccessRefusal) else None


# --- the protocol ----------------------------------------------------------------------------------------


VECTOR = {
    "appId": "wx1b2c3d4e5f607182",
    "extend": "94a0b1c2d3e4f5060718295a",
    "timestamp": "1795000000000",
    "shopId": "819052",
    "authUrl": "http://10.64.0.1/portal/app/wechat",
    "mac": "3c:91:57:c2:cc:af",
    "ssid": "Free Wi-Fi",
}


def test_the_signature() -> None:
    """Against md5sum(1) over the concatenation."""
    assert wechat.sign(VECTOR, secret_key=SECRET) == "72bac56ace961902ca5a40f63d9b3f78"
    assert wechat.sign(VECTOR | {"ssid": "好喝茶铺"}, secret_key=SECRET) == "bdc5f789c1796efb988241d5efd73b2f"
    older = VECTOR | {"bssid": "00:a0:b1:4c:a1:c5"}
    assert wechat.sign(older, secret_key=SECRET) == "fd9bca705fef472572432dd6cda1945e"


async def test_a_phone_s_way_in(shop: Given) -> None:
    step = await shop.desk.enter(Way.WECHAT, shop.guest, FORM)
    assert isinstance(step, Step)
    assert (step.part, step.pass_s) == ("wechat", 90)
    assert step.fields["mac"] == "02:00:00:00:00:01"
    call = shop.app.through(step.fields)
    assert call.url == AUTH_URL
    assert call.query["extend"].isalnum()
    assert call.query["extend"].isascii()
    assert len(call.query["extend"]) <= 300
    answer = await shop.calls(call.query)
    assert isinstance(answer, Admitted)
    guest, holder = shop.desk.let_in[answer.session]
    assert guest == shop.guest
    assert holder == shop.keys.holder("wechat", shop.app.open_id)
    assert shop.desk.forms[-1] == FORM  # with the consent that was given on the page
    assert shop.cloud.asked == [WechatClaimed(open_id=shop.app.open_id, tid="3f0a" * 8, shop_id="819052")]


async def test_the_secret_stays_here(shop: Given) -> None:
    fields = await shop.page()
    assert SECRET not in repr(fields)
    assert SECRET not in repr(SECTION)


async def test_another_secret_is_found_out_by_wechat(shop: Given) -> None:
    assert not Wechat(secret="other").jsonp((await shop.page())["call"])["success"]


async def test_tapping_twice_is_no_harm(shop: Given) -> None:
    first = await shop.page()
    assert (await shop.page())["extend"] == first["extend"]
    shop.hand.forward(OPEN_S * 500)
    later = await shop.page()
    assert later["extend"] != first["extend"]
    assert why(await shop.calls(shop.app.through(first).query)) is AccessWhy.STALE
    assert isinstance(await shop.calls(shop.app.through(later).query), Admitted)


@pytest.mark.parametrize("missing", ["app_id", "shop_id", "ssid", "secret_key"])
def test_it_is_not_offered_without(missing: str) -> None:
    values = {name: getattr(SECTION, name) for name in SECTION.__struct_fields__} | {missing: Secret("")}
    assert Given(WechatSection(**values)).login.ready() is AccessWhy.NOT_OFFERED


async def test_when_it_is_offered(shop: Given) -> None:
    assert shop.login.ready() is None
    shop.cloud.online = False
    assert shop.login.ready() is AccessWhy.OFFLINE
    assert await shop.login.prove(shop.guest, FORM) is AccessWhy.OFFLINE
    shop.cloud.online, shop.cloud.private = True, False
    assert shop.login.ready() is AccessWhy.NOT_OFFERED


def test_no_probe_host_is_in_the_garden() -> None:
    Portal(id="p", name_zh="x", name_en="x", garden=wechat.GARDEN)  # would raise


# --- attacks ---------------------------------------------------------------------------------------------


async def test_a_call_that_nobody_asked_for(shop: Given) -> None:
    for extend in ("", "0" * EXTEND_CHARS, "x" * 300, "é" * EXTEND_CHARS, "0" * 5000):
        assert why(await shop.calls({"extend": extend, "openId": shop.app.open_id, "tid": ""})) is AccessWhy.STALE
    assert not shop.desk.forms
    assert not shop.cloud.asked


async def test_a_replay(shop: Given) -> None:
    query = shop.app.through(await shop.page()).query
    assert isinstance(await shop.calls(query), Admitted)
    assert why(await shop.calls(query)) is AccessWhy.STALE
    assert len(shop.desk.let_in) == 1


async def test_a_replay_at_the_same_moment(shop: Given) -> None:
    query = shop.app.through(await shop.page()).query
    answers = await asyncio.gather(*(shop.calls(query) for _ in range(10)))
    assert sum(isinstance(each, Admitted) for each in answers) == 1


async def test_another_phone_s_word(shop: Given) -> None:
    thief = shop.desk.join(phone(2))
    query = shop.app.through(await shop.page()).query
    assert why(await shop.calls(query, thief)) is AccessWhy.STALE
    await shop.page(thief)  # has a word of its own: still not with this one
    assert why(await shop.calls(query, thief)) is AccessWhy.STALE
    assert isinstance(await shop.calls(query), Admitted)  # and it was not used up by trying


async def test_an_address_that_is_no_guest_s(shop: Given) -> None:
    query = shop.app.through(await shop.page()).query
    answer = await shop.login.called(shop.desk, ("192.168.1.7", 40_000), query)
    assert why(answer) is AccessWhy.NOT_A_GUEST
    assert isinstance(await shop.calls(query), Admitted)


async def test_an_old_word(shop: Given) -> None:
    query = shop.app.through(await shop.page()).query
    shop.hand.forward(OPEN_S * 1000)
    assert why(await shop.calls(query)) is AccessWhy.STALE


async def test_a_changed_word(shop: Given) -> None:
    query = dict(shop.app.through(await shop.page()).query)
    for at in range(EXTEND_CHARS):
        changed = query["extend"][:at] + ("0" if query["extend"][at] != "0" else "1") + query["extend"][at + 1 :]
        assert why(await shop.calls(query | {"extend": changed})) is AccessWhy.STALE
    upper = query["extend"].upper()
    assert why(await shop.calls(query | {"extend": upper})) is AccessWhy.STALE
    assert isinstance(await shop.calls(query), Admitted)


async def test_a_form_brings_no_claim(shop: Given) -> None:
    """A post to our own form with the app's fields in it is a post to our own form."""
    fields = await shop.page()
    step = await shop.desk.enter(
        Way.WECHAT, shop.guest, FORM | {"extend": fields["extend"], "openId": "oForged123", "tid": ""}
    )
    assert isinstance(step, Step)
    assert not shop.desk.let_in


async def test_a_user_that_wechat_does_not_know(shop: Given) -> None:
    """A phone that makes the call itself, with an id of its own making."""
    shop.cloud.answer = RefusedByCloud(why="unknown")
    assert why(await shop.logs_in()) is AccessWhy.REFUSED
    assert not shop.desk.let_in


@pytest.mark.parametrize(
    "bad",
    [{"openId": ""}, {"openId": "a\nb-123456"}, {"openId": "x" * 129}, {"openId": "<script>"}, {"tid": "x" * 513},
     {"tid": "\n"}, {"openId": "../../x12"}],
)  # fmt: skip
async def test_a_call_that_is_none(shop: Given, bad: Mapping[str, str]) -> None:
    query = dict(shop.app.through(await shop.page()).query)
    assert why(await shop.calls(query | bad)) is AccessWhy.STALE
    assert isinstance(await shop.calls(query), Admitted)


async def test_a_closed_shop_uses_the_word_up_and_keeps_no_claim(shop: Given) -> None:
    query = shop.app.through(await shop.page()).query
    shop.desk.closed = AccessWhy.CLOSED
    assert why(await shop.calls(query)) is AccessWhy.CLOSED
    shop.desk.closed = None
    step = await shop.desk.enter(Way.WECHAT, shop.guest, FORM)
    assert isinstance(step, Step)


async def test_words_are_bounded(shop: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_login, "MAX_OPEN", 10)
    pages = [await shop.page(shop.desk.join(phone(n))) for n in range(1, 41)]
    assert len(shop.login._open) == 10
    assert why(await shop.calls(shop.app.through(pages[0]).query)) is AccessWhy.STALE
    assert isinstance(await shop.calls(shop.app.through(pages[-1]).query, phone(40)), Admitted)


QUERIES = st.dictionaries(st.sampled_from(["extend", "openId", "tid", "x"]), st.text(max_size=600), max_size=4)


@settings(max_examples=80, deadline=None)
@given(QUERIES)
def test_any_call_is_answered(query: Mapping[str, str]) -> None:
    async def call() -> None:
        shop = Given()
        await shop.page()
        assert isinstance(await shop.calls(query), AccessRefusal)

    asyncio.run(call())


# --- the cloud says no later -----------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, RefusedByCloud(why="failed"), RefusedByCloud(why="too_often")])
async def test_who_came_in_unverified_is_asked_for_until_it_is_known(
    shop: Given, answer: RefusedByCloud | None
) -> None:
    shop.cloud.answer = answer
    admitted = await shop.logs_in()
    assert isinstance(admitted, Admitted)
    await shop.login.verify_waiting(shop.desk.end)
    assert list(shop.desk.let_in) == [admitted.session]
    shop.cloud.answer = RefusedByCloud(why="unknown")
    await shop.login.verify_waiting(shop.desk.end)
    assert not shop.desk.let_in
    asked = len(shop.cloud.asked)
    await shop.login.verify_waiting(shop.desk.end)
    assert len(shop.cloud.asked) == asked


async def test_the_line_breaks_between_page_and_call(shop: Given) -> None:
    query = shop.app.through(await shop.page()).query
    shop.cloud.online = False
    assert isinstance(await shop.calls(query), Admitted)
    await shop.login.verify_waiting(shop.desk.end)
    shop.cloud.online, shop.cloud.answer = True, Done()
    await shop.login.verify_waiting(shop.desk.end)
    assert len(shop.desk.let_in) == 1
    assert [type(ask) for ask in shop.cloud.asked] == [WechatClaimed]


async def test_who_is_verified_is_not_asked_for_again(shop: Given) -> None:
    await shop.logs_in()
    await shop.login.verify_waiting(shop.desk.end)
    assert len(shop.cloud.asked) == 1


async def test_a_no_that_is_not_on_disk_is_tried_again(shop: Given, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shop.cloud.answer = None
    await shop.logs_in()
    shop.cloud.answer = RefusedByCloud(why="unknown")

    async def full(_session: str) -> None:
        raise JournalRefusedError(Refusal.DISK_FULL, "the disk is full")

    await shop.login.verify_waiting(full)
    assert shop.app.open_id not in caplog.text
    assert "02:00" not in caplog.text
    await shop.login.verify_waiting(shop.desk.end)
    assert not shop.desk.let_in


async def test_unverified_ones_are_bounded(shop: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_login, "MAX_UNVERIFIED", 3)
    shop.cloud.answer = None
    for n in range(1, 7):
        guest = shop.desk.join(phone(n))
        await shop.calls(shop.app.through(await shop.page(guest)).query, guest)
    assert list(shop.login._unverified) == ["s3", "s4", "s5"]


async def test_it_goes_on_for_ever(shop: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_login, "VERIFY_S", 0.01)
    shop.cloud.answer = None
    await shop.logs_in()
    shop.cloud.answer = RefusedByCloud(why="unknown")
    running = asyncio.create_task(shop.login.run(shop.desk.end))
    async with asyncio.timeout(2):
        while shop.desk.let_in:
            await asyncio.sleep(0.01)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
