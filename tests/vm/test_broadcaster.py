"""The gateway's own beacons, sent by the real BlueZ on hci0 and heard on hci1: byte by byte, rotating, coming back."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devices.beacons.advert import APPLE, Advert
from devices.beacons.frames import ibeacon
from devices.beacons.radios import radio
from edge.clock import Clock
from edge.config import RadioSection
from edge.rotation import epoch_of, index_of
from edge.shop import Beacon, Shop
from tests.vm.air import Air, powered_on
from tests.vm.hearing import KEY, gateway, soon

pytestmark = pytest.mark.vm
UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
SENDS = RadioSection(adapter="hci0", scan="off")


def own(name: str, minor: int, *, rotating: bool = False) -> Beacon:
    return Beacon(
        id=name, uuid=UUID, major=1, minor=minor, rotating=rotating, profile="gateway", measured_power_dbm=-61
    )


def frame(minor: int) -> bytes:
    """After Apple's company id; spelled by hand."""
    return bytes.fromhex("0215FDA50693A4E24FB1AFCFC6EB076478250001") + minor.to_bytes(2, "big") + b"\xc3"


@pytest.fixture(scope="module")
def around() -> Iterator[Air]:
    made = Air(2)
    yield made
    made.end()


class Ear:
    """What hci1 hears of iBeacons."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def heard(self, advert: Advert) -> None:
        if (data := advert.manufacturer.get(APPLE)) is not None:
            self.frames.append(data)

    async def hears(self, *wanted: bytes) -> None:
        """From now on."""
        self.frames.clear()
        await soon(lambda: set(wanted) <= set(self.frames), f"{len(wanted)} frames")


@asynccontextmanager
async def ear() -> AsyncIterator[Ear]:
    one = Ear()
    async with radio.scan("hci1", "active", one.heard):
        yield one


@pytest.mark.usefixtures("around")
async def test_documents_are_on_the_air_byte_by_byte(tmp_path: Path) -> None:
    shop = Shop(beacons={"gw-1": own("gw-1", 7)})
    await asyncio.to_thread(powered_on, "hci1")
    async with gateway(tmp_path, lambda: shop, SENDS) as told, ear() as heard:
        await heard.hears(frame(7))
        assert set(heard.frames) == {frame(7)}
        assert (told.board.radio("hci0").sends, told.board.radio("hci0").wanted) == (1, 1)
        shop = Shop(beacons={"gw-1": own("gw-1", 8), "gw-2": own("gw-2", 9)})
        if told.board.radio("hci0").instances == 1:
            await heard.hears(frame(8))
        else:
            await heard.hears(frame(8), frame(9))
        shop = Shop()
        await soon(lambda: told.board.radio("hci0").sends == 0, "the end of them")
        heard.frames.clear()
        await asyncio.sleep(3)
        assert len(heard.frames) <= 2, "what was on its way"


@pytest.mark.usefixtures("around")
async def test_a_rotating_minor_changes_with_the_epoch(tmp_path: Path) -> None:
    shop, clock, rotate_s = Shop(beacons={"gw-1": own("gw-1", 5, rotating=True)}), Clock(), 20
    await asyncio.to_thread(powered_on, "hci1")
    async with gateway(tmp_path, lambda: shop, SENDS, rotate_s=rotate_s), ear() as heard:
        await soon(lambda: len(set(heard.frames)) >= 3, "three minors", within_s=120)
        now = epoch_of(clock.now().at_ms, rotate_s=rotate_s)
    minors = [beacon.minor for data in dict.fromkeys(heard.frames) if (beacon := ibeacon.parse(data)) is not None]
    epochs = [
        next(epoch for epoch in range(now - 10, now + 1) if index_of(KEY, epoch=epoch, minor=minor) == 5)
        for minor in minors
    ]
    assert epochs == list(range(epochs[0], epochs[0] + len(epochs))), "each epoch's, one after the other"
    assert epochs[-1] in {now - 1, now}


@pytest.mark.usefixtures("around")
async def test_bluetoothd_ends_and_begins_under_it(tmp_path: Path) -> None:
    shop = Shop(beacons={"gw-1": own("gw-1", 7)})
    await asyncio.to_thread(powered_on, "hci1")
    async with gateway(tmp_path, lambda: shop, SENDS) as told:
        async with ear() as heard:
            await heard.hears(frame(7))
        await asyncio.to_thread(subprocess.run, ["systemctl", "restart", "bluetooth"], check=True)
        await asyncio.to_thread(powered_on, "hci1")
        async with ear() as heard:
            await heard.hears(frame(7))
        await soon(lambda: told.board.radio("hci0").sends == 1, "its word")


async def test_an_adapter_is_pulled_out_and_plugged_in(around: Air, tmp_path: Path) -> None:
    shop = Shop(beacons={"gw-1": own("gw-1", 7)})
    await asyncio.to_thread(powered_on, "hci1")
    async with gateway(tmp_path, lambda: shop, SENDS) as told:
        await soon(lambda: told.board.radio("hci0").sends == 1, "a beacon on the air")
        await asyncio.to_thread(around.end)
        await soon(lambda: told.board.radio("hci0").sends == 0, "its loss")
        await asyncio.to_thread(around.begin)
        await asyncio.to_thread(powered_on, "hci1")
        async with ear() as heard:
            await heard.hears(frame(7))


@pytest.mark.usefixtures("around")
async def test_one_adapter_listens_and_sends(tmp_path: Path) -> None:
    """As on a box with a single radio: what it sends is heard by the other, and the other's by it."""
    shop = Shop(beacons={"gw-1": own("gw-1", 7)})
    both = RadioSection(adapter="hci0", zone="door")
    other = RadioSection(adapter="hci1", zone="back", advertise=False)
    async with gateway(tmp_path, lambda: shop, both, other) as told:
        await soon(lambda: told.board.beacon("gw-1").rssi_dbm is not None, "the beacon on the other radio")
        assert told.board.beacon("gw-1").radio == "hci1"
        assert told.board.radio("hci0").sends == 1
