"""What scanner tests share: a section, a journal that keeps events in a list, and a wait for the n-th."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from devices.driver import Driver
from edge.config import ScannerSection
from edge.errors import JournalRefusedError, Refusal
from edge.events import CodeScanned, Event

WAIT_S = 10


def section(transport: Any = "fake", device: str = "", **more: Any) -> ScannerSection:
    return ScannerSection(id="dock-1", transport=transport, device=device, **more)


class Heard:
    """A journal's front: keeps what was submitted, refuses while told to."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.refusals: list[Refusal] = []
        self.tries = 0
        self._news = asyncio.Condition()

    async def submit(self, event: Event) -> object:
        self.tries += 1
        if self.refusals:
            raise JournalRefusedError(self.refusals.pop(0), "no")
        async with self._news:
            self.events.append(event)
            self._news.notify_all()
        return None

    async def wait(self, count: int) -> list[str]:
        """The names (and values of codes) of the first `count` events, once they are there."""
        async with asyncio.timeout(WAIT_S), self._news:
            await self._news.wait_for(lambda: len(self.events) >= count)
        return [shown(event) for event in self.events[:count]]


def shown(event: Event) -> str:
    return event.code.value if isinstance(event, CodeScanned) else type(event).__name__


@asynccontextmanager
async def running(driver: Driver, heard: Heard) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(driver.run(heard.submit))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
