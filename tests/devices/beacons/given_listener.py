"""A listener on the fake BlueZ, with a watch that only notes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from devices.beacons.advert import Advert
from devices.beacons.radios.listener import Listener
from devices.beacons.radios.turns import Turns
from edge.board import Board
from edge.clock import Clock
from edge.config import RadioSection
from edge.errors import DeviceError
from edge.events import DeviceFound, DeviceLost, Event, RadioChanged


class NotedWatch:
    def __init__(self, expected: float = 0.0) -> None:
        self.adverts: list[Advert] = []
        self.spans: list[tuple[float, float]] = []
        self.starts: list[float] = []
        self.expected = expected

    def heard(self, advert: Advert) -> None:
        self.adverts.append(advert)

    def listening(self, radio: str, from_s: float, to_s: float) -> None:
        assert radio == "hci0"
        assert to_s > from_s
        assert not self.spans or from_s >= self.spans[-1][1]
        self.spans.append((from_s, to_s))

    def started(self, radio: str, at_s: float) -> None:
        self.starts.append(at_s)

    def expected_per_s(self, radio: str) -> float:
        return self.expected

    def listened_in(self, from_s: float, to_s: float) -> float:
        return sum(max(0.0, min(to, to_s) - max(from_, from_s)) for from_, to in self.spans)


class Heard:
    """A listener that runs, and what came of it."""

    def __init__(self, watch: NotedWatch, board: Board, turns: Turns) -> None:
        self.watch, self.board, self.turns = watch, board, turns
        self.events: list[Event] = []
        self.error: DeviceError | None = None

    @property
    def radio(self) -> Any:
        return self.board.radio("hci0")

    @property
    def said(self) -> list[str]:
        """In short: `found`, `lost`, `restart_scan stalled`."""
        return [_short(event) for event in self.events]


def _short(event: Event) -> str:
    match event:
        case DeviceFound():
            return "found"
        case DeviceLost():
            return "lost"
        case RadioChanged():
            return f"{event.step} {event.reason}"
    raise AssertionError(event)


@asynccontextmanager
async def listening(
    folder: Path, *, expected: float = 0.0, settings: dict[str, Any] | None = None, **parts: Any
) -> AsyncIterator[Heard]:
    """`settings` of the section; a stall after a fraction of a second, which the section itself refuses."""
    section = RadioSection(adapter="hci0", **(settings or {}))
    heard = Heard(NotedWatch(expected), Board(), Turns(folder, "hci0"))
    listener = Listener(section, clock=Clock(), board=heard.board, watch=heard.watch, turns=heard.turns, **parts)

    async def submit(event: Event) -> None:
        heard.events.append(event)

    async def run() -> None:
        try:
            await listener.run(submit)
        except DeviceError as error:
            heard.error = error

    task = asyncio.create_task(run())
    try:
        yield heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
