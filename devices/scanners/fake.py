"""A scanner that plays scans from a queue: for tests, the demo and a desk without hardware."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from devices.driver import Submit
from devices.scanners.classify import Classify
from devices.scanners.framing import unwrap
from devices.scanners.outlet import Refused, only_logged, outlet
from edge.clock import Clock
from edge.config import ScannerSection

MAX_WAITING = 1000


class FakeScanner:
    """`await scanner.scan("6901234567892")`; a text may begin with an AIM identifier."""

    def __init__(
        self,
        section: ScannerSection,
        *,
        classify: Classify,
        clock: Clock,
        refused: Refused = only_logged,
        scans: Iterable[str] = (),
    ) -> None:
        self._section = section
        self._classify = classify
        self._clock = clock
        self._refused = refused
        self._scans: asyncio.Queue[str] = asyncio.Queue(MAX_WAITING)
        for text in scans:
            self._scans.put_nowait(text)

    @property
    def name(self) -> str:
        return f"scanner {self._section.id}"

    async def scan(self, text: str) -> None:
        await self._scans.put(text)

    async def run(self, submit: Submit) -> None:
        async with outlet(submit, section=self._section, clock=self._clock, refused=self._refused) as out:
            out.found()
            while True:
                scan = unwrap(await self._scans.get(), prefix="")
                out.scanned(self._classify(scan.text, scan.aim))
                await out.drained()
