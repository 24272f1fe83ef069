"""Names of the walled garden: a resolver that is asked for real, a gate that hears first."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import dns.message
import dns.rcode
import pytest

from devices.access.dns import upstream, walled
from edge.board import Board
from tests.devices.access.dns.given_dns import ONLY4, Gate, Zone, addresses, asked, captive, resolver

PORTAL = ["192.0.2.1"]
ZONE: Zone = {
    ("pay.example.com", "A"): ["60 A 203.0.113.7", "60 A 203.0.113.8"],
    ("pay.example.com", "AAAA"): ["60 AAAA 2606:4700::7"],
    ("cdn.example.com", "CNAME"): ["40 CNAME edge.net.example."],
    ("edge.net.example", "CNAME"): ["2 CNAME e1.net.example."],
    ("e1.net.example", "A"): ["900 A 203.0.113.9"],
    ("inside.example.com", "A"): ["60 A 192.168.1.1", "60 A 203.0.113.10", "60 A 10.64.0.1", "60 A 127.0.0.1"],
    ("inside.example.com", "AAAA"): ["60 AAAA ::1", "60 AAAA fd00:64::1", "60 AAAA 64:ff9b::a40:1"],
    ("only-inside.example.com", "A"): ["60 A 10.0.0.1"],
    ("quick.example.com", "A"): ["0 A 203.0.113.11"],
    ("slow.example.com", "A"): ["86400 A 203.0.113.12"],
    ("here.example.com", "TXT"): ['60 TXT "nothing else"'],
    ("many.example.com", "AAAA"): [f"60 AAAA 2606:4700::{number:x}" for number in range(1, 33)],
    **{(f"loop{number}.example.com", "CNAME"): [f"60 CNAME loop{number + 1}.example.com."] for number in range(20)},
}  # fmt: skip
GARDEN = ("pay.example.com", "*.example.com")


async def test_the_gate_hears_of_addresses_before_the_phone() -> None:
    door = Gate()
    async with resolver(ZONE) as up:
        made = captive(garden=["pay.example.com"], upstream=up, door=door)
        assert await addresses(made, "pay.example.com") == ["203.0.113.7", "203.0.113.8"]
        assert door.open == {"203.0.113.7", "203.0.113.8", "2606:4700::7"}
        assert await addresses(made, "pay.example.com", "AAAA") == ["2606:4700::7"]
        assert await addresses(made, "pay.example.com", "HTTPS") == []
        assert sorted(up.asked) == [("pay.example.com", "A"), ("pay.example.com", "AAAA")]
        assert len(up.ports) == len(up.numbers) == 2
        assert await addresses(made, "www.example.com") == PORTAL
    assert len(up.asked) == 2


async def test_ipv6_is_not_asked_for_where_there_is_none() -> None:
    async with resolver(ZONE) as up:
        made = captive(gate=ONLY4, garden=GARDEN, upstream=up)
        assert await addresses(made, "pay.example.com", "AAAA") == []
        assert up.asked == [("pay.example.com", "A")]


@pytest.mark.parametrize("stops", [False, True])
async def test_aliases_are_followed(stops: bool) -> None:
    door = Gate()
    async with resolver(ZONE) as up:
        up.stops_at_alias = stops
        made = captive(gate=ONLY4, garden=GARDEN, upstream=up, door=door)
        answer = await asked(made, "cdn.example.com")
    assert [record.to_text() for record in answer.answer[0]] == ["203.0.113.9"]
    assert 20 <= answer.answer[0].ttl <= walled.SHORTEST_S
    assert door.open == {"203.0.113.9"}


@pytest.mark.parametrize("stops", [False, True])
async def test_aliases_without_end_are_given_up(stops: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "TIMEOUT_S", 0.2)
    async with resolver(ZONE) as up:
        up.stops_at_alias = stops
        made = captive(gate=ONLY4, garden=GARDEN, upstream=up)
        assert await addresses(made, "loop0.example.com") == PORTAL
        assert len(up.asked) <= 10


async def test_the_shops_own_addresses_are_never_let_through() -> None:
    door = Gate()
    async with resolver(ZONE) as up:
        made = captive(garden=GARDEN, upstream=up, door=door)
        assert await addresses(made, "inside.example.com") == ["203.0.113.10"]
        assert await addresses(made, "inside.example.com", "AAAA") == []
        assert await addresses(made, "only-inside.example.com") == []
    assert door.open == {"203.0.113.10"}


@pytest.mark.parametrize(("name", "ttl_s"), [("quick", 30), ("slow", 300)])
async def test_an_answer_is_kept_for_a_while(name: str, ttl_s: int) -> None:
    door = Gate()
    async with resolver(ZONE) as up:
        made = captive(gate=ONLY4, garden=GARDEN, upstream=up, door=door)
        for _ in range(3):
            answer = await asked(made, f"{name}.example.com")
            assert ttl_s - 2 <= answer.answer[0].ttl <= ttl_s
        assert len(up.asked) == 1
    ((_, for_s),) = door.let_through
    assert for_s > ttl_s


async def test_a_gate_that_was_started_again_hears_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walled, "LET_AGAIN_S", 0)
    door = Gate()
    async with resolver(ZONE) as up:
        made = captive(gate=ONLY4, garden=GARDEN, upstream=up, door=door)
        await asked(made, "pay.example.com")
        await asked(made, "pay.example.com")
        assert (len(up.asked), len(door.let_through)) == (1, 2)


async def test_who_asks_meanwhile_waits_for_the_same_answer() -> None:
    door = Gate()
    async with resolver(ZONE) as up:
        made = captive(gate=ONLY4, garden=GARDEN, upstream=up, door=door)
        answers = await asyncio.gather(*(addresses(made, "pay.example.com") for _ in range(20)))
        assert len(set(map(tuple, answers))) == 1
        assert (len(up.asked), len(door.let_through)) == (1, 1)


async def test_what_is_not_there_is_empty() -> None:
    async with resolver(ZONE) as up:
        made = captive(gate=ONLY4, garden=GARDEN, upstream=up)
        assert await addresses(made, "here.example.com") == []
        assert await addresses(made, "nowhere.example.com") == []


async def test_without_the_uplink_the_garden_is_the_portal_too() -> None:
    board = Board()
    board.wifi.uplink = False
    async with resolver(ZONE) as up:
        made = captive(garden=GARDEN, upstream=up, board=board)
        assert await addresses(made, "pay.example.com") == PORTAL
        assert up.asked == []
        board.wifi.uplink = True
        assert await addresses(made, "pay.example.com") != PORTAL


async def test_a_gate_that_is_down_shuts_the_garden() -> None:
    door = Gate()
    door.down = True
    async with resolver(ZONE) as up:
        made = captive(garden=GARDEN, upstream=up, door=door)
        assert await addresses(made, "pay.example.com") == PORTAL


async def test_a_resolver_that_is_silent_or_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "TIMEOUT_S", 0.1)
    async with resolver(ZONE) as up:
        up.code = dns.rcode.SERVFAIL
        made = captive(garden=GARDEN, upstream=up)
        assert await addresses(made, "pay.example.com") == PORTAL
        up.code, up.silent = dns.rcode.NOERROR, True
        before_s = time.monotonic()
        made = captive(garden=GARDEN, upstream=up)
        assert await addresses(made, "pay.example.com") == PORTAL
        assert time.monotonic() - before_s < 1
    assert await addresses(captive(garden=GARDEN), "pay.example.com") == PORTAL  # nobody there at all


async def test_a_slow_resolver_gets_the_next_one_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "NEXT_S", 0.02)
    async with resolver(ZONE) as deaf, resolver(ZONE) as good:
        deaf.silent = True
        servers = [upstream.Server("127.0.0.1", each.port) for each in (deaf, good)]
        found = await upstream.resolve("pay.example.com", 1, servers)
        assert {str(each) for each in found.addresses} == {"203.0.113.7", "203.0.113.8"}


async def test_a_long_answer_is_fetched_over_tcp_and_cut_to_what_a_phone_takes() -> None:
    async with resolver(ZONE) as up:
        up.cut = True
        made = captive(garden=GARDEN, upstream=up)
        query = dns.message.make_query("many.example.com", "AAAA", use_edns=0, payload=1232)
        answer = made.answer(query.to_wire(), "10.64.0.7")
        assert answer is not None
        assert not isinstance(answer, bytes)
        assert len(dns.message.from_wire(await answer()).answer[0]) == 16
        assert len(up.asked) == 4


def forged_number(query: dns.message.Message, answer: dns.message.Message) -> bytes:
    answer.id = (query.id + 1) % 65536
    return answer.to_wire()


def forged_question(_: dns.message.Message, answer: dns.message.Message) -> bytes:
    answer.question = dns.message.make_query("evil.example.com", "A").question
    return answer.to_wire()


def no_answer(query: dns.message.Message, _: dns.message.Message) -> bytes:
    return query.to_wire()


def garbage(*_: object) -> bytes:
    return b"\xff" * 40


@pytest.mark.parametrize("spoil", [forged_number, forged_question, no_answer, garbage])
async def test_what_answers_something_else_is_passed_over(spoil: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "TIMEOUT_S", 0.1)
    door = Gate()
    async with resolver(ZONE) as up:
        up.spoil = spoil  # type: ignore[assignment]
        made = captive(gate=ONLY4, garden=GARDEN, upstream=up, door=door)
        assert await addresses(made, "pay.example.com") == PORTAL
    assert door.open == set()


async def test_one_guest_looks_up_only_so_many_names() -> None:
    async with resolver(ZONE) as up:
        made = captive(gate=ONLY4, garden=GARDEN, upstream=up)
        for number in range(50):
            await asked(made, f"x{number}.example.com")
        assert 20 <= len(up.asked) <= 35


async def test_whether_a_resolver_can_find_out() -> None:
    async with resolver(ZONE) as up:
        ours, nobody = upstream.Server("127.0.0.1", up.port), upstream.Server("127.0.0.1", 1)
        assert await upstream.knows("pay.example.com", [ours])
        assert await upstream.knows("pay.example.com", [nobody, ours])
        up.code = dns.rcode.NXDOMAIN
        assert await upstream.knows("pay.example.com", [ours]), "that there is none is found out too"
        for code in (dns.rcode.SERVFAIL, dns.rcode.REFUSED):
            up.code = code
            assert not await upstream.knows("pay.example.com", [ours], timeout_s=0.1)
        up.silent = True
        assert not await upstream.knows("pay.example.com", [ours], timeout_s=0.1)
        assert not await upstream.knows("pay.example.com", [nobody], timeout_s=0.1)
        assert not await upstream.knows("pay.example.com", [], timeout_s=0.1)


async def test_resolv_conf_is_read_where_nothing_is_given(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# words\nsearch x\nnameserver 9.9.9.9\nnameserver nonsense\nnameserver fe80::1%eth0\n")
    assert [each.address for each in await upstream.Servers([], resolv_conf=file).now()] == ["9.9.9.9", "fe80::1%eth0"]
    assert await upstream.Servers([], resolv_conf=tmp_path / "none").now() == ()
    given = await upstream.Servers(["1.1.1.1#5353", "x", "1.1.1.1#0"], resolv_conf=file).now()
    assert given == (upstream.Server("1.1.1.1", 5353),)
