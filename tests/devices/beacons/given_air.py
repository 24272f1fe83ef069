"""An air in this process, behind bleak's `backend=`: thousands of beacons on a virtual clock, no D-Bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from bleak.backends.scanner import AdvertisementData, BaseBleakScanner

from devices.beacons.fake.air import Air

STEP_S = 0.05
"""What is due in it is said at its end: so many beacons have no task each."""


class InAir:
    """The air, and the faults of one adapter in it."""

    def __init__(self) -> None:
        self.air = Air()
        self.deaf = False
        """Scans, and hears nothing."""
        self.cured_by = ""
        """What ends that: scan | power."""
        self.said = 0
        self.starts = 0
        self.adapter = ReadyAdapter(self)

    def place(self, number: int, **fields: Any) -> None:
        address = f"C1:00:{number >> 24 & 255:02X}:{number >> 16 & 255:02X}:{number >> 8 & 255:02X}:{number & 255:02X}"
        uuid = "fda50693-a4e2-4fb1-afcf-c6eb07647825"
        line = {"address": address, "uuid": uuid, "major": 1, "minor": number & 0xFFFF, "rssi": -60, **fields}
        self.air.place(line, asyncio.get_running_loop().time())

    def scanner(self) -> type[BaseBleakScanner]:
        return type("AirScanner", (_AirScanner,), {"given": self})

    @asynccontextmanager
    async def watched(self, _: str) -> AsyncIterator[Any]:
        yield self.adapter


class ReadyAdapter:
    """As much of `bluez.Adapter` as a listener looks at; it is always there."""

    def __init__(self, given: InAir) -> None:
        self.daemon = self.present = self.powered = self.ready = True
        self.lost, self.life = False, 0
        self._given = given

    async def changed(self, timeout_s: float) -> None:
        await asyncio.sleep(timeout_s)

    async def power_cycle(self) -> None:
        if self._given.cured_by == "power":
            self._given.deaf = False


class _AirScanner(BaseBleakScanner):
    given: ClassVar[InAir]

    def __init__(self, detected: Any, services: Any, mode: Any, **_: Any) -> None:
        super().__init__(detected, services)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.given.starts += 1
        if self.given.cured_by == "scan" and self.given.starts > 1:
            self.given.deaf = False
        self._task = asyncio.create_task(self._speak())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _speak(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            for beacon, rssi in self.given.air.due(clock(), limit=1_000_000):
                if not self.given.deaf:
                    self.given.said += 1
                    self._say(beacon, rssi)
            await asyncio.sleep(max(STEP_S, self.given.air.next_s(clock())))

    def _say(self, beacon: Any, rssi: int) -> None:
        data = AdvertisementData(None, beacon.manufacturer, beacon.service_data, [], None, rssi, ())
        device = self.create_or_update_device(beacon.address, beacon.address, None, None, data)
        self.call_detection_callbacks(device, data)


class EverybodysTurn:
    """Turns that nobody else wants."""

    @asynccontextmanager
    async def scanning(self) -> AsyncIterator[Any]:
        yield self

    def somebody_wants_it(self) -> bool:
        return False
