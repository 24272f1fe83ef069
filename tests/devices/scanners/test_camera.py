"""The camera scanner through its real worker process and a real film."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from devices.scanners.camera import CameraScanner
from devices.scanners.classify import classifier
from edge.config import CodesSection, ScannerSection
from edge.errors import UsageError
from edge.events import CodeKind, CodeScanned, DeviceFound, DeviceLost, Event
from tests.devices.scanners.given_picture import COLA, film, on_table, symbol
from tests.given import HandClock

PATIENCE_S = 20.0
"""Starting Python and OpenCV on a busy machine."""


class Heard:
    """What a driver submitted, and a way to wait for more."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Condition()

    async def submit(self, event: Event) -> None:
        async with self._more:
            self.events.append(event)
            self._more.notify_all()

    async def until(self, kind: type[Event], count: int = 1) -> list[Any]:
        async with asyncio.timeout(PATIENCE_S), self._more:
            await self._more.wait_for(lambda: len(self.of(kind)) >= count)
            return self.of(kind)

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def camera(source: Path | str, *, loop: bool = False, paced: bool = False, **section: Any) -> CameraScanner:
    return CameraScanner(
        section=ScannerSection(
            id="dock-1", transport="camera", station="kiosk-1", device=str(source), loop=loop, **section
        ),
        classify=classifier(CodesSection()),
        clock=HandClock().clock,
        paced=paced,
        restart_s=(0.05,),
    )


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """An empty table, then a bottle of cola, then a payment code, then nothing."""
    empty = on_table(symbol("x", "QR Code", scale=1, quiet=0) * 0 + 110)
    cola = on_table(symbol(COLA, "EAN-13"), turn=8)
    pay = on_table(symbol("130012345678901234", "QR Code"))
    return film(tmp_path / "shelf.avi", [*[empty] * 5, *[cola] * 10, *[empty] * 45, *[pay] * 8, *[empty] * 5])


async def test_a_film_gives_each_code_once_and_no_payment_code(shelf: Path) -> None:
    heard = Heard()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(camera(shelf).run(heard.submit))
        scans: list[CodeScanned] = await heard.until(CodeScanned, 2)
        task.cancel()
    cola, pay = scans
    assert heard.of(DeviceFound)
    assert (cola.code.kind, cola.code.gtin, cola.votes) == (CodeKind.GTIN, "0" + COLA, 2)
    assert cola.station == "kiosk-1"
    assert (pay.code.kind, pay.code.value) == (CodeKind.PAYMENT, "")
    assert len(heard.of(CodeScanned)) == 2


async def test_a_killed_worker_comes_back(shelf: Path) -> None:
    heard = Heard()
    scanner = camera(shelf, loop=True, paced=True)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(scanner.run(heard.submit))
        await heard.until(CodeScanned)
        first = scanner.worker_pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await heard.until(DeviceLost)
        await heard.until(DeviceFound, 2)
        assert scanner.worker_pid not in {None, first}
        await heard.until(CodeScanned, 2)
        task.cancel()


async def test_a_hanging_worker_is_replaced(shelf: Path) -> None:
    heard = Heard()
    scanner = camera(shelf, loop=True, paced=True)
    scanner._silent_s = 3.0
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(scanner.run(heard.submit))
        await heard.until(DeviceFound)
        first = scanner.worker_pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        lost = await heard.until(DeviceLost)
        assert "no picture" in lost[0].problem
        await heard.until(DeviceFound, 2)
        assert scanner.worker_pid != first
        task.cancel()


async def test_cancelling_leaves_no_process(shelf: Path) -> None:
    heard = Heard()
    scanner = camera(shelf, loop=True, paced=True)
    task = asyncio.create_task(scanner.run(heard.submit))
    await heard.until(DeviceFound)
    worker = scanner.worker_pid
    assert worker is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


async def test_a_camera_that_is_not_there_is_told_once_in_words(tmp_path: Path) -> None:
    heard = Heard()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(camera(tmp_path / "no.avi").run(heard.submit))
        lost = await heard.until(DeviceLost)
        await asyncio.sleep(1.0)  # a few more tries
        task.cancel()
    assert "is not there" in lost[0].problem
    assert len(heard.of(DeviceLost)) == 1


async def test_a_wrong_symbology_is_the_persons_to_mend(shelf: Path) -> None:
    with pytest.raises(UsageError, match="EAN13"):
        await asyncio.wait_for(camera(shelf, formats=("EAN13",)).run(Heard().submit), PATIENCE_S)
