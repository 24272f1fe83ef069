"""Beacons: CPU of an advert, beside other open gateways; loss over a real D-Bus.

CPU is measured twice. From bleak's callback to presence is what we wrote and what we hold ourselves to. From the D-Bus
socket to presence is what a gateway pays in truth: dbus-fast takes each message apart and bleak keeps its book of
devices before we are asked, many times our part. That has no hold, for it is theirs; but a board must afford it.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner

from bench.row import Row
from devices.beacons.advert import APPLE, Advert
from devices.beacons.presence.presence import Presence
from devices.beacons.radios import radio
from edge import events as ev
from edge.clock import Clock
from edge.config import RadioSection
from edge.ids import DeviceId, Gtin, StationId
from edge.journal import Journal
from edge.shop import Beacon, Shop

UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
BEACONS, STRANGERS = 1000, 500
"""Of the shop, half of them rotating; and phones of others, half of the adverts."""
ADVERTS = 40_000
SLOW = 4000
"""So many of them are enough for a slow one."""
TICK_EVERY = 2000
"""Adverts: one second's."""
HOLD_US = 30.0
PER_S = 2000
SECONDS = 8.0
ANSWERS = 200
WHAT = "CPU an advert, bleak's callback → presence"
WHOLE = "CPU an advert, D-Bus socket → presence: dbus-fast, bleak and ours"
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy></busconfig>
"""
Detected = Callable[[BLEDevice, AdvertisementData], None]
Traffic = list[tuple[BLEDevice, AdvertisementData]]


def rows() -> Iterator[Row]:
    yield from asyncio.run(_cpu())
    yield from _loss()


async def _cpu() -> list[Row]:
    clock = Clock()
    presence = _presence(clock)
    traffic = _traffic(presence)

    async def through(hear: Callable[[Advert], None], each: Callable[[], None] | None = None) -> float:
        async with radio.scan("hci0", "active", hear, backend=Fed):
            detected = Fed.last.call_detection_callbacks
            return _us(traffic, detected, each)

    whole = await through(presence.heard, lambda: _tick(presence, clock))
    bare = await through(lambda _: None)
    rate = f"{1e6 / whole:,.0f}/s on one core"
    note = f"{BEACONS} beacons, {STRANGERS} strangers; of it {bare:.1f} µs bleak's call and our Advert; {rate}"
    out = [_tick_row(presence, clock)]
    out += [Row(part="beacons", what=WHAT, value=round(whole, 2), unit="µs", hold=HOLD_US, note=note)]
    out += [row for peer in (_theengs, _habluetooth) if (row := peer(traffic)) is not None]
    return out


class Fed(BaseBleakScanner):
    """A backend whose radio is the bench."""

    last: Fed

    def __init__(self, detection_callback: Any, service_uuids: Any, *_: object, **__: object) -> None:
        super().__init__(detection_callback, service_uuids)
        Fed.last = self

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass


def _presence(clock: Clock, *, rotating: bool = True) -> Presence:
    section = RadioSection(adapter="hci0", zone="door")
    presence = Presence([section], key=b"k" * 32, rotate_s=300, now=clock.now(), random=os.urandom)
    beacons = [
        Beacon(id=f"b{number}", uuid=UUID, major=1, minor=number, rotating=rotating and number >= BEACONS // 2)
        for number in range(BEACONS)
    ]
    presence.documents(Shop(beacons={beacon.id: beacon for beacon in beacons}), clock.now())
    while not presence.work():
        pass
    return presence


def _traffic(presence: Presence) -> Traffic:
    """Half known, half of strangers, in no order."""
    chance = random.Random(3)
    spoken = list(presence._known.ids)[:BEACONS]  # noqa: SLF001 - what is on the air now
    known = [({APPLE: b"\x02\x15" + one + b"\xc5"}, _address(0xC1, number)) for number, one in enumerate(spoken)]
    others = [({0x0006: os.urandom(20)}, _address(0xD0, number)) for number in range(STRANGERS)]
    traffic = []
    for _ in range(ADVERTS):
        data, address = chance.choice(known if chance.random() < 0.5 else others)
        rssi = chance.randint(-95, -45)
        advert = AdvertisementData(None, data, {}, [], None, rssi, ())
        traffic.append((BLEDevice(address, None, {}), advert))
    return traffic


def _address(first: int, number: int) -> str:
    return f"{first:02X}:00:00:00:{number >> 8:02X}:{number & 0xFF:02X}"


def _us(traffic: Traffic, detected: Detected, each: Callable[[], None] | None = None) -> float:
    """CPU µs an advert, warm; `each` second's work counts too."""
    for device, data in traffic[:SLOW]:
        detected(device, data)
    began_s = time.process_time()
    for number, (device, data) in enumerate(traffic):
        detected(device, data)
        if each is not None and number % TICK_EVERY == 0:
            each()
    return (time.process_time() - began_s) / len(traffic) * 1e6


def _tick(presence: Presence, clock: Clock) -> None:
    presence.tick(clock.now())


def _tick_row(presence: Presence, clock: Clock) -> Row:
    began_s = time.process_time()
    for _ in range(20):
        presence.tick(clock.now())
    ms = (time.process_time() - began_s) / 20 * 1000
    return Row(part="beacons", what=f"the tick a second, {BEACONS} beacons", value=round(ms, 2), unit="ms")


def _theengs(traffic: Traffic) -> Row | None:
    """As its gateway calls it: JSON in, JSON out."""
    with suppress(ImportError):
        decoder: Any = importlib.import_module("TheengsDecoder")
        json: Any = importlib.import_module("json")

        def detected(device: BLEDevice, data: AdvertisementData) -> None:
            (company, body), *_ = data.manufacturer_data.items()
            told = {"id": device.address, "rssi": data.rssi}
            told["manufacturerdata"] = company.to_bytes(2, "little").hex() + body.hex()
            if found := decoder.decodeBLE(json.dumps(told)):
                json.loads(found)

        value = round(_us(traffic[:SLOW], detected), 2)
        note = "decodes only: no zones, no strangers, no guard"
        return Row(part="beacons", what=WHAT, by="TheengsDecoder", value=value, unit="µs", note=note)
    _say_missing("TheengsDecoder")
    return None


def _habluetooth(traffic: Traffic) -> Row | None:
    """Home Assistant's: compiled, and without iBeacons, which are another integration's."""
    with suppress(ImportError):
        library: Any = importlib.import_module("habluetooth")
        manager: Any = type("Manager", (library.BluetoothManager,), {"_discover_service_info": lambda _, __: None})
        library.set_manager(manager(_NoAdapters(), None))
        scanner = library.HaScanner(library.BluetoothScanningMode.PASSIVE, "hci0", "00:00:5E:00:53:00")
        scanner.async_setup()
        value = round(_us(traffic, scanner._async_detection_callback), 2)  # noqa: SLF001 - what its bleak calls
        note = "compiled; keeps the newest advert of each address: no ids, no zones"
        return Row(part="beacons", what=WHAT, by="habluetooth", value=value, unit="µs", note=note)
    _say_missing("habluetooth")
    return None


class _NoAdapters:
    """habluetooth asks the machine for its radios: there are none."""

    adapters: dict[str, object] = {}  # noqa: RUF012
    history: dict[str, object] = {}  # noqa: RUF012
    default_adapter = "hci0"
    supports_passive_scan = False

    async def refresh(self) -> None:
        pass


def _say_missing(name: str) -> None:
    sys.stderr.write(f"beacons: {name} is not installed, so there is no figure beside ours (pip install {name})\n")


def _loss() -> Iterator[Row]:
    if shutil.which("dbus-daemon") is None:
        sys.stderr.write("beacons: there is no dbus-daemon (Debian: dbus), so no loss is measured\n")
        return
    for per_s in (PER_S, 2 * PER_S):
        with _private_bus() as bus:
            sent, heard, seconds, cpu_us = asyncio.run(_over_the_bus(bus, per_s))
        share = f"{cpu_us * sent / seconds / 1e4:.0f} % of one core"
        note = f"at {sent / seconds:,.0f}/s: {share}; no hold: all but some µs is dbus-fast and bleak"
        yield Row(part="beacons", what=f"{WHOLE}, {per_s:,}/s", value=round(cpu_us, 1), unit="µs", note=note)
        what = f"lost of {per_s:,}/s: fake BlueZ → dbus-daemon → bleak → presence"
        note = f"{sent:,} sent in {seconds:.1f} s ({sent / seconds:,.0f}/s)"
        hold = 0 if per_s == PER_S else None
        yield Row(part="beacons", what=what, value=sent - heard, unit="adverts", hold=hold, note=note)
    with _private_bus() as bus, tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        yield from asyncio.run(_answers(bus, Path(folder)))


async def _over_the_bus(bus: str, per_s: int) -> tuple[int, int, float, float]:
    """(sent, heard, seconds, CPU µs each)."""
    clock = Clock()
    presence = _presence(clock, rotating=False)
    async with _air(bus, per_s) as (told, tell), radio.scan("hci0", "active", presence.heard):
        coverage = presence.ears["hci0"].coverage
        cpu_s, began_s = time.process_time(), time.perf_counter()
        tell.write(b"go\n")
        for _ in range(round(SECONDS)):
            await asyncio.sleep(1)
            presence.tick(clock.now())
        tell.write(b"stop\n")
        sent = int(await told.readline())
        seconds = time.perf_counter() - began_s
        await asyncio.sleep(1)  # what is in sockets still comes
        cpu_s = time.process_time() - cpu_s
    radio.leave()
    return sent, coverage.adverts, seconds, cpu_s / max(1, coverage.adverts) * 1e6


async def _answers(bus: str, folder: Path) -> list[Row]:
    """What a till waits for, its answer on the disk, while the air is quiet and while it is not."""
    clock = Clock()
    presence = _presence(clock, rotating=False)
    journal = await asyncio.to_thread(Journal.open, folder / "journal.sqlite", shop=Shop(), clock=clock)
    try:
        async with _air(bus, PER_S) as (_, tell), radio.scan("hci0", "active", presence.heard):
            quiet = await _waits_ms(journal, clock, presence)
            tell.write(b"go\n")
            await asyncio.sleep(1)
            loud = await _waits_ms(journal, clock, presence)
            tell.write(b"stop\n")
        radio.leave()
    finally:
        await journal.close()
    what = f"a lone till's durable answer beside {PER_S:,} adverts/s: p95"
    heard = f"median {median(loud):.1f} ms; {presence.ears['hci0'].coverage.adverts:,} adverts heard meanwhile"
    value, calm = round(quantiles(loud, n=20)[-1], 2), round(quantiles(quiet, n=20)[-1], 2)
    note = f"median {median(quiet):.1f} ms"
    return [
        Row(part="beacons", what=what, value=value, unit="ms", note=heard),
        Row(part="beacons", what=what, by="no adverts", value=calm, unit="ms", note=note),
    ]


async def _waits_ms(journal: Journal, clock: Clock, presence: Presence) -> list[float]:
    code = ev.Code(kind=ev.CodeKind.GTIN, value="06901234567892", gtin=Gtin("06901234567892"), aim="]E0")
    device, station, waits = DeviceId("dock-1"), StationId("k1"), []
    for turn in range(ANSWERS):
        began_s = time.perf_counter()
        at = clock.now()
        await journal.submit(
            ev.CodeScanned(at=at, device=device, transport=ev.Transport.FAKE, code=code, station=station)
        )
        waits.append((time.perf_counter() - began_s) * 1000)
        await asyncio.sleep(0.02)
        if turn % 50 == 0:
            presence.tick(clock.now())
    return waits


@asynccontextmanager
async def _air(bus: str, per_s: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """The fake BlueZ's process: what it says, and what it is told."""
    command = [sys.executable, "-m", "bench.air", bus, str(per_s * 25 // 1000)]
    air = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert air.stdin is not None
    assert air.stdout is not None
    try:
        await air.stdout.readline()
        yield air.stdout, air.stdin
    finally:
        air.stdin.close()
        await air.wait()


@contextmanager
def _private_bus() -> Iterator[str]:
    """A dbus-daemon of our own in the system bus's place."""
    before = os.environ.get("DBUS_SYSTEM_BUS_ADDRESS")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        (Path(folder) / "bus.conf").write_text(BUS.format(path=f"{folder}/bus"))
        command = ["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile", "--print-address=1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as daemon:
            try:
                assert daemon.stdout is not None
                daemon.stdout.readline()
                os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={folder}/bus"
                yield os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
            finally:
                daemon.terminate()
                del os.environ["DBUS_SYSTEM_BUS_ADDRESS"]
                if before is not None:
                    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = before
