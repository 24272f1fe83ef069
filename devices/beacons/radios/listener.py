"""One radio that listens: keeps its scan alive, and says of no time that it listened when it did not.

Theory of operation. There is one scan, as long as all is well. Each second the time that was surely listened is
told to the watch. What ends it: BlueZ or the adapter goes away (seen on the bus), it is switched off (seen), a scan
does not start, or silence although something should be heard. Then the ladder of `recovery` says what to try. While
`storegate beacon …` configures a beacon, the scan is paused (`turns`), and that time is not listened either.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from typing import Protocol

from devices.beacons.advert import Advert, Hear
from devices.beacons.radios import bluez, radio, usb_reset
from devices.beacons.radios.recovery import COMES_BACK, HINTS, SEEN, Ladder, Move, Reason
from devices.beacons.radios.silence import Silence
from devices.beacons.radios.turns import Look, Turns
from devices.driver import Submit
from edge.board import Board, State
from edge.clock import Clock
from edge.config import RadioSection
from edge.errors import DeviceError, JournalRefusedError
from edge.events import DeviceFound, DeviceLost, Event, RadioChanged, RadioStep
from edge.ids import DeviceId

log = logging.getLogger(__name__)

TICK_S = 1.0
KIND = "radio"
PLUGGED_S = 10.0
"""A controller that was pulled and plugged may take so long to be there."""
LINGER_S = 60.0
"""What is seen when it comes back is waited for so long before the supervisor is bothered."""


class Watch(Protocol):
    """What is done with what is heard: `devices.beacons.presence.watch`."""

    @property
    def heard(self) -> Callable[[Advert], None]: ...

    def listening(self, radio: str, from_s: float, to_s: float) -> None: ...

    def started(self, radio: str, at_s: float) -> None: ...

    def expected_per_s(self, radio: str) -> float: ...


Scan = Callable[[str, radio.Mode, Hear], AbstractAsyncContextManager[None]]
Watched = Callable[[str], AbstractAsyncContextManager[bluez.Adapter]]


class FallError(Exception):
    """The scan is no use any more."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Listener:
    """Driver of one adapter that scans."""

    def __init__(
        self,
        section: RadioSection,
        *,
        clock: Clock,
        board: Board,
        watch: Watch,
        turns: Turns,
        scan: Scan = radio.scan,
        watched: Watched = bluez.watched,
        reset: Callable[[Path | None], Awaitable[None]] = usb_reset.reset,
    ) -> None:
        assert section.scan != "off"
        self._section = section
        self._mode: radio.Mode = section.scan
        self._clock, self._watch, self._turns = clock, watch, turns
        self._scan, self._watched, self._reset = scan, watched, reset
        self._adapter = section.adapter
        self._shown = board.radio(section.adapter)
        self._ladder = Ladder(power_cycle=section.power_cycle, usb_reset=section.usb_reset)
        self._usual_per_s = 0.0
        self._port: Path | None = None
        self._found = False
        self._submit: Submit

    @property
    def name(self) -> str:
        return f"radio {self._adapter}"

    async def run(self, submit: Submit) -> None:
        self._submit = submit
        self._shown.zone = self._section.zone
        try:
            while True:
                async with self._turns.scanning() as look:
                    self._shown.scan = self._mode
                    await self._turn(look)
                    self._shown.scan = "paused"
        finally:
            self._show(State.DOWN, self._shown.problem, self._shown.hint)

    async def _turn(self, look: Look) -> None:
        """Until somebody else wants the radio."""
        while not look.somebody_wants_it():
            try:
                async with self._watched(self._adapter) as adapter:
                    await self._life(adapter, look)
            except bluez.BluezError as error:
                if error.name != "NoBus":
                    raise
                await self._fell(None, Reason.BUS_LOST, str(error), error.hint, look)

    async def _life(self, adapter: bluez.Adapter, look: Look) -> None:
        """Of one connection to the bus."""
        while not look.somebody_wants_it():
            hint = ""
            try:
                await self._listen(adapter, look)
                continue
            except FallError as error:
                reason, text = error.reason, str(error)
            except radio.ScanError as error:
                if error.lasting:
                    self._show(State.DOWN, str(error), error.hint)
                    raise
                reason, text, hint = Reason(error.reason), str(error), error.hint
            if adapter.lost:
                raise bluez.BluezError("NoBus", "the system bus is gone", hint="systemctl status dbus")
            await self._fell(adapter, reason, text, hint, look)

    async def _listen(self, adapter: bluez.Adapter, look: Look) -> None:
        """One scan. Raises FallError and ScanError; returns when somebody else wants the radio."""
        clock = asyncio.get_running_loop().time
        silence = Silence(clock(), stall_s=self._section.stall_s, usual_per_s=self._usual_per_s)
        heard, silent = self._watch.heard, silence.heard

        def hear(advert: Advert) -> None:
            silent(advert.at_s)
            heard(advert)

        life = adapter.life
        async with self._scan(self._adapter, self._mode, hear):
            began_s = clock()
            silence.began(began_s)
            self._watch.started(self._adapter, began_s)
            await self._began()
            try:
                while not look.somebody_wants_it():
                    await adapter.changed(TICK_S)
                    self._tick(silence, clock())
                    self._check(adapter, life, silence, clock())
                    quiet = clock() - began_s >= self._section.stall_s and not self._expected(silence)
                    if silence.count or quiet:
                        await self._well()
            finally:
                self._tick(silence, clock())
                self._usual_per_s = silence.usual_per_s

    def _tick(self, silence: Silence, now_s: float) -> None:
        if (listened := silence.tick(now_s)) is not None:
            self._watch.listening(self._adapter, *listened)

    def _expected(self, silence: Silence) -> float:
        return max(self._watch.expected_per_s(self._adapter), silence.usual_per_s)

    def _check(self, adapter: bluez.Adapter, life: int, silence: Silence, now_s: float) -> None:
        """Raises FallError."""
        if adapter.lost or not adapter.daemon:
            raise FallError(Reason.BUS_LOST, f"{self._adapter}: bluetoothd went away")
        if not adapter.present:
            raise FallError(Reason.ADAPTER_REMOVED, f"the adapter {self._adapter} went away")
        if not adapter.powered:
            raise FallError(Reason.POWERED_OFF, f"{self._adapter} was switched off")
        if adapter.life != life:
            raise FallError(Reason.BUS_LOST, f"{self._adapter}: bluetoothd or the adapter began anew")
        expected = self._watch.expected_per_s(self._adapter)
        if silence.stalled(now_s, expected_per_s=expected, patience=self._ladder.patience):
            seconds = self._section.stall_s * self._ladder.patience
            raise FallError(Reason.STALLED, f"{self._adapter} has heard nothing for {seconds} s, though it should")

    async def _fell(self, adapter: bluez.Adapter | None, reason: Reason, text: str, hint: str, look: Look) -> None:
        """Takes the next step of the ladder. Raises DeviceError when there is none that helps."""
        hint = hint or HINTS[reason]
        log.warning("%s", text)
        self._show(State.WAITING, text, hint)
        if reason is Reason.ADAPTER_REMOVED:
            await self._lost(text)
        move = self._ladder.fell(reason)
        if move is None:
            await self._lost(text)
            may_come_back = adapter if reason in SEEN and adapter is not None and not adapter.ready else None
            if may_come_back and (await self._rest(may_come_back, LINGER_S, look) or look.somebody_wants_it()):
                return
            raise DeviceError(text, hint=hint)
        self._shown.steps += 1
        await self._tell(self._changed(move.step, reason, move.attempt))
        if adapter is None:
            await asyncio.sleep(move.wait_s)
        else:
            await self._rest(adapter, move.wait_s, look, until_ready=reason in COMES_BACK)
            await self._take(move, adapter, look)

    async def _take(self, move: Move, adapter: bluez.Adapter, look: Look) -> None:
        """What fails here shows at the next scan; its words are kept for who reads the status page."""
        try:
            if move.step is RadioStep.POWER_CYCLE:
                await adapter.power_cycle()
            elif move.step is RadioStep.USB_RESET:
                await self._reset(self._port)
                await self._rest(adapter, PLUGGED_S, look)
        except DeviceError as error:
            log.warning("%s: %s", self._adapter, error)
            self._show(State.WAITING, str(error), error.hint)

    async def _rest(self, adapter: bluez.Adapter, wait_s: float, look: Look, *, until_ready: bool = True) -> bool:
        """Shorter when somebody wants the radio. Whether the adapter is ready then."""
        clock = asyncio.get_running_loop().time
        end_s = clock() + wait_s
        while (left_s := end_s - clock()) > 0 and not adapter.lost and not look.somebody_wants_it():
            if until_ready and adapter.ready:
                break
            await adapter.changed(min(TICK_S, left_s))
        return adapter.ready

    async def _began(self) -> None:
        if self._section.usb_reset:
            self._port = await asyncio.to_thread(usb_reset.port_of, self._adapter) or self._port
        if self._ladder.reason is None:
            await self._up()

    async def _well(self) -> None:
        """It listens: something was heard, or nothing is to be heard."""
        reason = self._ladder.reason
        steps = self._ladder.listens()
        if reason is not None:
            log.info("%s listens again", self._adapter)
            await self._tell(self._changed(RadioStep.RECOVERED, reason, steps))
            await self._up()

    async def _up(self) -> None:
        self._show(State.UP)
        if not self._found:
            self._found = True
            await self._tell(DeviceFound(at=self._clock.now(), device=DeviceId(self._adapter), kind=KIND))

    async def _lost(self, problem: str) -> None:
        if self._found:
            self._found = False
            device = DeviceId(self._adapter)
            await self._tell(DeviceLost(at=self._clock.now(), device=device, kind=KIND, problem=problem[:200]))

    def _changed(self, step: RadioStep, reason: Reason, attempt: int) -> RadioChanged:
        device = DeviceId(self._adapter)
        return RadioChanged(at=self._clock.now(), radio=device, step=step, reason=reason.value, attempt=attempt)

    async def _tell(self, event: Event) -> None:
        with suppress(JournalRefusedError):  # the radio listens whether it is written down or not
            await self._submit(event)

    def _show(self, state: State, problem: str = "", hint: str = "") -> None:
        if state is not self._shown.state:
            self._shown.since = self._clock.now()
        self._shown.state, self._shown.problem, self._shown.hint = state, problem, hint
