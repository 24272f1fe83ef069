"""The drivers of a configuration, together on a fake BlueZ; the fake by its command; the port that is pulled."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.beacons.build import drivers
from devices.beacons.radios import broadcaster as broadcaster_file
from devices.beacons.radios import listener as listener_file
from devices.beacons.radios import radio, usb_reset
from devices.beacons.radios.bluez import adapters
from edge import config as config_file
from edge.board import Board
from edge.clock import Clock
from edge.errors import DeviceError
from edge.events import Event, RadioChanged
from edge.shop import Beacon, Shop
from tests.devices.beacons.given_bluez import UUID, PrivateBus, adapter, bluez, needs_dbus, private_bus, until

ROOT = Path(__file__).parents[3]
GATEWAY = '[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\nstate_dir = "{}"\n'


def built(text: str, board: Board, shop: Shop, folder: Path) -> list[Any]:
    config = config_file.parse(GATEWAY.format(folder) + text, where="given")
    return drivers(config, clock=Clock(), board=board, shop=lambda: shop, rotation_key=b"k" * 32)


def test_without_radios_nothing_is_imported(tmp_path: Path) -> None:
    assert built("", Board(), Shop(), tmp_path) == []
    program = (
        "import devices.beacons.build, sys; print([m for m in sys.modules if m.startswith(('bleak', 'dbus_fast'))])"
    )
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_who_listens_and_who_sends(tmp_path: Path) -> None:
    text = '[[radios]]\nadapter = "hci0"\nadvertise = false\n[[radios]]\nadapter = "hci1"\nscan = "off"\n'
    assert [driver.name for driver in built(text, Board(), Shop(), tmp_path)] == [
        "beacons",
        "radio hci0",
        "broadcaster hci1",
    ]


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateBus]:
    monkeypatch.setattr(listener_file, "TICK_S", 0.05)
    monkeypatch.setattr(broadcaster_file, "TICK_S", 0.05)
    with private_bus() as found:
        yield found


@needs_dbus
async def test_all_of_them_live_through_a_restart_of_bluetoothd(bus: PrivateBus, tmp_path: Path) -> None:
    board, events = Board(), list[Event]()
    own = Beacon(id="door", uuid=UUID, major=7, minor=9, profile="gateway", radio="hci1")
    hung = Beacon(id="hung", uuid=UUID, major=1, minor=1)
    shop = Shop(beacons={"door": own, "hung": hung})
    text = '[[radios]]\nadapter = "hci0"\nadvertise = false\n[[radios]]\nadapter = "hci1"\nscan = "off"\n'

    async def submit(event: Event) -> None:
        events.append(event)

    async with bluez(bus, adapter("hci0"), adapter("hci1")) as air:
        await air.place(1)
        tasks = [asyncio.create_task(driver.run(submit)) for driver in built(text, board, shop, tmp_path)]
        try:
            await until(lambda: air.on_air == [("hci1", 7, 9)])
            await until(lambda: {"door", "hung"} <= board.beacons.keys() and board.beacons["door"].seen)
            await air.tell({"fault": "restart", "away_s": 0.1})
            await until(lambda: air.on_air == [("hci1", 7, 9)])
            await until(lambda: any(isinstance(event, RadioChanged) and event.step == "recovered" for event in events))
            assert [task for task in tasks if task.done()] == []
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                with suppress(asyncio.CancelledError):
                    await task


@needs_dbus
async def test_what_doctor_may_ask(bus: PrivateBus) -> None:
    with pytest.raises(DeviceError):
        await adapters()
    strong = adapter("hci1", instances=4, extended=True, experimental=False)
    strong.powered = False
    async with bluez(bus, adapter("hci0"), strong):
        first, second = await adapters()
    assert (first.name, first.powered, first.passive, first.sender.at_once) == ("hci0", True, True, 1)
    assert (second.name, second.powered, second.passive, second.sender.at_once) == ("hci1", False, False, 4)
    assert second.sender.sets_power


@needs_dbus
async def test_the_fake_by_its_command(bus: PrivateBus) -> None:
    command = [sys.executable, "-m", "devices.beacons.fake", "--bus", bus.address, "--adapters", "hci0,hci1"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert msgspec.json.decode(await process.stdout.readline()) == {"ready": ["hci0", "hci1"]}
        line = {"address": "C1:00:00:00:00:01", "uuid": UUID, "major": 1, "minor": 2, "rssi": -70, "interval_ms": 20}
        process.stdin.write(
            b"no JSON\n" + msgspec.json.encode({"address": "?"}) + b"\n" + msgspec.json.encode(line) + b"\n"
        )
        heard: list[Any] = []
        async with radio.scan("hci1", "active", heard.append):
            await until(lambda: heard)
        assert heard[0].rssi_dbm == -70
        for _ in range(2):
            assert "error" in msgspec.json.decode(await process.stdout.readline())
    finally:
        radio.leave()
        process.stdin.close()
        await process.wait()
        await process.stdin.wait_closed()
    assert process.returncode == 0


def usb_tree(sys_folder: Path) -> Path:
    device = sys_folder / "devices/usb1/1-1"
    (device / "1-1:1.0").mkdir(parents=True)
    (device / "idVendor").write_text("0a12")
    (device / "authorized").write_text("1")
    (sys_folder / "class/bluetooth/hci0").mkdir(parents=True)
    (sys_folder / "class/bluetooth/hci0/device").symlink_to(device / "1-1:1.0")
    return device / "authorized"


async def test_the_port_is_pulled_and_plugged_even_when_called_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authorized = usb_tree(tmp_path)
    assert await asyncio.to_thread(usb_reset.port_of, "hci0", sys=tmp_path) == authorized
    assert await asyncio.to_thread(usb_reset.port_of, "hci1", sys=tmp_path) is None
    task = asyncio.create_task(usb_reset.reset(authorized))
    await asyncio.sleep(0.1)
    assert authorized.read_text() == "0"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert authorized.read_text() == "1"
    monkeypatch.setattr(usb_reset, "PULLED_S", 0.01)
    await usb_reset.reset(authorized)
    for port in (None, tmp_path / "none/authorized"):
        with pytest.raises(DeviceError) as caught:
            await usb_reset.reset(port)
        assert caught.value.hint
