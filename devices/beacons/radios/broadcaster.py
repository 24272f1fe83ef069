"""One radio that sends the shop's own beacons: what is on the air is made to match the documents, each second.

A controller without extended advertising lets several advertisements take turns of two seconds each: four beacons
would each be silent for six seconds, and phones would walk past. So such a radio sends one, and says that it could
not send the others. What bluetoothd forgot when it ended is registered again when it is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from devices.beacons.radios import bluez
from devices.beacons.radios.own import Own, wanted
from devices.driver import Submit
from edge.board import Board, Problem, State
from edge.clock import Clock
from edge.config import RadioSection
from edge.errors import DeviceError
from edge.shop import Shop

log = logging.getLogger(__name__)

TICK_S = 1.0
PAUSES_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""After a refusal; the last one for ever."""

BUSY = "does another program advertise on it? bluetoothctl show tells ActiveInstances"
MORE = "use a Bluetooth 5 adapter, more adapters, or beacons of their own"


class Broadcaster:
    """Driver of one adapter that advertises."""

    def __init__(
        self,
        section: RadioSection,
        *,
        first: str,
        rotate_s: int,
        rotation_key: bytes,
        clock: Clock,
        board: Board,
        shop: Callable[[], Shop],
        watched: Callable[[str], AbstractAsyncContextManager[bluez.Adapter]] = bluez.watched,
    ) -> None:
        """`first`: the adapter that has the beacons which name none."""
        self._section = section
        self._adapter = section.adapter
        self._first, self._rotate_s, self._key = first, rotate_s, rotation_key
        self._clock, self._board, self._shop, self._watched = clock, board, shop, watched
        self._shown = board.radio(section.adapter)
        self._refusals = 0
        self._not_before_s = 0.0
        self._refused: DeviceError | None = None
        self._problem = ""

    @property
    def name(self) -> str:
        return f"broadcaster {self._adapter}"

    async def run(self, submit: Submit) -> None:  # noqa: ARG002 - the listener tells of the adapter, the board of this
        try:
            async with self._watched(self._adapter) as adapter:
                was_on = adapter.powered
                while not adapter.lost:
                    if adapter.powered and not was_on:  # some controllers forget
                        await adapter.unsend_all()
                    was_on = adapter.powered
                    await self._match(adapter)
                    await adapter.changed(TICK_S)
            raise DeviceError("the system bus is gone", hint="systemctl status dbus")
        finally:
            self._shown.sends, self._shown.instances = 0, None

    async def _match(self, adapter: bluez.Adapter) -> None:
        own = self._wanted()
        ready = [one for one in own if one.sent is not None]
        chosen = ready[: adapter.sender.at_once]
        clock = asyncio.get_running_loop().time
        if clock() >= self._not_before_s:
            try:
                await self._switch_on(adapter, own)
                if adapter.ready:
                    await _sends(adapter, chosen)
                self._refusals, self._refused = 0, None
            except bluez.BluezError as error:
                pause_s = PAUSES_S[min(self._refusals, len(PAUSES_S) - 1)]
                self._refusals, self._refused, self._not_before_s = self._refusals + 1, error, clock() + pause_s
        self._shown.wanted, self._shown.sends = len(own), len(adapter.sending) if adapter.ready else 0
        self._shown.instances = adapter.sender.instances if adapter.present else None
        self._say(*self._trouble(adapter, own, ready))

    def _wanted(self) -> list[Own]:
        now = self._clock.now()
        key, rotate_s = self._key, self._rotate_s
        return wanted(self._shop(), adapter=self._adapter, first=self._first, key=key, rotate_s=rotate_s, now=now)

    async def _switch_on(self, adapter: bluez.Adapter, own: list[Own]) -> None:
        """Where nobody listens, nobody else does."""
        may = self._section.scan == "off" and self._section.power_cycle
        if own and may and adapter.present and not adapter.powered:
            await adapter.power(on=True)

    def _trouble(self, adapter: bluez.Adapter, own: list[Own], ready: list[Own]) -> tuple[str, str]:
        """What is wrong, and what to do; empty: nothing."""
        at_once, refused, name = adapter.sender.at_once, self._refused, self._adapter
        left = ", ".join(one.beacon for one in ready[at_once:][:5])
        by_rank = (
            (not own, "", ""),
            (not adapter.daemon, "bluetoothd does not run: no beacon is sent", bluez.RESTART),
            (not adapter.present, f"there is no adapter {name} to send beacons", "bluetoothctl list shows which are"),
            (refused is not None, f"{name} does not send all beacons: {refused}", (refused and refused.hint) or BUSY),
            (not adapter.powered, f"{name} is switched off: no beacon is sent", "rfkill unblock bluetooth"),
            (bool(left), f"{name} can send {at_once} of {len(ready)} beacons at once; not sent: {left}", MORE),
            (len(ready) < len(own), "beacons with rotating ids wait until the clock is set", "timedatectl"),
        )
        return next(((problem, hint) for wrong, problem, hint in by_rank if wrong), ("", ""))

    def _say(self, problem: str, hint: str) -> None:
        if self._section.scan == "off":  # else the listener says how the radio is
            self._shown.state = State.WAITING if problem else State.UP
            self._shown.problem, self._shown.hint = problem, hint
        if problem and problem != self._problem:
            log.warning("%s", problem)
            self._board.tell(Problem(at=self._clock.now(), where=self.name, text=problem, hint=hint))
        self._problem = problem


async def _sends(adapter: bluez.Adapter, chosen: list[Own]) -> None:
    """First what is to end: it may hold the only place. One that is refused holds up no other; raises the first
    BluezError after all.
    """
    slots = {one.beacon.replace("-", "_"): one.sent for one in chosen}  # ids have no _, paths no -
    wanted = [partial(adapter.unsend, slot) for slot in adapter.sending - slots.keys()]
    wanted += [partial(adapter.send, slot, sent) for slot, sent in slots.items() if sent is not None]
    refused: bluez.BluezError | None = None
    for step in wanted:
        try:
            await step()
        except bluez.BluezError as error:
            refused = refused or error
    if refused is not None:
        raise refused
