"""A counter that is told who passes: for tests, the demo and a desk without hardware."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from devices.driver import Submit
from devices.footfall.fold import Fold
from devices.footfall.watch import count
from edge.clock import Clock
from edge.config import FootfallSection

MAX_WAITING = 10_000


class FakeCounter:
    """`counter.passed(entering=True)`. It sees all the time, unless `blind`."""

    def __init__(self, section: FootfallSection, *, clock: Clock) -> None:
        self._section = section
        self._clock = clock
        self._passed: asyncio.Queue[bool] = asyncio.Queue(MAX_WAITING)
        self.blind = False

    @property
    def name(self) -> str:
        return f"footfall {self._section.id}"

    def passed(self, *, entering: bool) -> None:
        self._passed.put_nowait(entering)

    async def run(self, submit: Submit) -> None:
        await count(self._section, self._clock, submit, self._watch)

    async def _watch(self, fold: Fold, found: Callable[[], Awaitable[None]]) -> None:
        await found()
        since_s = time.monotonic()
        while True:
            try:
                async with asyncio.timeout(0.2):
                    fold.crossed(entering=await self._passed.get())
            except TimeoutError:
                pass
            now_s = time.monotonic()
            if not self.blind:
                fold.seen(since_s, now_s)
            since_s = now_s
