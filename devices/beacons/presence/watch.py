"""The driver of what the radios hear: a tick a second, its facts to the journal, a summary to the board.

Radios call `heard`, `listening` and `started`; nothing of that waits for the journal. What the journal refuses is not
lost: counts go back into the open interval, comings, goings and problems are told later, the newest of each.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Protocol

from devices.beacons.advert import Advert
from devices.beacons.presence.presence import Presence
from devices.beacons.presence.track import Track
from devices.beacons.presence.window import proximity
from devices.driver import Submit
from edge.board import BeaconSeen, Board
from edge.clock import Clock, Stamp
from edge.config import Config
from edge.errors import JournalRefusedError
from edge.events import (
    BeaconHealthChanged,
    BeaconProblem,
    Event,
    PresenceCounted,
    RadioMeasured,
    ZoneEntered,
    ZoneLeft,
)
from edge.shop import CarriedBy, Shop

TICK_S = 1.0
SHOW_EVERY = 2
"""Ticks."""
PROBLEMS = frozenset(problem.value for problem in BeaconProblem)
FAREWELL_S = 2.0
"""What is open may take so long to be saved when the daemon stops."""


class OpenProblem(Protocol):
    """Told before this start, and not over."""

    @property
    def beacon(self) -> str: ...
    @property
    def problem(self) -> str: ...
    @property
    def radio(self) -> str: ...
    @property
    def usual_rssi_dbm(self) -> float | None: ...


OpenProblems = Callable[[], Awaitable[Iterable[OpenProblem]]]


class Watch:
    def __init__(
        self,
        config: Config,
        clock: Clock,
        board: Board,
        shop: Callable[[], Shop],
        rotation_key: bytes,
        *,
        open_problems: OpenProblems | None = None,
    ) -> None:
        self._clock = clock
        self._board = board
        self._shop = shop
        self._open_problems = open_problems
        self._owed: dict[tuple[str, ...], Event] = {}
        """What the journal did not take yet: the newest of each kind and beacon, so no more than there are beacons."""
        self._telling: asyncio.Task[None] | None = None
        self.presence = Presence(
            config.radios,
            key=rotation_key,
            rotate_s=config.beacons.rotate_s,
            now=clock.now(),
            random=secrets.token_bytes,
        )
        self.presence.documents(shop(), clock.now())
        self.heard: Callable[[Advert], None] = self.presence.heard
        """The hot path: no call in between."""

    @property
    def name(self) -> str:
        return "beacons"

    def listening(self, radio: str, from_s: float, to_s: float) -> None:
        self.presence.listening(radio, from_s, to_s)

    def started(self, radio: str, at_s: float) -> None:
        self.presence.started(radio, at_s)

    def expected_per_s(self, radio: str) -> float:
        return self.presence.expected_per_s(radio)

    async def run(self, submit: Submit) -> None:
        if self._open_problems is not None:
            for one in await self._open_problems():
                if one.problem in PROBLEMS:  # another release may have had others
                    problem, usual_dbm = BeaconProblem(one.problem), one.usual_rssi_dbm
                    self.presence.remember(one.beacon, problem, radio=one.radio, usual_rssi_dbm=usual_dbm)
            self._open_problems = None
        ticks = 0
        try:
            while True:
                await self._tick()
                self._tell(submit)
                ticks += 1
                if ticks % SHOW_EVERY == 0:
                    self._show(self._clock.now())
                await asyncio.sleep(TICK_S)
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._farewell(submit)

    async def _tick(self) -> None:
        now = self._clock.now()
        self.presence.documents(self._shop(), now)
        while not self.presence.work():  # noqa: ASYNC110 - it is this loop that does the work
            await asyncio.sleep(0)
        self._owe(self.presence.tick(now))

    def _owe(self, events: Iterable[Event]) -> None:
        for event in events:
            key = _key(event)
            if isinstance(event, PresenceCounted) and key in self._owed:
                self.presence.put_back(event)
            else:
                self._owed[key] = event

    def _tell(self, submit: Submit) -> None:
        """Beside the ticks, which must not wait for a slow disk; what comes up meanwhile has its turn afterwards."""
        if self._telling is not None:
            if not self._telling.done():
                return
            telling, self._telling = self._telling, None
            telling.result()
        if self._owed:
            self._telling = asyncio.create_task(self._submit_all(submit))

    async def _submit_all(self, submit: Submit) -> None:
        """All at once: the journal makes one write of them."""
        events, self._owed = list(self._owed.values()), {}
        async with asyncio.TaskGroup() as tasks:
            for event in events:
                tasks.create_task(self._try(event, submit))

    async def _try(self, event: Event, submit: Submit) -> None:
        try:
            await submit(event)
        except JournalRefusedError:
            if isinstance(event, PresenceCounted):
                self.presence.put_back(event)
            else:
                self._owed.setdefault(_key(event), event)

    async def _farewell(self, submit: Submit) -> None:
        """First what is under way, so that nothing overtakes it."""
        telling, self._telling = self._telling, None
        if telling is not None:
            await telling
        self._owe(self.presence.stop(self._clock.now()))
        await self._submit_all(submit)

    def _show(self, now: Stamp) -> None:
        now_s = now.monotonic_ms / 1000
        for adapter, ear in self.presence.ears.items():
            radio = self._board.radio(adapter)
            radio.zone = ear.section.zone
            radio.adverts_per_s = round(ear.coverage.per_s, 1)
            radio.coverage = ear.coverage.lately(now_s)
            radio.coverage_basis = ear.coverage.basis if radio.coverage is not None else "none"
            radio.dedup_suspected = ear.dedup_suspected
        tracks = self.presence.tracks
        shown = {name for name, track in tracks.items() if track.beacon.carried_by is not CarriedBy.PHONE}
        for gone in self._board.beacons.keys() - shown:
            del self._board.beacons[gone]
        for name in shown:
            self._show_beacon(self._board.beacon(name), tracks[name], now)

    def _show_beacon(self, seen: BeaconSeen, track: Track, now: Stamp) -> None:
        best = track.best()
        seen.rssi_dbm = best[1].dbm if best else None
        seen.radio = best[0] if best else ""
        seen.proximity = proximity(best[1], track.beacon.measured_power_dbm)[0].value if best else ""
        seen.zone = self.presence.zone_of(track.beacon.id)
        seen.per_s = round(max((hearing.usual.rate or 0.0 for hearing in track.hearings.values()), default=0.0), 2)
        seen.battery_percent = track.guard.evidence.battery_percent
        if track.hearings:
            ago_ms = max(0, now.monotonic_ms - round(track.heard_s * 1000))
            seen.seen = Stamp(
                at_ms=now.at_ms - ago_ms,
                monotonic_ms=now.monotonic_ms - ago_ms,
                boot_id=now.boot_id,
                state=now.state,
            )
        seen.problems = tuple(problem.value for problem in track.guard.problems)


def _key(event: Event) -> tuple[str, ...]:
    match event:
        case ZoneEntered() | ZoneLeft():
            return ("zone", event.beacon)
        case BeaconHealthChanged():
            return ("health", event.beacon, event.problem)
        case PresenceCounted() | RadioMeasured():
            return (type(event).__name__, event.radio)
        case _:
            raise TypeError(f"presence tells no {type(event).__name__}")
