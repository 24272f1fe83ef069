"""The shop's own beacons on the air: documents in, advertisements at a fake BlueZ out, over a real bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from devices.beacons.radios import bluez as bluez_file
from devices.beacons.radios import broadcaster as broadcaster_file
from devices.beacons.radios.broadcaster import Broadcaster
from devices.beacons.radios.own import wanted
from devices.beacons.radios.radio import scan
from edge.board import Board, State
from edge.clock import ClockState
from edge.config import RadioSection
from edge.errors import DeviceError
from edge.rotation import epoch_of, minor_of
from edge.shop import Beacon, Shop
from tests.devices.beacons.given_bluez import UUID, Bluez, PrivateBus, adapter, bluez, needs_dbus, private_bus, until
from tests.given import NOON_MS, HandClock, stamp

KEY = b"k" * 32


def beacon(name: str, minor: int, **fields: Any) -> Beacon:
    return Beacon(id=name, uuid=UUID, major=7, minor=minor, profile="gateway", **fields)


class Sending:
    def __init__(self, clock: HandClock, *beacons: Beacon) -> None:
        self.clock = clock
        self.board = Board()
        self.error: DeviceError | None = None
        self.shop = Shop()
        self.set(*beacons)

    def set(self, *beacons: Beacon) -> None:
        self.shop = Shop(beacons={item.id: item for item in beacons})

    @property
    def radio(self) -> Any:
        return self.board.radio("hci0")


@asynccontextmanager
async def sending(clock: HandClock, *beacons: Beacon, **settings: Any) -> AsyncIterator[Sending]:
    given = Sending(clock, *beacons)
    driver = Broadcaster(
        RadioSection(adapter="hci0", **settings),
        first="hci0",
        rotate_s=300,
        rotation_key=KEY,
        clock=clock.clock,
        board=given.board,
        shop=lambda: given.shop,
    )

    async def run() -> None:
        try:
            await driver.run(_nobody)
        except DeviceError as error:
            given.error = error

    task = asyncio.create_task(run())
    try:
        yield given
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _nobody(_: object) -> None:
    raise AssertionError("a broadcaster tells no event")


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateBus]:
    monkeypatch.setattr(broadcaster_file, "TICK_S", 0.02)
    monkeypatch.setattr(broadcaster_file, "PAUSES_S", (0.05,))
    monkeypatch.setattr(bluez_file, "OFF_S", 0.01)
    with private_bus() as found:
        yield found


def minors(air: Bluez) -> list[int]:
    """Registered with BlueZ now."""
    adverts = [advert for item in air.fake.adapters.values() for advert in item.adverts.values()]
    return sorted(int.from_bytes(bytes(advert["ManufacturerData"][0x4C])[20:22], "big") for advert in adverts)


@needs_dbus
async def test_the_bytes_on_the_air(bus: PrivateBus, hand_clock: HandClock) -> None:
    async with bluez(bus) as air, sending(hand_clock, beacon("door", 9, interval_ms=350, measured_power_dbm=-61)):
        await until(lambda: air.fake.adapters["hci0"].adverts)
        (advert,) = air.fake.adapters["hci0"].adverts.values()
    assert advert == {
        "Type": "broadcast",
        "ManufacturerData": {0x4C: bytes.fromhex("0215fda50693a4e24fb1afcfc6eb07647825") + b"\x00\x07\x00\x09\xc3"},
        "MinInterval": 350,
        "MaxInterval": 350,
    }
    said = air.told[0]
    assert (said["adapter"], said["uuid"], said["major"], said["minor"], said["power"]) == ("hci0", UUID, 7, 9, -61)
    assert [line["on"] for line in air.told] == [True, False]  # taken off the air at the end


@needs_dbus
async def test_a_legacy_controller_sends_one_and_says_so(bus: PrivateBus, hand_clock: HandClock) -> None:
    beacons = [beacon("a", 1, interval_ms=20), beacon("b", 2), beacon("c", 3, radio="hci0", tx_power_dbm=4)]
    async with bluez(bus, adapter(instances=5)) as air, sending(hand_clock, *beacons) as given:
        await until(lambda: minors(air) == [3])  # who names the radio comes first
        await asyncio.sleep(0.1)
        assert minors(air) == [3]
        await until(lambda: given.radio.wanted == 3)
        assert (given.radio.sends, given.radio.instances) == (1, 5)
        assert [problem.text for problem in given.board.problems] == [
            "hci0 can send 1 of 3 beacons at once; not sent: a, b"
        ]
        given.set(beacons[0])
        await until(lambda: minors(air) == [1])
        (advert,) = air.fake.adapters["hci0"].adverts.values()
    assert advert["MinInterval"] == 100  # no faster before Bluetooth 5
    assert "TxPower" not in advert


@needs_dbus
async def test_extended_advertising_sends_several(bus: PrivateBus, hand_clock: HandClock) -> None:
    beacons = [beacon("a", 1, interval_ms=20, tx_power_dbm=20), beacon("b-1", 2), beacon("c", 3)]
    radio = adapter(instances=2, extended=True)
    async with bluez(bus, radio) as air, sending(hand_clock, *beacons) as given:
        await until(lambda: minors(air) == [1, 2])
        first = next(iter(radio.adverts.values()))
        assert (first["MinInterval"], first["TxPower"]) == (20, 7)  # as strong as it can
        given.set(beacons[2])
        await until(lambda: minors(air) == [3])
        await until(lambda: given.radio.sends == 1)
        assert given.radio.instances == 2


@needs_dbus
async def test_documents_that_change_are_followed(bus: PrivateBus, hand_clock: HandClock) -> None:
    async with bluez(bus) as air, sending(hand_clock) as given:
        await asyncio.sleep(0.05)
        assert minors(air) == []
        given.set(beacon("a", 1), Beacon(id="hung", uuid=UUID, major=7, minor=5))
        await until(lambda: minors(air) == [1])
        given.set(beacon("a", 2))
        await until(lambda: minors(air) == [2])
        given.set(beacon("a", 2, interval_ms=500))
        await until(lambda: minors(air) == [2] and air.fake.calls.count("hci0 RegisterAdvertisement") == 3)
        given.set(beacon("a", 2, radio="hci1"))
        await until(lambda: minors(air) == [])


@needs_dbus
async def test_rotating_ids_change_with_the_epoch(bus: PrivateBus, hand_clock: HandClock) -> None:
    rotating = beacon("a", 1, rotating=True)

    def expected() -> list[int]:
        return [minor_of(KEY, epoch=epoch_of(hand_clock.wall_ms, rotate_s=300), index=1)]

    async with bluez(bus) as air, sending(hand_clock, rotating):
        await until(lambda: minors(air) == expected())
        before = minors(air)
        hand_clock.forward(300_000)
        await until(lambda: minors(air) == expected())
        assert minors(air) != before
        await asyncio.sleep(0.1)
        assert air.fake.calls.count("hci0 RegisterAdvertisement") == 2  # and no more often


@needs_dbus
async def test_while_the_clock_is_unset_only_fixed_ids_are_sent(bus: PrivateBus, hand_clock: HandClock) -> None:
    hand_clock.wall_ms = 0
    assert hand_clock.clock.now().state is ClockState.UNSET
    beacons = [beacon("a", 1, rotating=True), beacon("b", 2)]
    async with bluez(bus) as air, sending(hand_clock, *beacons) as given:
        await until(lambda: minors(air) == [2])
        assert "wait until the clock is set" in given.board.problems[0].text


@needs_dbus
async def test_it_is_back_after_bluetoothd_restarts(bus: PrivateBus, hand_clock: HandClock) -> None:
    async with bluez(bus) as air, sending(hand_clock, beacon("a", 1)) as given:
        await until(lambda: minors(air) == [1])
        await air.tell({"fault": "restart", "away_s": 0.1})
        await until(lambda: minors(air) == [1])
        assert given.board.problems[0].text == "bluetoothd does not run: no beacon is sent"
        assert air.fake.calls.count("hci0 RegisterAdvertisement") == 2


@needs_dbus
async def test_it_is_back_when_the_adapter_is(bus: PrivateBus, hand_clock: HandClock) -> None:
    async with bluez(bus) as air, sending(hand_clock, beacon("a", 1)) as given:
        await until(lambda: minors(air) == [1])
        await air.tell({"fault": "removed"})
        await until(lambda: given.radio.sends == 0)
        await air.tell({"fault": "added"})
        await until(lambda: minors(air) == [1])
        await air.tell({"fault": "powered_off"})
        await until(lambda: given.radio.sends == 0)
        await air.tell({"fault": "powered_on"})
        await until(lambda: given.radio.sends == 1)
        assert air.fake.calls.count("hci0 RegisterAdvertisement") == 3


@needs_dbus
async def test_a_radio_that_only_sends_is_switched_on(bus: PrivateBus, hand_clock: HandClock) -> None:
    off = adapter()
    off.powered = False
    async with bluez(bus, off) as air, sending(hand_clock, beacon("a", 1), scan="off") as given:
        await until(lambda: minors(air) == [1])
        await until(lambda: given.radio.state is State.UP)


@needs_dbus
async def test_a_place_that_is_taken_is_asked_for_again(bus: PrivateBus, hand_clock: HandClock) -> None:
    full = adapter(instances=1)
    async with bluez(bus, full) as air:
        full.adverts[":1.999", "/x"] = {"Type": "broadcast", "ManufacturerData": {0x4C: bytes(23)}}
        async with sending(hand_clock, beacon("a", 1)) as given:
            await until(lambda: given.board.problems)
            assert given.radio.sends == 0
            assert given.board.problems[0].hint
            air.fake._unregister(full, (":1.999", "/x"))
            await until(lambda: minors(air) == [1])


@needs_dbus
async def test_one_that_is_refused_holds_up_no_other(bus: PrivateBus, hand_clock: HandClock) -> None:
    radio = adapter(instances=3, extended=True)
    async with bluez(bus, radio) as air:
        radio.adverts[":1.998", "/x"] = radio.adverts[":1.999", "/x"] = {
            "Type": "broadcast",
            "ManufacturerData": {0x4C: bytes(23)},
        }
        async with sending(hand_clock, beacon("b", 2)) as given:
            await until(lambda: minors(air) == [0, 0, 2])
            given.set(beacon("a", 1), beacon("b", 22))  # a has no place, by whoever comes first
            await until(lambda: minors(air) == [0, 0, 22])
            assert "does not send all beacons" in given.board.problems[0].text


@needs_dbus
async def test_a_bus_that_is_gone_is_for_the_supervisor(bus: PrivateBus, hand_clock: HandClock) -> None:
    async with bluez(bus) as air, sending(hand_clock, beacon("a", 1)) as given:
        await until(lambda: minors(air) == [1])
        bus.stop()
        await until(lambda: given.error is not None)
        assert given.error is not None
        assert given.error.hint


@needs_dbus
async def test_one_radio_hears_what_another_sends(bus: PrivateBus, hand_clock: HandClock) -> None:
    heard: list[Any] = []
    mine: list[Any] = []
    async with (
        bluez(bus, adapter("hci0"), adapter("hci1")),
        sending(hand_clock, beacon("a", 1, interval_ms=100)),
        scan("hci1", "active", heard.append),
        scan("hci0", "active", mine.append),
    ):
        await until(lambda: len(heard) > 2)
    assert mine == []
    assert heard[0].manufacturer[0x4C][18:22] == b"\x00\x07\x00\x01"


def test_who_sends_what_is_decided_by_the_documents() -> None:
    beacons = [
        beacon("z", 1, radio="hci0"),
        beacon("b", 2),
        beacon("a", 3),
        beacon("other", 4, radio="hci1"),
        Beacon(id="hung", uuid=UUID, major=7, minor=5),
    ]
    shop = Shop(beacons={item.id: item for item in beacons})
    common: dict[str, Any] = {"first": "hci0", "key": KEY, "rotate_s": 300, "now": stamp(NOON_MS)}
    assert [own.beacon for own in wanted(shop, adapter="hci0", **common)] == ["z", "a", "b"]
    assert [own.beacon for own in wanted(shop, adapter="hci1", **common)] == ["other"]
