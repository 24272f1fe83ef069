"""Coupons: what a token costs, and how many a shop can redeem with each answer on the disk first."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.row import Row
from edge import grants, tokens
from edge.board import Board
from edge.clock import Clock
from edge.config import Config, CouponsSection, GatewaySection
from edge.coupon_answers import Redeemed, Reserved, Shown
from edge.coupon_desk import CouponDesk
from edge.coupon_reader import CouponReader
from edge.ids import StationId
from edge.journal import Journal
from edge.keys import GatewayKeys, public_text
from edge.pump import Pump
from edge.shop import Campaign, CouponKind, Shop
from edge.store import ledger_check

SALES = 2_000
CALLERS = 100
TILL = StationId("till-1")
CAMPAIGN = Campaign(
    id="bench", name_zh="测", name_en="bench", kind=CouponKind.CASH, value=300, starts_ms=1, ends_ms=2**42, stock=10**6
)


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        yield from _tokens(Path(folder))
        yield from asyncio.run(_sales(Path(folder)))


def _tokens(folder: Path) -> Iterator[Row]:
    keys = GatewayKeys.open(folder)
    reader = CouponReader(keys, {})
    serial = tokens.serial_text(secrets.token_bytes(10))
    text = reader.token(serial, "bench", holder="", from_ms=0, to_ms=10**9)
    short = reader.short_code(serial)
    shop = {"bench": CAMPAIGN}
    yield _each("token: sign", lambda: reader.token(serial, "bench", holder="", from_ms=0, to_ms=10**9))
    yield _each("token: read and verify", lambda: reader.read(text, shop))
    yield _each("short code: read and verify", lambda: reader.read(short, shop))


def _each(what: str, deed: Callable[[], object], times: int = 500) -> Row:
    start = time.process_time()
    for _ in range(times):
        deed()
    return Row(part="coupons", what=what, value=(time.process_time() - start) / times * 1e3, unit="ms", note="CPU")


async def _sales(folder: Path) -> list[Row]:
    cloud, clock = Ed25519PrivateKey.generate(), Clock()
    config = Config(
        gateway=GatewaySection(tenant="a", store="b", id="c", state_dir=str(folder)),
        coupons=CouponsSection(issuer_keys={"cloud": public_text(cloud)}),
    )
    shop = Shop(campaigns={"bench": CAMPAIGN})
    journal = await asyncio.to_thread(Journal.open, folder / "journal.sqlite", shop=shop, clock=clock)
    try:
        keys = await asyncio.to_thread(GatewayKeys.open, folder)
        pump = Pump(journal, Board())
        desk = CouponDesk(pump=pump, journal=journal, clock=clock, keys=keys, config=config, shop=lambda: shop)
        grant = grants.Grant(
            grant_id="g", campaign="bench", gateway=config.source, units=10**6, not_after_ms=2**42, seq=1
        )
        await desk.grant(msgspec.json.encode(grants.sign(grant, key_id="cloud", key=cloud)))
        issued = await _timed("issue, durable", desk.issue_to, ["bench"] * SALES)
        codes = [shown.token for shown in issued[1] if isinstance(shown, Shown)]
        sold = await _timed("reserve + commit, durable, signature checked", _Sale(desk), codes)
        lone = await _lone(desk)
        start = time.perf_counter()
        report = await journal.read(ledger_check.verify)
        verify = Row(
            part="coupons", what="ledger verify", value=report.entries / (time.perf_counter() - start), unit="entries/s"
        )
        return [issued[0], sold[0], lone, verify]
    finally:
        await journal.close()


class _Sale:
    def __init__(self, desk: CouponDesk) -> None:
        self._desk = desk

    async def __call__(self, code: str) -> Redeemed:
        key = f"{TILL}/{code[-20:]}/1"
        held = await self._desk.reserve(till=TILL, key=key, code=code, value_fen=300)
        assert isinstance(held, Reserved), held
        done = await self._desk.commit(till=TILL, key=key, value_fen=300)
        assert isinstance(done, Redeemed), done
        return done


async def _timed(what: str, deed: Callable[[str], object], texts: list[str]) -> tuple[Row, list[object]]:
    """`CALLERS` at once, as many tills would."""
    waiting, done = iter(texts), list[object]()

    async def caller() -> None:
        for text in waiting:
            done.append(await deed(text))  # type: ignore[misc]

    start = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(caller())
    rate = len(done) / (time.perf_counter() - start)
    return Row(part="coupons", what=what, value=rate, unit="/s", note=f"{CALLERS} callers"), done


async def _lone(desk: CouponDesk) -> Row:
    sale, times = _Sale(desk), 100
    shown = [await desk.issue_to("bench") for _ in range(times)]
    start = time.perf_counter()
    for each in shown:
        assert isinstance(each, Shown)
        await sale(each.token)
    took_ms = (time.perf_counter() - start) / times * 1e3
    return Row(part="coupons", what="reserve + commit, one lone till", value=took_ms, unit="ms", note="two fsyncs")
