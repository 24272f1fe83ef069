"""What all counters share: an interval told when it is over, and a device that is tried again while it is away.

The driver does not end when its device does: an interval in which a camera was dead is told with the coverage it
really had.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager

from devices.driver import Submit
from devices.footfall.fold import Fold
from edge.clock import Clock
from edge.config import FootfallSection
from edge.errors import DeviceError, JournalRefusedError
from edge.events import DeviceFound, DeviceLost, Event, FootfallCounted
from edge.ids import DeviceId

TICK_S = 0.5
PAUSES_S = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Between tries to get the device back; the last one for ever."""
FAREWELL_S = 2.0
"""The open interval may take so long to be saved when the daemon stops."""

Watch = Callable[[Fold, Callable[[], Awaitable[None]]], Awaitable[None]]
"""One life of the device: feeds the fold, calls the second argument once it sees. DeviceError: it is gone."""


async def count(section: FootfallSection, clock: Clock, submit: Submit, watch: Watch) -> None:
    """Until cancelled."""
    fold = Fold(section, start=clock.now())
    async with beside(_tell(fold, clock, submit)):
        await _keep(section, clock, submit, fold, watch)


@asynccontextmanager
async def beside(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Runs `work` as long as the block; an error of either ends both and is raised as it is, not as a group."""
    try:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(work)
            yield
            task.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from group.exceptions[0].__cause__
        raise


async def _keep(section: FootfallSection, clock: Clock, submit: Submit, fold: Fold, watch: Watch) -> None:
    device, problem, tries = DeviceId(section.id), "", 0

    async def found() -> None:
        nonlocal tries, problem
        tries, problem = 0, ""
        await _try(submit, DeviceFound(at=clock.now(), device=device, kind="footfall"))

    while True:
        try:
            await watch(fold, found)
        except DeviceError as error:
            if str(error) != problem:  # told once, not at every try
                problem = str(error)
                lost = DeviceLost(at=clock.now(), device=device, kind="footfall", problem=problem)
                await _try(submit, lost)
        await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
        tries += 1


async def _tell(fold: Fold, clock: Clock, submit: Submit) -> None:
    try:
        while True:
            await asyncio.sleep(TICK_S)
            await _save(fold, fold.due(clock.now()), submit)
    finally:
        async with asyncio.timeout(FAREWELL_S):
            await _save(fold, fold.end(clock.now()), submit)


async def _save(fold: Fold, event: FootfallCounted | None, submit: Submit) -> None:
    """A refused interval is not lost: it becomes part of the next one."""
    if event is not None and not await _try(submit, event):
        fold.put_back(event)


async def _try(submit: Submit, event: Event) -> bool:
    try:
        await submit(event)
    except JournalRefusedError:
        return False
    return True
