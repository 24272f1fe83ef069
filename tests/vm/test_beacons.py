"""The real BlueZ on virtual adapters: what it does with our scans and advertisements, and when it is lost."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import pytest

from devices.beacons import frames
from devices.beacons.advert import Advert
from devices.beacons.radios import radio
from edge.board import State
from edge.config import RadioSection
from edge.shop import Beacon, CarriedBy, Shop
from tests.devices.beacons.given_frames import CATCHES, heard
from tests.vm.air import Air, beacon, powered_on
from tests.vm.hearing import Told, gateway, listening, soon

pytestmark = pytest.mark.vm
DROP_IN = Path("/run/systemd/system/bluetooth.service.d/experimental.conf")
UUID = bytes.fromhex("FDA50693A4E24FB1AFCFC6EB07647825")
CART = Beacon(
    id="cart-1",
    uuid="FDA50693-A4E2-4FB1-AFCF-C6EB07647825",
    major=1,
    minor=7,
    carried_by=CarriedBy.CART,
    interval_ms=300,
)
DOOR = Beacon(id="door", uuid=CART.uuid, major=1, minor=1, interval_ms=500)
"""Hangs there: it is heard, so who is not heard is not there. Without anybody a radio might as well be deaf."""
SHOP = Shop(beacons={CART.id: CART, DOOR.id: DOOR})
IN, OUT = ("ZoneEntered", "cart-1", "door"), ("ZoneLeft", "cart-1", "door")


@pytest.fixture(scope="module")
def around() -> Iterator[Air]:
    made = Air(2)
    yield made
    made.end()


async def test_every_kind_of_frame_comes_through(around: Air) -> None:
    """Their meaning is the same as that of the bytes on the air."""
    adverts: dict[str, list[Advert]] = {}
    names = {f"C1:00:00:00:01:{number:02X}": name for number, name in enumerate(CATCHES)}
    async with radio.scan("hci1", "active", lambda advert: adverts.setdefault(advert.address, []).append(advert)):
        for address, name in names.items():
            around.place(bytes.fromhex(CATCHES[name])[:31], -60, address=address, interval=1.0, noise=2)
        await soon(lambda: all(len(adverts.get(address, ())) >= 2 for address in names), "two of each")
        for address in names:
            around.take(address)
    for address, name in names.items():
        sent = heard(bytes.fromhex(CATCHES[name])[:31])
        assert frames.read(adverts[address][-1]) == frames.read(sent), name
        assert frames.battery_percent(adverts[address][-1]) == frames.battery_percent(sent), name


async def test_strength_is_told_as_it_is_and_every_advertisement_counts(around: Air) -> None:
    """BlueZ by itself would tell the same data once, and a strength only when it moved by 8 dB."""
    heard: list[int] = []
    async with radio.scan("hci1", "active", lambda advert: heard.append(advert.rssi_dbm)):
        for rssi_dbm in (-70, -67):
            around.place(beacon(UUID, 1, 2), rssi_dbm, interval=0.25)
            await soon(lambda wanted=rssi_dbm: heard[-5:] == [wanted] * 5, f"{rssi_dbm} dBm")
            heard.clear()
            await asyncio.sleep(4)
            assert len(heard) >= 8, "most of 16"
            assert abs(mean(heard) - rssi_dbm) < 1
    around.take()


def cart_at(around: Air, rssi_dbm: int) -> None:
    around.place(beacon(UUID, 1, 1), -70, address="C1:00:00:00:00:02", interval=0.5, noise=2)
    around.place(beacon(UUID, 1, 7), rssi_dbm, interval=0.3, noise=2)


async def test_a_cart_comes_near_and_goes(around: Air, tmp_path: Path) -> None:
    async with listening(tmp_path, SHOP) as told:
        await soon(lambda: told.board.radio("hci1").state is State.UP, "the radio")
        cart_at(around, -92)
        await asyncio.sleep(8)
        assert told.zones == [], "far away is not here"
        around.move(-55)
        await soon(lambda: told.zones == [IN], "the cart")
        assert told.board.beacon("cart-1").proximity == "near"
        around.take()
        await soon(lambda: told.zones == [IN, OUT], "its absence")
        assert told.steps == []


async def test_bluetoothd_ends_and_begins_under_the_listener(around: Air, tmp_path: Path) -> None:
    async with listening(tmp_path, SHOP) as told:
        cart_at(around, -55)
        await soon(lambda: told.zones == [IN], "the cart")
        await asyncio.to_thread(subprocess.run, ["systemctl", "restart", "bluetooth"], check=True)
        await soon(lambda: "recovered" in told.steps, "the radio to listen again")
        await recovered(told)
        around.take()
        await soon(lambda: told.zones[-1:] == [OUT], "the cart's absence")


async def recovered(told: Told) -> None:
    """It is heard: the strength is shown again, and its place is known."""
    await soon(lambda: told.board.radio("hci1").state is State.UP, "the radio")
    await soon(lambda: told.board.radio("hci1").adverts_per_s > 0, "adverts")
    await soon(lambda: told.zones[-1:] == [IN], "the cart in its zone")


async def test_an_adapter_is_pulled_out_and_plugged_in(around: Air, tmp_path: Path) -> None:
    async with listening(tmp_path, SHOP) as told:
        cart_at(around, -55)
        await soon(lambda: told.zones == [IN], "the cart")
        await asyncio.to_thread(around.end)
        await soon(lambda: told.board.radio("hci1").state is not State.UP, "the loss of the radio")
        await asyncio.sleep(5)
        await asyncio.to_thread(around.begin)
        cart_at(around, -55)
        await soon(lambda: "recovered" in told.steps, "the radio to listen again")
        await recovered(told)
        around.take()


async def test_switched_off_by_somebody_it_is_switched_on_again(around: Air, tmp_path: Path) -> None:
    async with listening(tmp_path, SHOP) as told:
        cart_at(around, -55)
        await soon(lambda: told.zones == [IN], "the cart")
        off = ["busctl", "set-property", "org.bluez", "/org/bluez/hci1", "org.bluez.Adapter1", "Powered", "b", "false"]
        await asyncio.to_thread(subprocess.run, off, check=True)
        await soon(lambda: "recovered" in told.steps, "the radio to listen again")
        await recovered(told)
        around.take()


async def test_a_controller_that_hangs_is_noticed_and_comes_back(around: Air, tmp_path: Path) -> None:
    """The famous silence: BlueZ says that it scans, and nothing comes."""
    section = RadioSection(adapter="hci1", zone="door", stall_s=8, advertise=False)
    async with gateway(tmp_path, lambda: SHOP, section) as told:
        cart_at(around, -55)
        await soon(lambda: told.zones == [IN], "the cart")
        around.hang(on=True)
        await soon(lambda: told.board.radio("hci1").state is not State.UP, "that somebody notices")
        await soon(lambda: len(told.steps) >= 2, "steps against it")
        around.hang(on=False)
        await soon(lambda: "recovered" in told.steps, "the radio to listen again", within_s=120)
        await recovered(told)
        assert OUT not in told.zones, "who is not heard by a deaf radio has not left"
        around.take()


@pytest.fixture
def experimental() -> Iterator[None]:
    """bluetoothd --experimental, as passive scanning needs it."""
    DROP_IN.parent.mkdir(parents=True, exist_ok=True)
    DROP_IN.write_text("[Service]\nExecStart=\nExecStart=/usr/libexec/bluetooth/bluetoothd --experimental\n")
    reload = ["systemctl", "daemon-reload"], ["systemctl", "restart", "bluetooth"]
    for command in reload:
        subprocess.run(command, check=True)
    yield
    DROP_IN.unlink()
    for command in reload:
        subprocess.run(command, check=True)


@pytest.mark.usefixtures("around")
async def test_passive_scanning_without_its_flag_is_refused_in_words() -> None:
    await asyncio.to_thread(powered_on, "hci1")
    with pytest.raises(radio.ScanError, match="needs bluetoothd --experimental") as refused:
        async with radio.scan("hci1", "passive", lambda _: None):
            pass
    assert "systemctl edit bluetooth" in refused.value.hint


@pytest.mark.usefixtures("experimental")
async def test_passive_scanning_hears_beacons_and_no_others(around: Air) -> None:
    """What stays the same BlueZ tells once, and a strength only when it moved by 8 dB: changes come through."""
    await asyncio.to_thread(powered_on, "hci1")
    heard: list[Advert] = []
    around.place(beacon(UUID, 1, 2), -60, address="C1:00:00:00:02:01")
    around.place(bytes.fromhex(CATCHES["url"]), -60, address="C1:00:00:00:02:02")
    around.place(bytes.fromhex(CATCHES["altbeacon"]), -60, address="C1:00:00:00:02:03")
    around.place(bytes.fromhex("020106 0C 09") + b"a headphone", -60, address="C1:00:00:00:02:04")
    async with radio.scan("hci1", "passive", heard.append):
        await soon(lambda: len({advert.address for advert in heard}) >= 3, "three kinds of beacons")
        around.move(-90, address="C1:00:00:00:02:01")
        await soon(lambda: ("C1:00:00:00:02:01", -90) in {(one.address, one.rssi_dbm) for one in heard}, "a change")
    for last in range(1, 5):
        around.take(f"C1:00:00:00:02:{last:02X}")
    assert not any(advert.address.endswith("04") for advert in heard)
