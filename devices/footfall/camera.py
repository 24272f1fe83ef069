"""A camera above the door: its worker process is watched, restarted, and its words folded into intervals."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec

from devices.driver import Submit
from devices.footfall.fold import Fold
from devices.footfall.watch import count
from devices.footfall.worker import Ended, Failed, Job, Seen, Word
from edge.clock import Clock
from edge.config import FootfallSection
from edge.errors import DeviceError

SILENT_S = 20.0
"""A worker that says nothing for so long hangs: the camera's own time-outs are 5 to 10 s."""
STOP_S = 2.0


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
        async with _worker(job) as words:
            async for word in words:
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


@asynccontextmanager
async def _worker(job: Job) -> AsyncIterator[AsyncIterator[Word]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "devices.footfall.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        # the job goes by stdin: a stream's address may hold a password, and everybody may read a command line
        process.stdin.write(msgspec.json.encode(job))
        process.stdin.close()
        yield _words(process.stdout)
    finally:
        await _stop(process)


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


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ended when this returns: terminated, then killed."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
