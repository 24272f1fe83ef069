"""Who may call, and what anything else than a right call is answered: always HTTP 200, always in WeChat's shape."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.errors import JournalRefusedError, Refusal
from edge.web.admin import access
from edge.web.admin.shakearound.build import ROOT
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.admin.shakearound.fields import numbers, objects, span, text, whole, width
from tests.edge.web.given_admin import config
from tests.edge.web.shakearound.given_calls import Caller, calling
from tests.given import HandClock

CALLS = (
    *("account/register", "device/applyid", "device/applystatus", "device/update"),
    *("device/bindlocation", "device/search", "device/bindpage", "relation/search", "page/add", "page/update"),
    *("page/search", "page/delete", "device/group/add", "device/group/update", "device/group/delete"),
    *("device/group/getlist", "device/group/getdetail", "device/group/adddevice", "device/group/deletedevice"),
    *("user/getshakeinfo", "statistics/device", "statistics/devicelist", "statistics/page", "statistics/pagelist"),
    *("lottery/addlotteryinfo", "lottery/setprizebucket", "lottery/setlotteryswitch", "material/add"),
)
TOKEN = "s3cret-token"


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(access, "WRONG_PAUSE_S", 0.01)
    return config(tmp_path, host="0.0.0.0", token=TOKEN)


async def test_without_the_token_every_call_is_40001(guarded: Any, tmp_path: Path, hand_clock: HandClock) -> None:
    async with calling(tmp_path, hand_clock, guarded) as caller:
        for call in (*CALLS, "account/auditstatus"):
            for caller.token in ("", "wrong", "é\x00", "x" * 5000):
                told = await caller.ask(call, quantity=1)
                assert (told["errcode"], told["data"]) == (40001, {}), (call, told)
                assert TOKEN not in str(told)
        async with caller.session.get(f"{caller.gateway.url}{ROOT}/lottery/setlotteryswitch") as answer:
            assert (answer.status, (await answer.json())["errcode"]) == (200, 40001)


async def test_a_token_is_given_for_the_secret_and_ends(guarded: Any, tmp_path: Path, hand_clock: HandClock) -> None:
    async with calling(tmp_path, hand_clock, guarded, TOKEN) as caller:
        assert await caller.code("device/applyid", quantity=1, apply_reason="x") == 0  # the admin token itself
        url = f"{caller.gateway.url}/cgi-bin/token"
        query = {"grant_type": "client_credential", "appid": "wx1234", "secret": TOKEN}
        async with caller.session.get(url, params=query) as answer:
            told = await answer.json()
        assert 3600 <= told["expires_in"] <= 7200
        caller.token = told["access_token"]
        assert await caller.code("device/search", begin=0, count=1) == 0
        stable = f"{caller.gateway.url}/cgi-bin/stable_token"
        async with caller.session.post(stable, json=query) as answer:
            assert (await answer.json())["access_token"] == caller.token
        hand_clock.forward(told["expires_in"] * 1000 - 1000)
        assert await caller.code("device/search", begin=0, count=1) == 0
        hand_clock.forward(2000)
        assert await caller.code("device/search", begin=0, count=1) == 40001
        for wrong, code in (({"secret": "x"}, 40125), ({"secret": ""}, 40125), ({"grant_type": "x"}, 40002)):
            async with caller.session.get(url, params=query | wrong) as answer:
                assert (answer.status, (await answer.json())["errcode"]) == (200, code)


async def test_a_bearer_is_as_good(guarded: Any, tmp_path: Path, hand_clock: HandClock) -> None:
    async with calling(tmp_path, hand_clock, guarded) as caller:
        url = f"{caller.gateway.url}{ROOT}/device/search"
        async with caller.session.post(url, headers={"Authorization": f"Bearer {TOKEN}"}) as answer:
            assert (await answer.json())["errcode"] == 0


async def test_without_a_token_set_nothing_is_open(tmp_path: Path, hand_clock: HandClock) -> None:
    async with calling(tmp_path, hand_clock, config(tmp_path, host="0.0.0.0")) as caller:
        for caller.token in ("", "x"):
            assert await caller.code("device/search") == 40001
        query = {"grant_type": "client_credential", "appid": "a", "secret": ""}
        async with caller.session.get(f"{caller.gateway.url}/cgi-bin/token", params=query) as answer:
            assert (await answer.json())["errcode"] == 40125


@pytest.mark.parametrize("call", CALLS)
async def test_no_body_makes_it_fail(caller: Caller, call: str) -> None:
    bodies = [b"", b"{", b"[]", b"7", b'"x"', b"null", b"\xff\xfe", b"{}", b"[" * 100_000, b"x" * 600_000]
    bodies += [b'{"type":1e999}', b'{"device_identifier":[[]],"page_ids":[{}],"device_identifiers":[1]}']
    bodies += [b'{"page_id":99999999999999999999999,"group_id":"\\u0000","ticket":"\\ud800"}', b'{"begin_date":-1}']
    for body in bodies:
        async with caller.session.post(f"{caller.gateway.url}{ROOT}/{call}", data=body) as answer:
            told = await answer.json()
            assert answer.status == 200, (body[:40], told)
            assert isinstance(told["errcode"], int), body[:40]


async def test_a_disk_that_takes_nothing_is_9001002(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise JournalRefusedError(Refusal.DISK_FULL, "the disk is full")

    monkeypatch.setattr(caller.gateway.pump, "submit", refuse)
    assert await caller.code("device/applyid", quantity=1, apply_reason="x") == 9001002


async def test_other_calls_are_told_apart_from_wrong_methods(caller: Caller) -> None:
    assert (await caller.ask("device/search", "GET"))["errcode"] == 43002
    for call in ("device/searches", "", "page/add/", "page"):
        assert (await caller.ask(call))["errcode"] == 40066
    assert (await caller.ask("page/nothing", "DELETE"))["errcode"] == 40066


async def test_accounts_are_approved(caller: Caller) -> None:
    person = {"name": "张三", "phone_number": "13800000000", "email": "a@shop.example", "industry_id": "0118"}
    assert await caller.code("account/register", **person, qualification_cert_urls=[], apply_reason="x") == 0
    assert await caller.code("account/register", **(person | {"email": ""})) == 9001041
    assert await caller.code("account/register", **(person | {"name": ["x"]})) == 9001039
    assert await caller.code("account/register", **person, apply_reason="x" * 501) == 9001045
    assert (await caller.data("account/auditstatus"))["audit_status"] == 2
    assert (await caller.ask("account/auditstatus", "GET"))["errcode"] == 0


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(value=ANYTHING)
def test_fields_take_anything(value: object) -> None:
    body = {"a": value, "begin": value, "count": value}
    for read in (
        lambda: whole(body, "a", Code.BODY),
        lambda: text(body, "a", Code.BODY, most=10, wide=True),
        lambda: numbers(body, "a", Code.BODY, most=2, too_many=Code.QUOTA),
        lambda: objects(body, "a", Code.BODY, most=2, too_many=Code.QUOTA),
        lambda: span(body, most=50, too_many=Code.QUOTA),
    ):
        with contextlib.suppress(CallError):
            read()  # type: ignore[no-untyped-call]


def test_numbers_may_be_written_as_sdks_do() -> None:
    for value in (5, "5", " 5 ", 5.0):
        assert whole({"a": value}, "a", Code.BODY) == 5
    assert numbers({"a": "5"}, "a", Code.BODY, most=1, too_many=Code.QUOTA) == (5,)
    assert (width("一二ab"), width("ｆ")) == (6, 2)


def test_every_call_is_in_the_documentation() -> None:
    doc = (Path(__file__).parents[4] / "docs/shakearound.md").read_text("utf-8")
    assert [call for call in CALLS if f"`{call}" not in doc] == []
