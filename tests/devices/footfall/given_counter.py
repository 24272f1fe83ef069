"""What footfall tests start from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from devices.driver import Driver
from edge.config import FootfallSection, Strip
from edge.errors import JournalRefusedError, Refusal
from edge.events import Event, FootfallCounted


def section(**changes: object) -> FootfallSection:
    return FootfallSection(**{"id": "door-1", "zone": "door", "source": "fake", "strip": Strip()} | changes)


class Journal:
    """Takes events; refuses the first `refusals` counts."""

    def __init__(self, refusals: int = 0) -> None:
        self.events: list[Event] = []
        self.refusals = refusals
        self.grew = asyncio.Event()

    async def submit(self, event: Event) -> None:
        if isinstance(event, FootfallCounted) and self.refusals:
            self.refusals -= 1
            raise JournalRefusedError(Refusal.DISK_FULL, "no space")
        self.events.append(event)
        self.grew.set()

    def counts(self) -> list[FootfallCounted]:
        return [event for event in self.events if isinstance(event, FootfallCounted)]

    async def until(self, kind: type[Event], number: int = 1, seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while sum(isinstance(event, kind) for event in self.events) < number:
                self.grew.clear()
                await self.grew.wait()


@asynccontextmanager
async def running(driver: Driver, journal: Journal) -> AsyncIterator[None]:
    task = asyncio.create_task(driver.run(journal.submit))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
