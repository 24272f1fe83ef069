"""A private D-Bus with a fake BlueZ on it, for real bleak and dbus-fast."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from devices.beacons.fake.fake import FakeBluez
from devices.beacons.fake.tree import Adapter
from devices.beacons.radios import radio

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy></busconfig>
"""
UUID = "fda50693-a4e2-4fb1-afcf-c6eb07647825"
needs_dbus = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs dbus-daemon (Debian: dbus)")


class PrivateBus:
    """A dbus-daemon that lets everybody do everything; can be ended and begun again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.address = f"unix:path={folder / 'bus'}"
        self._config = folder / "bus.conf"
        self._config.write_text(CONFIG.format(path=folder / "bus"))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ["dbus-daemon", f"--config-file={self._config}", "--nofork", "--nopidfile", "--print-address=1"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def stop(self) -> None:
        if self._process is not None:
            assert self._process.stdout is not None
            self._process.terminate()
            self._process.wait()
            self._process.stdout.close()
            self._process = None


@contextmanager
def private_bus() -> Iterator[PrivateBus]:
    """Its address is the system bus's while the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="bus-"))
    bus = PrivateBus(folder)
    bus.start()
    before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = bus.address
    try:
        yield bus
    finally:
        if before is None:
            del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
        else:
            os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = before
        bus.stop()
        shutil.rmtree(folder)


def adapter(name: str = "hci0", **settings: Any) -> Adapter:
    return Adapter(name, f"00:00:5E:00:53:{name[3:]:>02}", **settings)


class Bluez:
    """The fake, and what clients put on the air."""

    def __init__(self, fake: FakeBluez, told: list[dict[str, Any]], bus: PrivateBus) -> None:
        self.fake, self.told, self.bus = fake, told, bus
        self.tell = fake.tell

    @property
    def on_air(self) -> list[tuple[str, int, int]]:
        """(adapter, major, minor) of what clients advertise now."""
        found = set()
        for line in self.told:
            key = (line["adapter"], line["major"], line["minor"])
            if line["on"]:
                found = {other for other in found if other[0] != key[0]} | {key}
            else:
                found.discard(key)
        return sorted(found)

    async def place(self, number: int = 1, **fields: Any) -> str:
        """A beacon on the air; its address."""
        address = f"C1:00:00:00:{number >> 8:02X}:{number & 0xFF:02X}"
        line = {"address": address, "uuid": UUID, "major": 1, "minor": number, "power": -59, "rssi": -60}
        await self.tell({**line, "interval_ms": 20, **fields})
        return address


@asynccontextmanager
async def bluez(bus: PrivateBus, *adapters: Adapter) -> AsyncIterator[Bluez]:
    told: list[dict[str, Any]] = []
    found = {item.name: item for item in adapters or (adapter(),)}
    try:
        async with FakeBluez(bus.address, found, said_by_clients=lambda line: told.append(line["advertising"])) as fake:
            yield Bluez(fake, told, bus)
            radio.leave()
            await asyncio.sleep(0)
    finally:
        radio.leave()


async def until(condition: Any, *, timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)
