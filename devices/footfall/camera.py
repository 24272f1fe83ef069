"""A camera above the door: its worker process is watched, restarted, and its words folded into intervals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec

from devices.child import child
from devices.driver import Submit
from devices.footfall.fold import Fold
from devices.footfall.watch import count
from devices.footfall.worker import Ended, Failed, Job, Seen, Word
from edge.clock import Clock
from edge.config import FootfallSection
from edge.errors import DeviceError

SILENT_S = 20.0
"""A worker that says nothing for so long hangs: the camera's own time-outs are 5 to 10 s."""


class CameraCounter:
    """Driver of one camera, film or stream."""

    def __init__(self, section: FootfallSection, *, clock: Clock) -> None:
        self._section = section
        self._clock = clock

    @property
    def name(self) -> str:
        return f"footfall {self._section.id}"

    async def run(self, submit: Submit) -> None:
        await count(self._section, self._clock, submit, self._watch)

    async def _watch(self, fold: Fold, found: Callable[[], Awaitable[None]]) -> None:
        job = Job(source=self._section.device or "0", strip=self._section.strip, loop=self._section.loop)
        forward_enters = self._section.strip.entering == "forward"
        told = False
        async with child("devices.footfall.worker", msgspec.json.encode(job)) as process:
            assert process.stdout is not None
            async for word in _words(process.stdout):
                match word:
                    case Seen():
                        if not told:
                            told = True
                            await found()
                        fold.seen(word.from_s, word.to_s)
                        for crossing in word.crossings:
                            fold.crossed(entering=crossing.forward is forward_enters)
                    case Failed():
                        raise DeviceError(word.problem, hint=word.hint)
                    case Ended():
                        await asyncio.Event().wait()  # a film that does not loop: nothing to see any more
        raise DeviceError("the camera's worker ended by itself", hint="see the log for its last words")


async def _words(stream: asyncio.StreamReader) -> AsyncIterator[Word]:
    decoder: msgspec.json.Decoder[Word] = msgspec.json.Decoder(Word)
    while True:
        try:
            async with asyncio.timeout(SILENT_S):
                line = await stream.readline()
        except TimeoutError as error:
            raise DeviceError("the camera gives no picture", hint="is it plugged in, and the address right?") from error
        if not line:
            return
        yield decoder.decode(line)
