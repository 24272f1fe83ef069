"""A disk without room: shoppers are served, nothing pretends to be recorded, and it comes back by itself."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from edge.catalogue import import_file
from edge.daemon import Running
from edge.errors import JournalRefusedError
from edge.events import Code, CodeKind, CodeScanned, Transport
from edge.ids import DeviceId
from tests.flows.given_daemon import daemon, serial_line, settings
from tests.given_disk import empty, fill, small_disk

COLA = "6902000002678"
PRODUCTS = Path(__file__).parents[2] / "edge" / "demo" / "products.csv"


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path) as folder:
        yield folder


async def test_a_full_disk_costs_the_record_not_the_shopper(card: Path) -> None:
    await asyncio.to_thread(import_file, PRODUCTS, card / "catalogue.sqlite", progress=lambda *_: None)
    with serial_line() as (line, device):
        config = await settings(card, scanner=device)
        async with daemon(config) as running, aiohttp.ClientSession(running.shop.url) as http:
            async with http.ws_connect("/kiosk/kiosk-1/live") as screen:
                await screen.receive_json()
                await _device_up(running)
                await asyncio.to_thread(fill, card)
                await _until_refused(running)
                os.write(line, f"]E0{COLA}\r".encode())
                assert "Coca-Cola Cola can 330 ml" in await _view(screen)
                os.write(line, b"what is this\r")
                assert "Please scan again" in await _view(screen)
                assert [problem.where for problem in running.board.problems][-1:] == ["scanner dock"]
                assert await _scans(running) == []

                await asyncio.to_thread(empty, card)
                os.write(line, f"]E0{COLA}\r".encode())
                assert "Coca-Cola Cola can 330 ml" in await _view(screen)
            assert await _scans(running) == [f"0{COLA}"]


async def _until_refused(running: Running) -> None:
    """The journal has a reserve, and lets older news go for newer: it holds out for a while."""
    code = Code(kind=CodeKind.UNKNOWN, value="x")
    with pytest.raises(JournalRefusedError):
        for _ in range(2000):
            at = running.clock.now()
            event = CodeScanned(at=at, device=DeviceId("other"), transport=Transport.FAKE, code=code)
            await running.journal.submit(event)


async def _view(screen: aiohttp.ClientWebSocketResponse) -> str:
    async with asyncio.timeout(10):
        while True:
            message = await screen.receive_json()
            if "view" in message:
                return str(message["view"])


async def _scans(running: Running) -> list[str]:
    """GTINs that the cloud will be told."""
    rows = await running.journal.pending(after_seq=0, limit=5000)
    told = [json.loads(row.body) for row in rows if row.type == "code.scanned.v1"]
    return [scan["gtin"] for scan in told if scan["device"] == "dock"]


async def _device_up(running: Running) -> None:
    async with asyncio.timeout(10):
        while "dock" not in running.board.devices or running.board.devices["dock"].seen is None:
            await asyncio.sleep(0.02)
