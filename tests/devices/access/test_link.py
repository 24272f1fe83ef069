"""The client of the gate's socket, against a gate on a real socket that says what the test wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.access import link
from devices.access.link import GateLink
from devices.access.orders import GateError, GateProblem, Held, UntilNow
from edge.ids import Mac
from tests.devices.access.given_gate import Say, SpokenGate, done, speaking

ANNA, BO = Mac("02:00:00:00:77:01"), Mac("02:00:00:00:77:02")
MEMBER = {"mac": "02:00:00:00:77:01", "mark": 7, "up_bytes": 1, "down_bytes": 2, "end_s": 60, "idle_left_s": 9.5}


@asynccontextmanager
async def linked(folder: Path, say: Say = done, *, answer_s: float = 2.0) -> AsyncIterator[tuple[GateLink, SpokenGate]]:
    async with speaking(folder / "s", say) as gate:
        client = GateLink(folder / "s", answer_s=answer_s)
        await client.connect(lambda: None)
        try:
            yield client, gate
        finally:
            await client.close()


async def test_who_can_be_no_member_is_named_by_the_gate(tmp_path: Path) -> None:
    members = [Held(mac=ANNA, mark=7, end_s=5), Held(mac=BO, mark=7, end_s=5)]
    for refused, wanted in (
        ([], ()),
        ([{"at": 1, "text": "its mark is there already"}, {"at": 99, "text": "nobody"}], (members[1],)),
    ):
        async with linked(tmp_path, lambda _, no=refused: {"ok": True, "refused": no}) as (client, _):  # type: ignore[misc]
            assert await client.reset(members) == wanted


async def test_orders_as_the_gate_hears_them(tmp_path: Path) -> None:
    async with linked(tmp_path) as (client, gate):
        await client.allow(ANNA, mark=7, end_s=3600)
        await client.revoke(ANNA)
        await client.reset([Held(mac=ANNA, mark=7, end_s=5)])
        await client.let(["192.0.2.1", "2001:db8::1"], 60)
        await client.capture(members=True)
        assert [{key: value for key, value in order.items() if key != "id"} for order in gate.heard] == [
            {"verb": "allow", "mac": "02:00:00:00:77:01", "mark": 7, "end_s": 3600},
            {"verb": "revoke", "mac": "02:00:00:00:77:01"},
            {"verb": "reset", "members": [{"mac": "02:00:00:00:77:01", "mark": 7, "end_s": 5}]},
            {"verb": "let", "addresses": ["192.0.2.1", "2001:db8::1"], "for_s": 60},
            {"verb": "capture", "members": True},
        ]


async def test_answers_find_their_questions_in_any_order(tmp_path: Path) -> None:
    waiting: list[dict[str, Any]] = []

    def say(order: dict[str, Any]) -> bytes | None:
        waiting.append(order)
        if len(waiting) < 100:
            return None
        lines = [
            b'{"id": %d, "ok": true, "run": "r%d", "members": []}\n' % (each["id"], each["id"])
            for each in reversed(waiting)
        ]
        return b"".join(lines)

    async with linked(tmp_path, say) as (client, _):
        found = await asyncio.gather(*(client.count() for _ in range(100)))
    assert [each.run for each in found] == [f"r{number}" for number in range(1, 101)]


async def test_what_the_kernel_counted(tmp_path: Path) -> None:
    async with linked(tmp_path, lambda _: {"ok": True, "run": "r", "members": [MEMBER], "more": 1}) as (client, _):
        counts = await client.count()
    assert counts.run == "r"
    assert counts.members[0].mac == ANNA
    assert counts.members[0].idle_left_s == 9.5
    assert "77:01" not in repr(counts), "no MAC gets into a log"


async def test_what_a_member_used_until_it_was_taken_out(tmp_path: Path) -> None:
    counted = {"run": "r", "mark": 7, "up_bytes": 1, "down_bytes": 2}
    answers: list[Any] = [{"ok": True, "counted": counted}, {"ok": True}, {"ok": True, "counted": counted}]
    async with linked(tmp_path, lambda _: answers.pop(0)) as (client, _):
        assert await client.revoke(ANNA) == UntilNow(run="r", mark=7, up_bytes=1, down_bytes=2)
        assert await client.revoke(ANNA) is None
        assert await client.allow(ANNA, mark=7, end_s=9) == UntilNow(run="r", mark=7, up_bytes=1, down_bytes=2)


@pytest.mark.parametrize("error", ["bad_request", "not_ready", "kernel"])
async def test_refusals_are_typed(tmp_path: Path, error: str) -> None:
    async with linked(tmp_path, lambda _: {"ok": False, "error": error, "text": "no such set"}) as (client, _):
        with pytest.raises(GateError, match="no such set") as refused:
            await client.capture(members=True)
        assert refused.value.problem == error
        assert client.connected, "a refusal is an answer"


async def test_no_gate_is_said_with_the_next_step(tmp_path: Path) -> None:
    client = GateLink(tmp_path / "s")
    with pytest.raises(GateError, match="no gate at") as missing:
        await client.connect(lambda: None)
    assert missing.value.problem is GateProblem.DOWN
    assert "storegate-gate" in missing.value.hint
    with pytest.raises(GateError) as refused:
        await client.revoke(ANNA)
    assert refused.value.problem is GateProblem.DOWN
    assert "77:01" not in str(refused.value)


async def test_a_gate_that_dies_fails_what_waits_and_is_told_once(tmp_path: Path) -> None:
    lost: list[bool] = []
    async with speaking(tmp_path / "s", lambda _: None) as gate:
        client = GateLink(tmp_path / "s")
        await client.connect(lambda: lost.append(True))
        asking = [asyncio.create_task(client.count()) for _ in range(50)]
        while len(gate.heard) < 50:
            await asyncio.sleep(0)
        gate.hang_up()
        found = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(each) for each in found} == {GateError}
        assert {each.problem for each in found if isinstance(each, GateError)} == {GateProblem.DOWN}
        assert lost == [True]
        assert not client.connected
        gate.say = lambda _: {"ok": True}
        await client.connect(lambda: None)
        await client.capture(members=False)
        await client.close()
    assert lost == [True]


async def test_a_gate_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    answers: list[bytes | None] = [None, b'{"id": 1, "ok": true}\n{"id": 2, "ok": true}\n']
    async with linked(tmp_path, lambda _: answers.pop(0), answer_s=0.05) as (client, _):
        with pytest.raises(GateError, match="does not answer") as slow:
            await client.capture(members=True)
        assert slow.value.problem is GateProblem.SLOW
        await client.capture(members=True)  # the late answer to the first one is nobody's


async def test_only_so_many_wait(tmp_path: Path) -> None:
    async with linked(tmp_path, lambda _: None, answer_s=0.2) as (client, _):
        asking = [asyncio.create_task(client.count()) for _ in range(link.MAX_ASKED)]
        await asyncio.sleep(0)
        with pytest.raises(GateError, match="wait for the gate") as full:
            await client.count()
        assert full.value.problem is GateProblem.SLOW
        await asyncio.gather(*asking, return_exceptions=True)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\n",
        b"no json\n",
        b"[1]\n",
        b'{"id": "x", "ok": true}\n',
        b'{"id": 99, "ok": true}\n',
        b'{"id": 1, "ok": true, "error": "other"}\n',
        b"\xff\xfe\n",
        b"[" * 50_000 + b"\n",
        b"x" * (link.MAX_ANSWER + 10),
    ],
)
async def test_what_is_not_the_protocol_ends_the_connection(tmp_path: Path, nonsense: bytes) -> None:
    async with linked(tmp_path, lambda _: nonsense) as (client, _):
        with pytest.raises(GateError) as wrong:
            await client.capture(members=True)
        assert wrong.value.problem is GateProblem.NONSENSE
        assert not client.connected


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"run": "r"},
        {"run": "r", "members": [1]},
        {"run": "r", "members": [{**MEMBER, "mac": "x"}]},
        {"run": "r", "members": [{**MEMBER, "up_bytes": -1}]},
        {"run": "r" * 1000, "members": []},
    ],
)
async def test_counts_that_make_no_sense_are_no_counts(tmp_path: Path, fields: dict[str, Any]) -> None:
    async with linked(tmp_path, lambda _: {"ok": True, **fields}) as (client, _):
        with pytest.raises(GateError) as wrong:
            await client.count()
        assert wrong.value.problem is GateProblem.NONSENSE


async def test_sixteen_thousand_members_fit(tmp_path: Path) -> None:
    async with linked(tmp_path) as (client, gate):
        macs = [Mac(f"02:00:00:00:{i // 256:02x}:{i % 256:02x}") for i in range(16_000)]
        await client.reset([Held(mac=mac, mark=2**31 - 1, end_s=86_400) for mac in macs])
        assert len(gate.heard[0]["members"]) == 16_000


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200))
async def test_no_bytes_of_a_gate_raise_anything_else(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    async with linked(tmp_path_factory.mktemp("g"), lambda _: raw + b"\n", answer_s=0.02) as (client, _):
        with suppress(GateError):
            await client.status()
