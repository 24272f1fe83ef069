"""The real BlueZ on virtual adapters: what it does with our scans and advertisements, and when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from statistics import mean

import pytest

from devices.beacons import frames, radio
from devices.beacons.advert import Advert
from tests.devices.beacons.given_frames import CATCHES, heard
from tests.vm import air
from tests.vm.air import Air, beacon

pytestmark = pytest.mark.vm
UUID = bytes.fromhex("FDA50693A4E24FB1AFCFC6EB07647825")


@pytest.fixture(scope="module")
def around() -> Iterator[Air]:
    made = Air(2)
    made.ready()
    yield made
    made.end()


async def soon(true: Callable[[], bool], what: str, *, within_s: float = air.WAIT_S) -> None:
    try:
        async with asyncio.timeout(within_s):
            while not true():
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"waited {within_s:.0f} s for {what}")


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
