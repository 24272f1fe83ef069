"""Scan → kiosk screen: from the event's submission to the HTML at the page's WebSocket, decoding of the code left out.

Real journal (fsync), pump, catalogue, rendering, HTTP on loopback. The alternative is a page that asks every 250 ms.
"""

from __future__ import annotations

import asyncio
import csv
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp

from bench import synthetic_catalogue
from bench.row import Row
from edge.board import Board
from edge.catalogue import FILE_NAME, CatalogueDesk, import_file
from edge.clock import Clock
from edge.config import Config, GatewaySection, Listener, StationSection
from edge.effects import ShowOnKiosk
from edge.events import Code, CodeKind, CodeScanned, Transport
from edge.ids import DeviceId, Gtin, StationId
from edge.journal import Journal
from edge.pump import Pump
from edge.shop import Shop
from edge.web.app import listen
from edge.web.shop import kiosk
from edge.web.shop.counter import Counter
from edge.web.shop.screens import Screens

PRODUCTS = 5_000
SCANS = 1_000
POLLED = 40
POLL_S = 0.25
HOLD_MS = 20.0
STATION = StationId("kiosk-1")


class Shopfront(NamedTuple):
    url: str
    pump: Pump
    clock: Clock
    codes: list[Gtin]


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        pushed, polled = asyncio.run(_measure(Path(folder)))
    for share, name in ((0.5, "p50"), (0.99, "p99")):
        hold = HOLD_MS if name == "p99" else None
        yield Row(part="kiosk", what=f"scan to screen: {name}", value=_at(pushed, share), unit="ms", hold=hold)
        what = f"scan to screen: {name}"
        yield Row(part="kiosk", what=what, by="page asks every 250 ms", value=_at(polled, share), unit="ms")


async def _measure(folder: Path) -> tuple[list[float], list[float]]:
    async with _shopfront(folder) as front, aiohttp.ClientSession() as http:
        async with http.ws_connect(f"{front.url}/kiosk/{STATION}/live") as live:
            await live.receive()
            sys.stderr.write(f"{SCANS} scans to a screen\n")
            pushed = [await _pushed(front, live, front.codes[turn % len(front.codes)]) for turn in range(SCANS)]
        sys.stderr.write(f"{POLLED} scans to a page that asks\n")
        polled = [await _polled(front, http, code, turn) for turn, code in enumerate(front.codes[:POLLED])]
    return pushed, polled


async def _pushed(front: Shopfront, live: aiohttp.ClientWebSocketResponse, code: Gtin) -> float:
    """Milliseconds until the page has the product; the scan's own answer is awaited beside it."""
    began = time.perf_counter()
    scan = asyncio.ensure_future(_scan(front, code))
    message = json.loads((await live.receive(timeout=5)).data)
    took_ms = (time.perf_counter() - began) * 1000
    await scan
    if "view" not in message:
        raise RuntimeError(f"the screen was told something else: {sorted(message)}")
    return took_ms


async def _polled(front: Shopfront, http: aiohttp.ClientSession, code: Gtin, turn: int) -> float:
    """The same for a page that asks; scans come at any moment of its rhythm."""
    began = time.perf_counter()
    scan = asyncio.ensure_future(_scan(front, code))
    await asyncio.sleep(POLL_S * (turn % 10) / 10)
    while True:
        async with http.get(f"{front.url}/kiosk/{STATION}", headers={"X-Part": "1"}) as answer:
            shown = 'class="product"' in await answer.text()
        if shown and scan.done():
            break
        await asyncio.sleep(POLL_S)
    return (time.perf_counter() - began) * 1000


async def _scan(front: Shopfront, code: Gtin) -> None:
    scanned = Code(kind=CodeKind.GTIN, value=code, gtin=code)
    event = CodeScanned(
        at=front.clock.now(), device=DeviceId("dock"), transport=Transport.FAKE, code=scanned, station=STATION
    )
    await front.pump.submit(event)


@asynccontextmanager
async def _shopfront(folder: Path) -> AsyncIterator[Shopfront]:
    goods = [row.product for row in synthetic_catalogue.products(PRODUCTS)]
    source = folder / "products.csv"
    columns = ("gtin", "name_zh", "category", "price_fen", "stock")
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([getattr(product, column) for column in columns] for product in goods)
    sys.stderr.write(f"importing {PRODUCTS} products\n")
    await asyncio.to_thread(import_file, source, folder / FILE_NAME, progress=lambda *_: None)
    clock, board = Clock(), Board()
    journal = await asyncio.to_thread(Journal.open, folder / "journal.sqlite", shop=Shop(), clock=clock)
    desk = CatalogueDesk(folder / FILE_NAME)
    pump = Pump(journal, board)
    config = Config(
        gateway=GatewaySection(tenant="bench", store="bench", id="bench"), stations={STATION: StationSection()}
    )
    counter = Counter(config=config, clock=clock, board=board, desk=desk, submit=pump.submit, shop=Shop)
    screens = Screens(counter)
    pump.on(ShowOnKiosk, screens.show)
    routes = [*kiosk.routes(counter), *screens.routes()]
    try:
        async with listen("shop", Listener(), routes, closing=[screens.close]) as bound:
            yield Shopfront(bound.url, pump, clock, [product.gtin for product in goods[:200]])
    finally:
        await desk.close()
        await journal.close()


def _at(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)
