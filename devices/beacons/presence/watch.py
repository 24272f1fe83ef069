"""The driver of what the radios hear: a tick a second, its facts to the journal, a summary to the board.

Radios call `heard`, `listening` and `started`; nothing of that waits for the journal. What the journal refuses is not
lost: counts go back into the open interval, comings, goings and problems are told later, the newest of each.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

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

OpenProblems = Callable[[], Awaitable[Iterable[tuple[str, str]]]]
"""Problems told before this start and not over: (beacon, problem)."""


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
            for beacon, problem in await self._open_problems():
                if problem in PROBLEMS:  # another release may have had others
                    self.presence.remember(beacon, BeaconProblem(problem))
            self._open_problems = None
        ticks = 0
        try:
            while True:
                await self._tick(submit)
                ticks += 1
                if ticks % SHOW_EVERY == 0:
                    self._show(self._clock.now())
                await asyncio.sleep(TICK_S)
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_S):
                    await self._tell(self.presence.stop(self._clock.now()), submit)

    async def _tick(self, submit: Submit) -> None:
        now = self._clock.now()
        self.presence.documents(self._shop(), now)
        while not self.presence.work():  # noqa: ASYNC110 - it is this loop that does the work
            await asyncio.sleep(0)
        owed, self._owed = list(self._owed.values()), {}
        await self._tell([*owed, *self.presence.tick(now)], submit)

    async def _tell(self, events: list[Event], submit: Submit) -> None:
        """All at once: the journal makes one write of them."""
        async with asyncio.TaskGroup() as tasks:
            for event in _newest(events):
                tasks.create_task(self._try(event, submit))

    async def _try(self, event: Event, submit: Submit) -> None:
        try:
            await submit(event)
        except JournalRefusedError:
            if isinstance(event, PresenceCounted):
                self.presence.put_back(event)
            else:
                self._owed[_key(event)] = event

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


def _newest(events: list[Event]) -> list[Event]:
    """Of each kind and beacon only the last; so their order to the journal does not matter."""
    newest: dict[tuple[str, ...], Event] = {}
    for event in events:
        newest[_key(event)] = event
    return list(newest.values())


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
