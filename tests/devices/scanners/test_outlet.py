"""A journal that refuses: tried again, then told, never silent."""

from __future__ import annotations

import asyncio

import pytest

from devices.scanners.classify import classifier
from devices.scanners.fake import FakeScanner
from devices.scanners.outlet import QUEUE, RETRY_S, outlet
from edge.config import CodesSection
from edge.errors import DeviceError, Refusal
from edge.events import Code, CodeKind, CodeScanned, Event, Transport
from edge.ids import StationId
from tests.devices.scanners.given_scanner import Heard, running, section
from tests.given import HandClock

CODE = Code(kind=CodeKind.UNKNOWN, value="x")


class Told:
    """A station that is told of refusals."""

    def __init__(self) -> None:
        self.words: list[tuple[str | None, str, Refusal]] = []

    async def refused(self, station: StationId | None, code: Code, reason: Refusal) -> None:
        self.words.append((station, code.value, reason))


async def test_a_fake_scanner_plays(hand_clock: HandClock) -> None:
    heard = Heard()
    scanner = FakeScanner(
        section(station="k1"),
        classify=classifier(CodesSection()),
        clock=hand_clock.clock,
        scans=["]E06901234567892"] + ["many"] * 50,
    )
    async with running(scanner, heard):
        await scanner.scan("last")
        names = await heard.wait(53)
    assert names[0] == "DeviceFound"
    assert names[-1] == "last"
    scanned = heard.events[1]
    assert isinstance(scanned, CodeScanned)
    assert (scanned.device, scanned.station, scanned.transport) == ("dock-1", "k1", Transport.FAKE)
    assert scanner.name == "scanner dock-1"


@pytest.mark.looptime
async def test_a_refused_scan_is_tried_again(hand_clock: HandClock) -> None:
    heard, told = Heard(), Told()
    heard.refusals = [Refusal.BUSY, Refusal.DISK_FULL]
    async with outlet(heard.submit, section=section(), clock=hand_clock.clock, refused=told.refused) as out:
        out.scanned(CODE)
        assert await heard.wait(1) == ["x"]
    assert told.words == []


@pytest.mark.looptime
async def test_a_scan_that_stays_refused_is_told_to_the_station(hand_clock: HandClock) -> None:
    heard, told = Heard(), Told()
    heard.refusals = [Refusal.DISK_FULL] * (len(RETRY_S) + 1)
    async with outlet(heard.submit, section=section(station="k1"), clock=hand_clock.clock, refused=told.refused) as out:
        out.scanned(CODE)
        out.scanned(CODE)
        assert await heard.wait(1) == ["x"]
    assert told.words == [("k1", "x", Refusal.DISK_FULL)]


@pytest.mark.looptime
async def test_while_the_disk_stays_full_nobody_waits_for_the_tries_again(hand_clock: HandClock) -> None:
    heard, told = Heard(), Told()
    heard.refusals = [Refusal.DISK_FULL] * (len(RETRY_S) + 1 + 2) + [Refusal.DISK_FULL] * 2
    async with outlet(heard.submit, section=section(station="k1"), clock=hand_clock.clock, refused=told.refused) as out:
        began = asyncio.get_running_loop().time()
        for _ in range(3):
            out.scanned(CODE)
        await out.drained()
        assert asyncio.get_running_loop().time() - began == pytest.approx(sum(RETRY_S))
        assert told.words == [("k1", "x", Refusal.DISK_FULL)] * 3
        heard.refusals = []
        out.scanned(CODE)
        await out.drained()
        heard.refusals = [Refusal.BUSY] * 2  # it took one: the next is worth a few tries once more
        out.scanned(CODE)
        await out.drained()
    assert len(told.words) == 3
    assert heard.tries == len(RETRY_S) + 1 + 2 + 1 + 3


async def test_a_fault_is_not_tried_again(hand_clock: HandClock) -> None:
    heard, told = Heard(), Told()
    heard.refusals = [Refusal.FAULT]
    async with outlet(heard.submit, section=section(), clock=hand_clock.clock, refused=told.refused) as out:
        out.scanned(CODE)
        out.found()
        assert await heard.wait(1) == ["DeviceFound"]
    assert told.words == [(None, "x", Refusal.FAULT)]
    assert heard.tries == 2


async def test_more_scans_than_a_person_makes_are_refused_not_stored(hand_clock: HandClock) -> None:
    told = Told()
    release = asyncio.Event()
    taken: list[Event] = []

    async def slow(event: Event) -> object:
        await release.wait()
        taken.append(event)
        return None

    async with outlet(slow, section=section(station="k1"), clock=hand_clock.clock, refused=told.refused) as out:
        for number in range(QUEUE + 5):
            out.scanned(Code(kind=CodeKind.UNKNOWN, value=str(number - QUEUE)))
        out.found()
        await asyncio.sleep(0.01)
        assert told.words == [("k1", "0", Refusal.BUSY)]
        release.set()
        await out.drained()
    assert len(taken) == QUEUE


async def test_one_error_comes_out_as_itself(hand_clock: HandClock) -> None:
    with pytest.raises(DeviceError, match="gone"):
        async with outlet(Heard().submit, section=section(), clock=hand_clock.clock):
            raise DeviceError("gone")
