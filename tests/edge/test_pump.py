from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge import events as ev
from edge.board import Board, State
from edge.effects import ShowOnKiosk
from edge.errors import JournalRefusedError
from edge.ids import DeviceId
from edge.journal import Journal
from edge.pump import Pump
from tests.edge.test_journal import opened, scan
from tests.given import stamp


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = await asyncio.to_thread(opened, tmp_path)
    yield journal
    await journal.close()


async def test_effects_reach_their_sinks_after_the_commit(journal: Journal) -> None:
    pump, seen = Pump(journal, Board()), []

    async def show(effect: ShowOnKiosk) -> None:
        seen.append((effect.station, journal.last_seq))

    pump.on(ShowOnKiosk, show)
    assert await pump.submit(scan()) is None
    assert seen == [("k1", 1)]


async def test_a_sink_that_fails_is_told_and_the_others_are_done(journal: Journal) -> None:
    board = Board()
    pump, seen = Pump(journal, board), []

    async def broken(_: ShowOnKiosk) -> None:
        raise ConnectionError("the screen is gone")

    async def show(effect: ShowOnKiosk) -> None:
        seen.append(effect.station)

    pump.on(ShowOnKiosk, broken)
    pump.on(ShowOnKiosk, show)
    await pump.submit(scan())
    assert seen == ["k1"]
    assert [(p.where, p.text) for p in board.problems] == [("effect ShowOnKiosk", "the screen is gone")]


async def test_what_is_not_on_disk_has_no_effect(journal: Journal) -> None:
    pump, seen = Pump(journal, Board()), []

    async def show(effect: ShowOnKiosk) -> None:
        seen.append(effect)

    pump.on(ShowOnKiosk, show)
    await journal.close()
    with pytest.raises(JournalRefusedError):
        await pump.submit(scan())
    assert seen == []


async def test_tasks_are_begun_in_the_order_of_the_commits(journal: Journal) -> None:
    """A sink that gives tasks has its place when it is called, not when its caller comes to wait for it."""
    pump, begun = Pump(journal, Board()), list[int]()
    slow = asyncio.Event()

    async def wait(_: ShowOnKiosk) -> None:
        await slow.wait()

    def order(_: ShowOnKiosk) -> asyncio.Future[None]:
        begun.append(len(begun))
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    pump.on(ShowOnKiosk, wait)
    pump.on(ShowOnKiosk, order)
    waiting = asyncio.create_task(pump.submit(scan()))
    async with asyncio.timeout(5):
        while not begun:
            await asyncio.sleep(0.001)
    assert not waiting.done()
    slow.set()
    await waiting


async def test_who_goes_away_takes_no_order_back(journal: Journal) -> None:
    pump, begun = Pump(journal, Board()), list[asyncio.Future[None]]()

    def order(_: ShowOnKiosk) -> asyncio.Future[None]:
        begun.append(asyncio.get_running_loop().create_future())
        return begun[0]

    async def never(_: ShowOnKiosk) -> None:
        raise AssertionError

    pump.on(ShowOnKiosk, order)
    pump.on(ShowOnKiosk, never)
    waiting = asyncio.create_task(pump.submit(scan()))
    async with asyncio.timeout(5):
        while not begun:
            await asyncio.sleep(0.001)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not begun[0].cancelled()


async def test_devices_are_seen_on_the_board(journal: Journal) -> None:
    board = Board()
    pump = Pump(journal, board)
    await pump.submit(ev.DeviceFound(at=stamp(), device=DeviceId("dock-1"), kind="scanner"))
    await pump.submit(scan())
    device = board.devices["dock-1"]
    assert (device.kind, device.state, device.seen) == ("scanner", State.UP, stamp())
    await pump.submit(ev.DeviceLost(at=stamp(), device=DeviceId("dock-1"), kind="scanner", problem="unplugged"))
    assert (device.state, device.problem) == (State.WAITING, "unplugged")
