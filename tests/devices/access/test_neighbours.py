"""Whose address it is, asked of a real kernel; and what is made of whatever a kernel might say."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.access import rtnetlink
from devices.access.fake import FakeGate
from devices.access.leases import Leases
from devices.access.link import GateLink
from devices.access.neighbours import KernelNeighbours, plain
from devices.access.orders import GateError, GateProblem
from devices.access.rtnetlink import Table
from edge.ids import Mac
from tests.devices.access.given_gate import speaking
from tests.peers.wifi.given_namespaces import Namespace, missing, ours, sweep

ANNA, BO, CY = "02:00:00:00:77:01", "02:00:00:00:77:02", "02:00:00:00:77:03"


@pytest.fixture(scope="module")
def box() -> Iterator[Namespace]:
    """A gateway with two interfaces, and neighbours that were put there by hand: no phone, no waiting."""
    if reason := missing():
        pytest.skip(reason)
    sweep()
    namespace = Namespace(ours())
    namespace.ip(
        "link add guest0 type veth peer name port0", "link add wan0 type veth peer name port1",
        "link set port0 up", "link set port1 up",
        "addr add 10.64.0.1/20 dev guest0", "addr add fd00:64::1/64 dev guest0 nodad",
        "link set guest0 up", "link set wan0 up", "addr add 192.0.2.1/24 dev wan0",
        f"neigh add 10.64.0.51 lladdr {ANNA} dev guest0 nud reachable",
        f"neigh add 10.64.0.52 lladdr {BO} dev guest0 nud stale",
        "neigh add 10.64.0.53 dev guest0 nud failed",
        f"neigh add fd00:64::51 lladdr {ANNA} dev guest0 nud reachable",
        f"neigh add fe80::51 lladdr {ANNA} dev guest0 nud permanent",
        f"neigh add 192.0.2.9 lladdr {CY} dev wan0 nud reachable",
    )  # fmt: skip
    yield namespace
    namespace.close()


def asked(box: Namespace, leases: Path, *addresses: str, interface: str = "guest0") -> list[str | None]:
    async def ask() -> list[str | None]:
        table = Table(interface)
        known = KernelNeighbours(table, Leases(leases), FakeGate(idle_s=60))
        found = [await known.mac_of(address) for address in addresses]
        return [mac.colons if mac else None for mac in found]

    return box.inside(lambda: asyncio.run(ask()))


def test_both_families_and_every_spelling(box: Namespace, tmp_path: Path) -> None:
    found = asked(
        box, tmp_path / "none", "10.64.0.51", "::ffff:10.64.0.52", "fd00:64::51", "FD00:64:0::51", "fe80::51%guest0"
    )
    assert found == [ANNA, BO, ANNA, ANNA, ANNA]


def test_who_is_no_guest(box: Namespace, tmp_path: Path) -> None:
    """Unknown, gone, on another interface, the box itself, no address at all."""
    strange = ("10.64.0.77", "10.64.0.53", "192.0.2.9", "10.64.0.1", "127.0.0.1", "::1", "", "x" * 500, "10.64.0.051",
               "224.0.0.1", "0.0.0.0", "fd00:64::99")  # fmt: skip
    assert asked(box, tmp_path / "none", *strange) == [None] * len(strange)
    assert asked(box, tmp_path / "none", "10.64.0.51", interface="gone0") == [None]


def test_a_mac_on_anothers_lease_is_not_that_guest(box: Namespace, tmp_path: Path) -> None:
    leases = tmp_path / "leases"
    leases.write_text(f"1795000000 {ANNA} 10.64.0.51 * *\n1795000000 {CY} 10.64.0.52 * *\n")
    found = asked(box, leases, "10.64.0.51", "10.64.0.52", "fd00:64::51")
    assert found == [ANNA, None, ANNA]


def test_an_address_that_was_lent_to_somebody_else_a_moment_ago(box: Namespace, tmp_path: Path) -> None:
    path = tmp_path / "leases"
    path.write_text(f"1795000000 {CY} 10.64.0.51 * *\n")

    async def ask() -> tuple[bool, bool]:
        known = KernelNeighbours(Table("guest0"), Leases(path), FakeGate(idle_s=60))
        before = await known.mac_of("10.64.0.51")
        await asyncio.to_thread(path.write_text, f"1795000000 {ANNA} 10.64.0.51 new-tenant *\n")
        return before is None, await known.mac_of("10.64.0.51") is not None

    assert box.inside(lambda: asyncio.run(ask())) == (True, True)


def test_who_is_on_the_network(box: Namespace, tmp_path: Path) -> None:
    async def present() -> set[str]:
        known = KernelNeighbours(Table("guest0"), Leases(tmp_path / "none"), FakeGate(idle_s=60))
        return {mac.colons for mac in await known.present()}

    assert box.inside(lambda: asyncio.run(present())) == {ANNA, BO}, "a phone with three addresses is one"
    assert box.inside(lambda: Table("gone0").dump()) == []


async def test_the_gate_says_whose_connection_it_is(tmp_path: Path) -> None:
    """Asked by address, port and MAC; where it can't be asked nobody knows."""
    answers = [{"ok": True, "sent": True}, {"ok": True, "sent": False}, {"ok": False, "error": "not_ready"}]
    async with speaking(tmp_path / "gate", lambda _: answers.pop(0)) as gate:
        link = GateLink(tmp_path / "gate")
        known = KernelNeighbours(Table("guest0"), Leases(tmp_path / "none"), link)
        assert await known.sent(Mac(ANNA), "10.64.0.51", 40_000) is None, "nobody is connected"
        await link.connect(lambda: None)
        said = [await known.sent(Mac(ANNA), address, 40_000) for address in ("::ffff:10.64.0.51", "fe80::51%guest0")]
        assert said == [True, False]
        assert await known.sent(Mac(ANNA), "10.64.0.51", 40_000) is None, "its rules are not in place"
        assert await known.sent(Mac(ANNA), "10.64.0.51", 0) is None, "a connection that is over"
        assert await known.sent(Mac(ANNA), "not an address", 1) is None
        await link.close()
    asked = [{key: value for key, value in order.items() if key != "id"} for order in gate.heard]
    assert asked[:2] == [
        {"verb": "sent", "mac": ANNA, "address": "10.64.0.51", "port": 40_000},
        {"verb": "sent", "mac": ANNA, "address": "fe80::51", "port": 40_000},
    ]


async def test_a_gate_that_is_too_busy_to_say_so_is_no_answer(tmp_path: Path) -> None:
    gate = FakeGate(idle_s=60)
    gate.refuses = GateError(GateProblem.SLOW, "it is slow")
    known = KernelNeighbours(Table("guest0"), Leases(tmp_path / "none"), gate)
    assert await known.sent(Mac(ANNA), "127.0.0.7", 40_000) is None


def test_thousands_of_neighbours_come_whole(box: Namespace) -> None:
    lines = [
        f"neigh add 10.64.{i // 250 + 4}.{i % 250 + 1} lladdr 02:00:00:01:{i // 256:02x}:{i % 256:02x} dev guest0"
        for i in range(2000)
    ]
    box.ip(*lines)
    try:
        assert len(box.inside(lambda: Table("guest0").dump())) >= 2000
    finally:
        box.ip("neigh flush to 10.64.4.0/22 dev guest0 nud permanent", check=False)


def test_ten_thousand_questions_leave_no_socket_behind(box: Namespace) -> None:
    def many() -> int:
        table, address = Table("guest0"), ipaddress.ip_address("fd00:64::51")
        found = sum(table.look(address) is not None for _ in range(2000))
        found += sum(table.look(ipaddress.ip_address("10.64.0.200")) is not None for _ in range(2000))
        return found

    assert box.inside(many) == 2000


@given(st.text(max_size=100))
def test_no_text_is_taken_for_an_address_that_is_none(text: str) -> None:
    found = plain(text)
    assert found is None or ipaddress.ip_address(str(found)) == found


@given(st.binary(max_size=400))
def test_nothing_a_kernel_could_say_breaks_the_reader(raw: bytes) -> None:
    for answer in rtnetlink.answers(raw):
        assert answer.neighbour is None or isinstance(answer.neighbour.mac, bytes)


@given(st.binary(max_size=200), st.integers(0, 200))
def test_a_message_that_is_cut_ends_the_reading(body: bytes, cut: int) -> None:
    message = rtnetlink.HEADER.pack(16 + len(body), rtnetlink.RTM_NEWNEIGH, 0, 7, 0) + body
    list(rtnetlink.answers(message[:cut]))
    list(rtnetlink.answers(message + message[:cut]))


def test_a_question_is_what_the_kernel_expects() -> None:
    raw = rtnetlink.question(ipaddress.ip_address("10.64.0.51"), 3)
    assert len(raw) == 16 + 12 + 8
    assert raw[16] == socket.AF_INET
    assert raw[-4:] == bytes([10, 64, 0, 51])
