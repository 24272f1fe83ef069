"""A listener and the real watch in an air of thousands of beacons: hours, on a virtual clock."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from devices.beacons.presence.watch import Watch
from devices.beacons.radios.listener import Listener
from devices.beacons.radios.radio import BleakRadio, scan
from edge import config as config_file
from edge.board import Board, State
from edge.clock import Clock
from edge.events import Event, RadioChanged
from edge.shop import Beacon, Shop
from tests.devices.beacons.given_air import EverybodysTurn, InAir
from tests.given import NOON_MS

UUID = "fda50693-a4e2-4fb1-afcf-c6eb07647825"
CONFIG = config_file.parse(
    """
[gateway]
tenant = "t"
store = "s"
id = "g"
[[radios]]
adapter = "hci0"
stall_s = 30
interval_s = 60
""",
    where="given",
)


class Shopful:
    def __init__(self, documents: int) -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        self.clock = Clock(
            wall_s=lambda: NOON_MS / 1000 + loop.time() - began_s,
            monotonic_s=loop.time,
            synced=lambda: True,
            boot_id="boot0",
        )
        beacons = [Beacon(id=f"b{n}", uuid=UUID, major=1, minor=n, interval_ms=500) for n in range(documents)]
        shop = Shop(beacons={beacon.id: beacon for beacon in beacons})
        self.air, self.board, self.events = InAir(), Board(), list[Event]()
        self.watch = Watch(CONFIG, self.clock, self.board, lambda: shop, b"k" * 32)
        self.listener = Listener(
            CONFIG.radios[0],
            clock=self.clock,
            board=self.board,
            watch=self.watch,
            turns=EverybodysTurn(),  # type: ignore[arg-type]
            scan=partial(scan, backend=self.air.scanner()),
            watched=self.air.watched,
        )

    async def submit(self, event: Event) -> None:
        self.events.append(event)

    async def run(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
                tasks.create_task(self.listener.run(self.submit))
                tasks.create_task(self.watch.run(self.submit))

    @property
    def steps(self) -> list[str]:
        return [f"{event.step} {event.reason}" for event in self.events if isinstance(event, RadioChanged)]


@pytest.mark.looptime
async def test_three_thousand_beacons_are_all_heard() -> None:
    given = Shopful(100)
    for number in range(3_000):
        given.air.place(number, interval_ms=1_000, noise=3)
    await given.run(20)
    assert given.watch.presence.ears["hci0"].coverage.adverts == given.air.said > 50_000
    assert given.steps == []
    radio = given.board.radio("hci0")
    assert 2_000 < radio.adverts_per_s <= 3_000


@pytest.mark.looptime
@pytest.mark.parametrize(("cure", "last"), [("scan", "restart_scan"), ("power", "power_cycle")])
async def test_a_stall_is_found_in_its_time_and_cured(cure: str, last: str) -> None:
    given = Shopful(5)
    for number in range(5):
        given.air.place(number, interval_ms=500)
    loop = asyncio.get_running_loop()
    found: list[float] = []

    def deaf() -> None:
        given.air.deaf, given.air.cured_by = True, cure
        found.append(loop.time())

    loop.call_later(120, deaf)
    await given.run(300)
    assert given.steps[-2:] == [f"{last} stalled", "recovered stalled"]
    first = next(event for event in given.events if isinstance(event, RadioChanged))
    assert 30 <= first.at.monotonic_ms / 1000 - found[0] <= 32
    radio = given.board.radio("hci0")
    assert (radio.state, radio.problem) == (State.DOWN, "")  # ended by the test, in good health
    assert radio.coverage is not None
    assert 0.6 < radio.coverage < 0.95


@pytest.mark.looptime
async def test_a_night_without_beacons_is_not_a_night_of_resets() -> None:
    given = Shopful(5)
    for number in range(5):
        given.air.place(number, interval_ms=500)
    asyncio.get_running_loop().call_later(60, lambda: [given.air.place(n, rssi=None) for n in range(5)])
    hours = 2
    while (left_s := hours * 3600 - asyncio.get_running_loop().time()) > 0:
        with suppress(BaseExceptionGroup):
            await given.run(left_s)
        await asyncio.sleep(60)  # the supervisor starts it again
    assert 3 <= len(given.steps) <= 10 * hours
    assert not any("recovered" in step for step in given.steps)


async def test_a_backend_can_be_given_to_a_radio_too() -> None:
    given = InAir()
    given.place(7, interval_ms=20)
    async with BleakRadio("hci0", scanner=given.scanner()).hear() as adverts:
        advert: Any = await anext(adverts)
    assert advert.manufacturer[0x4C][20:22] == b"\x00\x07"
