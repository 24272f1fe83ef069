"""The driver and the real gate, on a real kernel's rules, in a namespace: what the root of the daemon builds."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devices.access import driver as driver_module
from devices.access.build import Access, build
from devices.access.orders import GateError
from edge.access_answers import LeftReason, Member
from edge.board import Board, State
from edge.clock import Clock
from edge.config import parse
from edge.effects import OpenGate, ShutGate
from edge.events import Event
from edge.events.access import GuestGone, GuestsCounted
from edge.ids import Mac
from tests.peers.wifi.given_namespaces import Namespace, missing, ours, sweep, until

ANNA, BO = Mac("02:00:00:00:77:01"), Mac("02:00:00:00:77:02")
HOUR_MS = 3_600_000


class Box:
    def __init__(self, folder: Path) -> None:
        self.space = Namespace(ours())
        self.space.ip(
            "link add guest0 type veth peer name port0", "link add wan0 type veth peer name port1",
            "addr add 10.64.0.1/20 dev guest0", "link set port0 up", "link set guest0 up",
            "addr add 198.51.100.1/24 dev wan0", "link set port1 up", "link set wan0 up",
        )  # fmt: skip
        self.folder = folder
        self.config = folder / "gateway.toml"
        self.config.write_text(
            f'[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\n[listen.guest]\nhost = "::"\nport = 8080\n'
            f'[gate]\ninterface = "guest0"\nuplink = "wan0"\nsocket = "{folder}/gate.sock"\nuser = "root"\n'
            f'[portal]\nleases_file = "{folder}/leases"\ndns_upstream = ["198.51.100.9"]\n'
        )
        self.settings = parse(self.config.read_text(), where="x")

    def start_gate(self) -> None:
        command = (sys.executable, "-m", "devices.access.gate", "--config", str(self.config))
        self.process = self.space.start(*command, log=self.folder / "gate.log")

    def in_kernel(self) -> set[str]:
        listed = self.space.run("nft", "list", "map", "inet", "storegate", "members", check=False)
        return set(re.findall(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}", listed))

    def kill_gate(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    if reason := missing():
        pytest.skip(reason)
    sweep()
    made = Box(tmp_path_factory.mktemp("box"))
    made.start_gate()
    until((made.folder / "gate.sock").exists, within_s=20, what="the gate listens")
    yield made
    made.space.close()


class Life:
    """The daemon's side for a test: sessions, what was told, and the drivers that `build` makes."""

    def __init__(self, box: Box) -> None:
        self.clock, self.board = Clock(), Board()
        self.sessions: dict[Mac, Member] = {}
        self.told: list[Event] = []
        access = build(box.settings, clock=self.clock, board=self.board, members=self.members)
        assert access is not None
        self.access: Access = access

    async def members(self) -> Sequence[Member]:
        return tuple(self.sessions.values())

    async def submit(self, event: Event) -> object:
        self.told.append(event)
        if isinstance(event, GuestGone):
            self.sessions = {mac: each for mac, each in self.sessions.items() if each.mark != event.mark}
        return None

    def is_on(self, mac: Mac, mark: int, for_ms: int = HOUR_MS) -> None:
        self.sessions[mac] = Member(mac=mac, mark=mark, to_ms=self.clock.now().at_ms + for_ms)


@asynccontextmanager
async def living(life: Life) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(driver.run(life.submit)) for driver in life.access.drivers]
    try:
        await soon(lambda: life.board.wifi.gate is State.UP)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def soon(true: Callable[[], bool], within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.02)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "COUNT_S", 0.2)


async def test_sessions_come_back_in_one_step_and_orders_follow(box: Box) -> None:
    life = Life(box)
    life.is_on(ANNA, 7)
    async with living(life):
        await soon(lambda: box.in_kernel() == {ANNA.colons})
        life.is_on(BO, 8)
        await life.access.open(OpenGate(mac=BO, mark=8, left_s=3600.0))
        assert await asyncio.to_thread(box.in_kernel) == {ANNA.colons, BO.colons}, "in when it returns"
        del life.sessions[ANNA]
        await life.access.shut(ShutGate(mac=ANNA, mark=7))
        assert await asyncio.to_thread(box.in_kernel) == {BO.colons}
        await life.access.let(["192.0.2.7", "2001:db8::7"], 60.0)
        walled = await asyncio.to_thread(box.space.run, "nft", "list", "table", "inet", "storegate")
        assert "192.0.2.7" in walled
        assert "2001:db8::7" in walled
        assert life.board.wifi.interface == "up"
        assert life.board.wifi.fairness != ""
    assert await asyncio.to_thread(box.in_kernel) == {BO.colons}, "the daemon's end changes nothing"
    empty = Life(box)
    async with living(empty):
        await soon(lambda: box.in_kernel() == set())


@pytest.mark.usefixtures("quick")
async def test_the_hard_end_is_told_once_and_who_lasts_stays(box: Box) -> None:
    life = Life(box)
    async with living(life):
        life.is_on(ANNA, 7)
        life.is_on(BO, 8, for_ms=1000)
        await life.access.open(OpenGate(mac=ANNA, mark=7, left_s=3600.0))
        await life.access.open(OpenGate(mac=BO, mark=8, left_s=1.0))
        await soon(lambda: any(isinstance(event, GuestGone) for event in life.told))
        await asyncio.sleep(0.5)
        gone = [(event.mark, event.reason) for event in life.told if isinstance(event, GuestGone)]
        assert gone == [(8, LeftReason.TIME)]
        assert await asyncio.to_thread(box.in_kernel) == {ANNA.colons}
        assert not any(isinstance(event, GuestsCounted) for event in life.told), "nobody sent a byte"


@pytest.mark.usefixtures("quick")
async def test_rules_that_were_taken_away_by_hand_come_back_with_their_members(box: Box) -> None:
    life = Life(box)
    life.is_on(ANNA, 7)
    async with living(life):
        await soon(lambda: box.in_kernel() == {ANNA.colons})
        await asyncio.to_thread(box.space.run, "nft", "delete", "table", "inet", "storegate")
        await soon(lambda: box.in_kernel() == {ANNA.colons})
        await soon(lambda: life.board.wifi.repairs > 0)
        assert life.board.wifi.repaired is not None


@pytest.mark.usefixtures("quick")
async def test_a_gate_that_is_killed_lets_nobody_new_in_and_throws_nobody_out(box: Box) -> None:
    life = Life(box)
    life.is_on(ANNA, 7)
    async with living(life):
        await soon(lambda: box.in_kernel() == {ANNA.colons})
        await asyncio.to_thread(box.kill_gate)
        await soon(lambda: life.board.wifi.gate is State.WAITING)
        life.is_on(BO, 8)
        with pytest.raises(GateError, match="gate"):
            await life.access.open(OpenGate(mac=BO, mark=8, left_s=3600.0))
        assert await asyncio.to_thread(box.in_kernel) == {ANNA.colons}
        await asyncio.to_thread(box.start_gate)
        await soon(lambda: box.in_kernel() == {ANNA.colons, BO.colons}, within_s=20)
        await soon(lambda: life.board.wifi.gate is State.UP)


@pytest.mark.usefixtures("quick")
async def test_without_an_uplink_members_are_captured_in_the_kernel(box: Box) -> None:
    """The resolver of this box is never there."""
    life = Life(box)
    async with living(life):

        def listed() -> str:
            return box.space.run("nft", "list", "set", "inet", "storegate", "free", check=False)

        before = await asyncio.to_thread(listed)
        assert "elements" in before
        uplink = life.access.drivers[1]
        turn: Callable[..., None] = uplink.turn  # type: ignore[attr-defined]
        turn(up=False)
        await soon(lambda: "elements" not in listed())
        turn(up=True)
        await soon(lambda: "elements" in listed())


async def test_two_thousand_guests_at_once(box: Box) -> None:
    life = Life(box)
    macs = [Mac(f"02:00:00:01:{i // 256:02x}:{i % 256:02x}") for i in range(2000)]
    for mark, mac in enumerate(macs, 1):
        life.is_on(mac, mark)
    async with living(life):
        await soon(lambda: len(box.in_kernel()) == 2000, within_s=20)
        for mac in macs[:500]:
            del life.sessions[mac]
        orders: list[Awaitable[None]] = [
            life.access.shut(ShutGate(mac=mac, mark=mark)) for mark, mac in enumerate(macs[:500], 1)
        ]
        await asyncio.gather(*orders)
        assert len(await asyncio.to_thread(box.in_kernel)) == 1500
        assert life.board.wifi.gate is State.UP
