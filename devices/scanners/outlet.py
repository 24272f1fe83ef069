"""From a scanner's reader to the journal: a bounded queue, a few tries, and a word to the person when it does not work.

A scan that the journal refuses (disk full, busy) is tried again for two seconds, as long as a person keeps looking at
the screen. Then it is given up, never silently: `refused` is called with the code and the reason, so that the station
can still show a product, or "please scan again", and the status page what is wrong. As long as the journal goes on
refusing, each next scan has one try: nobody waits two seconds for what the last scan has shown not to work. The reader
never waits for a disk, and a refused scan does not end the driver.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from devices.driver import Submit
from edge.clock import Clock
from edge.config import ScannerSection
from edge.errors import JournalRefusedError, Refusal
from edge.events import Code, CodeScanned, DeviceFound, DeviceLost, Event, Transport
from edge.ids import DeviceId, StationId

log = logging.getLogger(__name__)

QUEUE = 16
"""Scans that wait for the disk. A person scans one or two a second: more means that nobody waits for them any longer.
"""
RETRY_S = (0.1, 0.4, 1.5)
FINAL = frozenset({Refusal.FAULT, Refusal.CLOSED})
"""Reasons that another try does not change."""

Refused = Callable[[StationId | None, Code, Refusal], Awaitable[None]]
"""Tells the station (None: the scanner has none) what was scanned and not taken, and why."""


async def only_logged(station: StationId | None, _code: Code, reason: Refusal) -> None:
    log.warning("a scan was refused (station %s): %s", station or "none", reason)


class Outlet:
    """Made by `outlet()`. Its methods never wait."""

    def __init__(self, section: ScannerSection, clock: Clock, refused: Refused) -> None:
        self._device = DeviceId(section.id)
        self._station = StationId(section.station) if section.station else None
        self._transport = Transport(section.transport)
        self._clock = clock
        self._refused = refused
        self._queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE)
        self._overflow: asyncio.Queue[Code] = asyncio.Queue(1)

    def scanned(self, code: Code, *, votes: int = 1) -> None:
        self._put(
            CodeScanned(
                at=self._clock.now(),
                device=self._device,
                transport=self._transport,
                code=code,
                station=self._station,
                votes=votes,
            )
        )

    def found(self) -> None:
        self._put(DeviceFound(at=self._clock.now(), device=self._device, kind="scanner"))

    def lost(self, problem: str) -> None:
        self._put(DeviceLost(at=self._clock.now(), device=self._device, kind="scanner", problem=problem))

    def _put(self, event: Event) -> None:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            if isinstance(event, CodeScanned) and self._overflow.empty():
                self._overflow.put_nowait(event.code)

    async def send(self, submit: Submit) -> None:
        """Until cancelled."""
        refusing = False
        while True:
            event = await self._queue.get()
            reason = await _submitted(event, submit, pauses_s=() if refusing else RETRY_S)
            refusing = reason is not None and reason not in FINAL
            self._queue.task_done()
            if isinstance(event, CodeScanned) and reason is not None:
                await self._refused(self._station, event.code, reason)
            elif reason is not None:
                log.warning("%s of %s was not taken: %s", type(event).__name__, self._device, reason)

    async def drained(self) -> None:
        """Returns when nothing waits any more: for a source that can wait, which a person with a scanner can't."""
        await self._queue.join()

    async def tell_overflow(self) -> None:
        """Until cancelled. One word for a burst of scans that found the queue full, with its first code."""
        while True:
            await self._refused(self._station, await self._overflow.get(), Refusal.BUSY)


async def _submitted(event: Event, submit: Submit, *, pauses_s: Sequence[float]) -> Refusal | None:
    """None once it is on disk, else why it is not."""
    for pause_s in (*pauses_s, None):
        try:
            await submit(event)
        except JournalRefusedError as error:
            if pause_s is None or error.reason in FINAL:
                return error.reason
            await asyncio.sleep(pause_s)
        else:
            return None
    return None


@asynccontextmanager
async def outlet(
    submit: Submit, *, section: ScannerSection, clock: Clock, refused: Refused = only_logged
) -> AsyncIterator[Outlet]:
    """An outlet with its own sender, which ends with the block."""
    made = Outlet(section, clock, refused)
    try:
        async with asyncio.TaskGroup() as tasks:
            senders = (tasks.create_task(made.send(submit)), tasks.create_task(made.tell_overflow()))
            yield made
            for sender in senders:
                sender.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:  # the supervisor reads DeviceError, not a group with one in it
            raise group.exceptions[0] from group.exceptions[0].__cause__
        raise
