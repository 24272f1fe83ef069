"""Shakes: how many phones a shop can answer with each answer on the disk first, what one costs, how long it waits."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.row import Row
from edge import grants
from edge.board import Board
from edge.clock import Clock
from edge.config import Config, CouponsSection, GatewaySection
from edge.coupon_desk import CouponDesk
from edge.journal import Journal
from edge.keys import GatewayKeys, public_text
from edge.pump import Pump
from edge.rotation import epoch_of, minor_of
from edge.shake_answers import Shaken
from edge.shake_desk import RawBeacon, ShakeAsk, ShakeDesk
from edge.shop import Beacon, Bound, Campaign, CouponKind, Draw, Page, Prize, Shop
from edge.store import ledger_check

SHAKES = 3_000
CALLERS = 100
BEACONS = 200
UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
SHOP = Shop(
    beacons={
        f"b{index}": Beacon(
            id=f"b{index}", uuid=UUID, major=1, minor=index, rotating=True, zone="hall", pages=(Bound(page="wheel"),)
        )
        for index in range(BEACONS)
    },
    pages={"wheel": Page(id="wheel", title_zh="转", title_en="wheel", draw="lucky")},
    draws={
        "lucky": Draw(
            id="lucky",
            name_zh="抽",
            name_en="lucky",
            starts_ms=1,
            ends_ms=2**42,
            prizes=(Prize(campaign="bench", chance_ppm=500_000),),
            wins_per_shopper=0,
        )
    },
    campaigns={
        "bench": Campaign(
            id="bench", name_zh="测", name_en="bench", kind=CouponKind.CASH, value=300, starts_ms=1, ends_ms=2**42,
            stock=10**6, per_member=0,
        )
    },
)  # fmt: skip


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        yield from asyncio.run(_shakes(Path(folder)))


async def _shakes(folder: Path) -> list[Row]:
    cloud, clock = Ed25519PrivateKey.generate(), Clock()
    config = Config(
        gateway=GatewaySection(tenant="a", store="b", id="c", state_dir=str(folder)),
        coupons=CouponsSection(issuer_keys={"cloud": public_text(cloud)}),
    )
    journal = await asyncio.to_thread(Journal.open, folder / "journal.sqlite", shop=SHOP, clock=clock)
    try:
        keys = await asyncio.to_thread(GatewayKeys.open, folder)
        pump = Pump(journal, Board())
        coupons = CouponDesk(pump=pump, journal=journal, clock=clock, keys=keys, config=config, shop=lambda: SHOP)
        desk = ShakeDesk(
            pump=pump, journal=journal, clock=clock, keys=keys, config=config, shop=lambda: SHOP, coupons=coupons
        )
        grant = grants.Grant(
            grant_id="g", campaign="bench", gateway=config.source, units=10**6, not_after_ms=2**42, seq=1
        )
        await coupons.grant(msgspec.json.encode(grants.sign(grant, key_id="cloud", key=cloud)))
        found = await _timed(_Phone(desk, keys.beacon_key("rotation"), clock))
        report = await journal.read(ledger_check.verify)
        assert report.ok, report.faults
        return found
    finally:
        await journal.close()


class _Phone:
    """Hears four rotating beacons; each shake is another shopper's."""

    def __init__(self, desk: ShakeDesk, key: bytes, clock: Clock) -> None:
        self._desk, self._key, self._clock = desk, key, clock

    async def shake(self, number: int) -> float:
        """Seconds until the answer."""
        epoch = epoch_of(self._clock.now().at_ms, rotate_s=300)
        beacons = tuple(
            RawBeacon(
                uuid=UUID,
                major=1,
                minor=minor_of(self._key, epoch=epoch, index=(number + each) % BEACONS),
                rssi_dbm=-60 - each,
            )
            for each in range(4)
        )
        start = time.perf_counter()
        fresh = self._desk.fresh()
        answer = await self._desk.shake(
            ShakeAsk(nonce=fresh.nonce, salt="bench", shopper=f"wallet-{number}", beacons=beacons)
        )
        assert isinstance(answer, Shaken), answer
        return time.perf_counter() - start


async def _timed(phone: _Phone) -> list[Row]:
    numbers, waits = iter(range(SHAKES)), list[float]()

    async def caller() -> None:
        for number in numbers:
            waits.append(await phone.shake(number))

    start, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(caller())
    rate, cpu_ms = SHAKES / (time.perf_counter() - start), (time.process_time() - cpu) / SHAKES * 1e3
    p99_ms = statistics.quantiles(waits, n=100)[98] * 1e3
    lone = [await phone.shake(SHAKES + number) for number in range(100)]
    note = f"{CALLERS} phones at once, 4 rotating beacons each, every second one wins"
    return [
        Row(part="shakes", what="shake, durable", value=rate, unit="/s", hold=200, at_least=True, note=note),
        Row(part="shakes", what="shake, durable: p99", value=p99_ms, unit="ms", hold=500, note=note),
        Row(part="shakes", what="shake: CPU", value=cpu_ms, unit="ms", note="with its nonce, coupon and figures"),
        Row(part="shakes", what="shake, one lone phone", value=statistics.median(lone) * 1e3, unit="ms"),
    ]
