"""A camera as a scanner: its worker process is watched, restarted when it dies or falls silent, ended with us."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import NoReturn, assert_never

import msgspec

from devices.child import child
from devices.driver import Submit
from devices.scanners.classify import Classify
from devices.scanners.outlet import Outlet, Refused, only_logged, outlet
from devices.scanners.worker import Alive, Ended, Failed, Job, Spotted, Word, length_of
from edge.clock import Clock
from edge.config import ScannerSection
from edge.errors import DeviceError, UsageError

SILENT_S = 15.0
"""A worker that says nothing for so long hangs: opening a camera may take 10 s, its heartbeat comes each second."""
RESTART_S = (0.2, 1.0, 5.0)
"""Pauses before a camera is tried again; the last one for as long as it takes. Back to the first once frames came."""


class CameraScanner:
    """Driver of one camera, film or stream."""

    def __init__(
        self,
        *,
        section: ScannerSection,
        classify: Classify,
        clock: Clock,
        refused: Refused = only_logged,
        paced: bool = True,
        restart_s: tuple[float, ...] = RESTART_S,
        silent_s: float = SILENT_S,
    ) -> None:
        self._section = section
        self._classify = classify
        self._clock = clock
        self._refused = refused
        self._restart_s = restart_s
        self._silent_s = silent_s
        self._job = Job(
            source=section.device or "0",
            width_px=section.width_px,
            height_px=section.height_px,
            formats=section.formats,
            loop=section.loop,
            paced=paced,
            parent=os.getpid(),
        )
        self.worker_pid: int | None = None
        """Of the worker that runs now."""

    @property
    def name(self) -> str:
        return f"scanner {self._section.id}"

    async def run(self, submit: Submit) -> None:
        async with outlet(submit, section=self._section, clock=self._clock, refused=self._refused) as out:
            told, tries = "", 0
            while True:
                came = asyncio.Event()
                try:
                    await self._watch(out, came)
                except DeviceError as error:
                    problem = f"{error}; {error.hint}" if error.hint else str(error)
                if came.is_set():
                    told, tries = "", 0
                if problem != told:
                    out.lost(problem)
                    told = problem
                await asyncio.sleep(self._restart_s[min(tries, len(self._restart_s) - 1)])
                tries += 1

    async def _watch(self, out: Outlet, came: asyncio.Event) -> NoReturn:
        """One worker's life. Raises DeviceError when it is over; waits for ever at the end of a film."""
        async with child("devices.scanners.worker", msgspec.msgpack.encode(self._job)) as process:
            self.worker_pid = process.pid
            try:
                async for word in _words(process, silent_s=self._silent_s):
                    await self._take(word, out, came)
            finally:
                self.worker_pid = None
        raise DeviceError("the camera's worker died; it is started again")

    async def _take(self, word: Word, out: Outlet, came: asyncio.Event) -> None:
        match word:
            case Alive():
                if not came.is_set():
                    came.set()
                    out.found()
            case Spotted():
                out.scanned(self._classify(word.text, word.aim), votes=word.votes)
                if not self._job.paced:
                    await out.drained()  # a film can wait, a person can't
            case Failed(ours=True):
                raise UsageError(word.problem, hint=word.hint)
            case Failed():
                raise DeviceError(word.problem, hint=word.hint)
            case Ended():
                await asyncio.Event().wait()  # a film that does not loop: nothing to see any more
            case _:
                assert_never(word)


async def _words(process: asyncio.subprocess.Process, *, silent_s: float) -> AsyncIterator[Word]:
    """Until the worker ends. Raises DeviceError when it hangs or speaks nonsense."""
    decoder: msgspec.msgpack.Decoder[Word] = msgspec.msgpack.Decoder(Word)
    stream = process.stdout
    assert stream is not None
    while True:
        try:
            async with asyncio.timeout(silent_s):
                body = await stream.readexactly(length_of(await stream.readexactly(4)))
            yield decoder.decode(body)
        except asyncio.IncompleteReadError:
            return
        except TimeoutError as error:
            raise DeviceError("the camera gives no picture", hint="is it plugged in, and the address right?") from error
        except msgspec.DecodeError as error:
            raise DeviceError("the camera's worker does not speak its protocol") from error
