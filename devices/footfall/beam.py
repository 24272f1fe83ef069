"""A pair of light beams, wired as two keys of an input device (GPIO keys, or a keyboard's circuit board)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from devices.driver import Submit
from devices.footfall.beams import Beams, Side
from devices.footfall.fold import Fold
from devices.footfall.watch import beside, count
from devices.inputs import LOST, REPEAT, Input, Key, key_code, opened
from edge.clock import Clock
from edge.config import FootfallSection

LOOK_S = 0.5
"""How often coverage grows while nobody passes."""

Open = Callable[[], AbstractAsyncContextManager[Input]]


class BeamCounter:
    """Driver of one pair. A broken beam is a pressed key."""

    def __init__(self, section: FootfallSection, *, clock: Clock, open_input: Open | None = None) -> None:
        self._section = section
        self._clock = clock
        self._open = open_input or (lambda: opened(section.device, grab=True))
        self._sides = {key_code(section.beam_outer_key): Side.OUTER, key_code(section.beam_inner_key): Side.INNER}

    @property
    def name(self) -> str:
        return f"footfall {self._section.id}"

    async def run(self, submit: Submit) -> None:
        await count(self._section, self._clock, submit, self._watch)

    async def _watch(self, fold: Fold, found: Callable[[], Awaitable[None]]) -> None:
        beams = Beams()
        async with self._open() as device:
            await found()
            async with beside(_cover(fold, beams)):
                await self._read(device.keys, beams, fold)

    async def _read(self, keys: AsyncIterator[Key], beams: Beams, fold: Fold) -> None:
        async for key in keys:
            if key.code == LOST:
                beams.forget()
            elif key.value != REPEAT and (side := self._sides.get(key.code)):
                entering = beams.changed(side, broken=bool(key.value), time_s=key.time_s)
                if entering is not None:
                    fold.crossed(entering=entering)


async def _cover(fold: Fold, beams: Beams) -> None:
    """The pair sees as long as it is open and no beam is blocked."""
    since_s = time.monotonic()
    while True:
        await asyncio.sleep(LOOK_S)
        now_s = time.monotonic()
        if not beams.blind(now_s):
            fold.seen(since_s, now_s)
        since_s = now_s
