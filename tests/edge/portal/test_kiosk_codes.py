"""A phone's member code before a kiosk's scanner: from the scanner to the gate and back to the screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from devices.scanners.classify import classify
from devices.scanners.fake import FakeScanner
from edge.access_answers import AccessRefusal, AccessWhy, Admitted, Way
from edge.board import State
from edge.config import ScannerSection
from edge.effects import ShowOnKiosk
from edge.events import Code, CodeKind
from edge.ids import StationId
from edge.portal.asks import Step
from edge.portal.kiosk_codes import KioskCodes
from tests.edge.portal.ways.given_box import KIOSK, Box, mac, open_box
from tests.edge.web.given_shop import open_shop


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with open_box(tmp_path) as made:
        yield made


async def test_from_the_scanner_to_the_screen(box: Box) -> None:
    """The code as a scanner reads it; the screen's page over its WebSocket, as a browser has it."""
    section = ScannerSection(id="dock", transport="fake", station=KIOSK)
    scanner = FakeScanner(section, classify=lambda text, aim="": classify(text, aim=aim), clock=box.hand.clock)
    async with open_shop(box.hand.clock, language="en") as shop, aiohttp.ClientSession(shop.url) as http:
        box.pump.on(ShowOnKiosk, shop.screens.show)
        box.tell = shop.screens.show_wifi
        running = asyncio.create_task(scanner.run(box.pump.submit))
        async with asyncio.timeout(5), http.ws_connect(f"/kiosk/{KIOSK}/live") as live:
            await live.receive_json()

            async def seen(text: str) -> None:
                while text not in (await live.receive_json()).get("view", ""):
                    pass

            await box.post(Way.MEMBER)
            code = await box.desk.member_code(await box.guest())
            await scanner.scan(code)
            await seen("Your phone is on the Wi-Fi")
            assert box.gate[mac(1)] > 0
            await scanner.scan(code[:-1] + ("A" if code[-1] != "A" else "B"))
            await seen("The Wi-Fi did not let you in")
            box.board.wifi.gate = State.DOWN
            await scanner.scan(code)
            await seen("The Wi-Fi did not let you in")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_member_code_before_a_kiosk(box: Box) -> None:
    step = await box.post(Way.MEMBER, number="ignored", code="SGM1" + "A" * 96)
    assert isinstance(step, Step)
    assert mac(1) not in box.gate
    code = await box.desk.member_code(await box.guest())
    await box.scanned(code)
    station, answer = await box.told.get()
    assert station == KIOSK
    assert isinstance(answer, Admitted)
    assert box.gate[mac(1)] > 0


async def test_a_member_code_that_is_over_or_forged(box: Box) -> None:
    await box.post(Way.MEMBER)
    code = await box.desk.member_code(await box.guest())
    last = "A" if code[20] != "A" else "B"
    await box.scanned(code[:20] + last + code[21:])
    assert (await box.told.get())[1] == AccessRefusal(why=AccessWhy.CODE_OVER)
    box.hand.forward(5 * 60_000)
    await box.scanned(code)
    assert (await box.told.get())[1] == AccessRefusal(why=AccessWhy.CODE_OVER)
    assert not box.gate


async def test_other_codes_are_not_ours_to_answer(box: Box) -> None:
    await box.scanned("SGM1ABCDEFGH")  # a member code of the till's
    await box.scanned("06901234567892", CodeKind.GTIN)
    await box.scanned("SGM1" + "A" * 96, CodeKind.UNKNOWN)
    await asyncio.sleep(0.02)
    assert box.told.empty()


async def test_a_burst_of_scans_is_bounded() -> None:
    class Slow:
        async def shown(self, code: Code, station: StationId | None) -> AccessRefusal:
            await asyncio.Event().wait()
            raise AssertionError(code, station)

    told: list[Admitted | AccessRefusal] = []

    async def tell(_station: StationId, answer: Admitted | AccessRefusal) -> None:
        told.append(answer)

    codes = KioskCodes(Slow(), tell=tell)
    running = asyncio.create_task(codes.run())
    for _ in range(100):
        await codes.sink(ShowOnKiosk(station=KIOSK, code=Code(kind=CodeKind.MEMBER, value="SGM1" + "A" * 96)))
    running.cancel()
    assert len(told) >= 80
    assert set(told) == {AccessRefusal(why=AccessWhy.TOO_OFTEN)}
