"""The ways in through the true desk, journal and rules: number, code, in; pass, app, in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.access_answers import AccessRefusal, AccessWhy, Admitted, Way
from edge.cloud_asks import RefusedByCloud
from edge.portal.asks import Step
from edge.portal.ways.app_login import UNVERIFIED_S, AppLogin
from tests.edge.portal.ways.given_box import Box, mac, open_box
from tests.edge.portal.ways.given_ways import keys
from tests.edge.portal.ways.given_wechat import Wechat


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with open_box(tmp_path) as made:
        yield made


async def test_sms(box: Box) -> None:
    step = await box.post(Way.SMS, number="13812345678")
    assert isinstance(step, Step)
    assert mac(1) not in box.gate
    begun = box.desk.begun(await box.guest())  # the browser was closed and is opened again
    assert begun is not None
    assert (begun[0], begun[1].part) == (Way.SMS, "sms_code")
    answer = await box.post(Way.SMS, code="000000" if box.cloud.sms[0].code != "000000" else "111111")
    assert isinstance(answer, Step)
    assert answer.why is AccessWhy.CODE_WRONG
    box.cloud.online = False  # who has a code needs no line
    answer = await box.post(Way.SMS, code=box.cloud.sms[0].code)
    assert isinstance(answer, Admitted)
    assert box.gate[mac(1)] > 0
    standing = await box.desk.standing(mac(1))
    assert standing is not None
    assert standing.holder == keys().holder("phone", "+8613812345678")


async def test_a_number_is_in_no_file(tmp_path: Path) -> None:
    async with open_box(tmp_path) as box:
        await box.post(Way.SMS, number="13812345678")
        await box.post(Way.SMS, code=box.cloud.sms[0].code)
        assert "12345678" not in repr(vars(box.board))
    files = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in tmp_path.glob("journal*")))
    assert b"12345678" not in files


@pytest.mark.parametrize("answers", [True, False])
async def test_for_whom_the_cloud_did_not_vouch_is_on_for_half_an_hour(box: Box, answers: bool) -> None:
    step = await box.post(Way.WECHAT)
    assert isinstance(step, Step)
    login = box.ways[Way.WECHAT]
    assert isinstance(login, AppLogin)
    if not answers:
        box.cloud.answer = None
    call = Wechat().through(step.fields)
    guest = await box.guest()
    answer = await login.called(box.desk, (guest.address, 40_000), call.query)
    assert isinstance(answer, Admitted)
    assert (box.gate[mac(1)] <= UNVERIFIED_S) is not answers


async def test_wechat(box: Box) -> None:
    step = await box.post(Way.WECHAT, marketing="yes")
    assert isinstance(step, Step)
    assert 0 < box.gate[mac(1)] <= step.pass_s == 120  # out to reach WeChat, for two minutes
    login = box.ways[Way.WECHAT]
    assert isinstance(login, AppLogin)
    call = Wechat().through(step.fields)
    assert isinstance(await login.called(box.desk, ("10.64.0.2", 40_000), call.query), AccessRefusal)
    assert mac(2) not in box.gate
    answer = await login.called(box.desk, ("10.64.0.1", 40_000), call.query)
    assert isinstance(answer, Admitted)
    assert box.gate[mac(1)] > 600
    assert isinstance(await login.called(box.desk, ("10.64.0.1", 40_000), call.query), AccessRefusal)


async def test_wechat_says_no_later_and_the_session_ends(box: Box) -> None:
    box.cloud.answer = None
    step = await box.post(Way.WECHAT)
    assert isinstance(step, Step)
    login = box.ways[Way.WECHAT]
    assert isinstance(login, AppLogin)
    query = Wechat().through(step.fields).query
    assert isinstance(await login.called(box.desk, ("10.64.0.1", 40_000), query), Admitted)
    assert mac(1) in box.gate
    box.cloud.answer = RefusedByCloud(why="unknown")
    await login.verify_waiting(box.desk.end)
    assert mac(1) not in box.gate
    assert await box.desk.standing(mac(1)) is None


async def test_staff(box: Box) -> None:
    assert isinstance(await box.post(Way.STAFF, staff="correct-horse-2"), AccessRefusal)
    answer = await box.post(Way.STAFF, staff="correct-horse-1")
    assert isinstance(answer, Admitted)
    assert answer.left_bytes is None
