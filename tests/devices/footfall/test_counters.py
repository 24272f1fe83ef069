"""The drivers: a camera's worker process on a film, a pair of beams on a fake input, a fake."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devices.footfall.beam import BeamCounter
from devices.footfall.build import counter
from devices.footfall.clip import write_door_clip
from devices.footfall.fake import FakeCounter
from devices.inputs import DOWN, LOST, UP, Input, Key, key_code
from edge.clock import Clock
from edge.errors import DeviceError, UsageError
from edge.events import DeviceFound, DeviceLost, FootfallCounted
from tests.devices.footfall.given_counter import Journal, running, section


def clock() -> Clock:
    return Clock(boot_id="boot0")


async def test_a_fake_is_folded_and_tells_the_open_interval_when_it_ends() -> None:
    journal = Journal()
    driver = FakeCounter(section(interval_s=3600), clock=clock())
    async with running(driver, journal):
        await journal.until(DeviceFound)
        driver.passed(entering=True)
        driver.passed(entering=True)
        driver.passed(entering=False)
        await asyncio.sleep(0.5)
    (event,) = journal.counts()
    assert (event.entered, event.exited, event.source, event.zone) == (2, 1, "fake", "door")
    assert 0 < event.covered_s <= event.interval_s


async def test_a_refused_interval_is_told_later_and_no_one_is_lost() -> None:
    journal = Journal(refusals=1)
    driver = FakeCounter(section(interval_s=1), clock=clock())
    async with running(driver, journal):
        driver.passed(entering=True)
        await journal.until(FootfallCounted)
        driver.passed(entering=True)
        await journal.until(FootfallCounted, 2)
        await asyncio.sleep(0.3)
    assert sum(event.entered for event in journal.counts()) == 2


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    path = tmp_path_factory.mktemp("film") / "door.mp4"
    return path, len(write_door_clip(path, 11, 8))


async def test_a_film_is_watched_by_a_worker(film: tuple[Path, int]) -> None:
    path, people = film
    journal = Journal()
    async with running(counter(section(source="camera", device=str(path), interval_s=3600), clock()), journal):
        await journal.until(DeviceFound)
        await asyncio.sleep(9)
    (event,) = journal.counts()
    assert event.source == "strip"
    assert abs(event.entered + event.exited - people) <= 1
    assert 7 <= event.covered_s <= 8.5  # the film's length, not the interval's


async def test_a_camera_that_is_not_there_is_told_once_and_coverage_is_zero() -> None:
    journal = Journal()
    async with running(counter(section(source="camera", device="/nowhere.mp4", interval_s=1), clock()), journal):
        await journal.until(DeviceLost)
        await journal.until(FootfallCounted, 3)
    assert sum(isinstance(event, DeviceLost) for event in journal.events) == 1
    assert not any(isinstance(event, DeviceFound) for event in journal.events)
    assert all(event.covered_s == 0 for event in journal.counts())


async def test_a_worker_that_dies_is_started_again(film: tuple[Path, int]) -> None:
    journal = Journal()
    watched = section(source="camera", device=str(film[0]), interval_s=3600, loop=True)
    async with running(counter(watched, clock()), journal):
        await journal.until(DeviceFound)
        for child in await asyncio.to_thread(children):
            os.kill(child, signal.SIGKILL)
        await journal.until(DeviceLost)
        await journal.until(DeviceFound, 2)
    (event,) = journal.counts()
    assert event.covered_s < event.interval_s - 0.9  # the pause before the new start was not seen


def children() -> list[int]:
    """Worker processes of this test process."""
    ids = Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()
    return [int(i) for i in ids if b"devices.footfall.worker" in Path(f"/proc/{i}/cmdline").read_bytes()]


class FakeBeams:
    def __init__(self) -> None:
        self.keys: asyncio.Queue[Key | None] = asyncio.Queue()
        self.opened = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Input]:
        self.opened += 1
        yield Input(path="/dev/input/event9", name="beams", keys=self._read())

    async def _read(self) -> AsyncIterator[Key]:
        while (key := await self.keys.get()) is not None:
            yield key
        raise DeviceError("/dev/input/event9 is gone")

    def pass_by(self, *codes_and_values: tuple[int, int]) -> None:
        for number, (code, value) in enumerate(codes_and_values):
            self.keys.put_nowait(Key(100.0 + number * 0.1, code, value))


async def test_beams_are_read_and_survive_unplugging() -> None:
    pytest.importorskip("evdev", reason="storegate[hid] is not installed")
    outer, inner = key_code("KEY_1"), key_code("KEY_2")
    journal, beams = Journal(), FakeBeams()
    driver = BeamCounter(section(source="beam", device="/dev/input/event9"), clock=clock(), open_input=beams.open)
    async with running(driver, journal):
        beams.pass_by((outer, DOWN), (inner, DOWN), (outer, UP), (inner, UP))
        beams.pass_by((outer, DOWN), (inner, DOWN), (LOST, UP), (outer, UP), (inner, UP))
        beams.keys.put_nowait(None)
        await journal.until(DeviceLost)
        await journal.until(DeviceFound, 2)
        beams.pass_by((inner, DOWN), (outer, DOWN), (inner, UP), (outer, UP))
        await asyncio.sleep(0.7)
    (event,) = journal.counts()
    assert (event.entered, event.exited, event.source) == (1, 1, "beam")
    assert event.covered_s > 0


def test_a_wrong_key_name_says_what_was_meant() -> None:
    pytest.importorskip("evdev", reason="storegate[hid] is not installed")
    with pytest.raises(UsageError) as raised:
        counter(section(source="beam", device="/dev/x", beam_outer_key="KEY_ENTR"), clock())
    assert "KEY_ENTER" in raised.value.hint
