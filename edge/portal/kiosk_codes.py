"""A phone's member code before a kiosk's scanner: the guest is let in, and the kiosk's screen says so, or why not.

The scanner does not wait for the gate: what it read is put down here and answered one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from edge.access_answers import AccessRefusal, AccessWhy, Admitted
from edge.effects import ShowOnKiosk
from edge.events import Code, CodeKind
from edge.ids import StationId
from edge.portal import tokens

MAX_WAITING = 16
"""Scans without an answer: a kiosk has one shopper before it."""

Tell = Callable[[StationId, Admitted | AccessRefusal], Awaitable[None]]
"""Shows the answer on the station's screen."""


class Desk(Protocol):
    """What is used of `edge.portal.desk.PortalDesk`."""

    async def shown(self, code: Code, station: StationId | None) -> Admitted | AccessRefusal: ...


class KioskCodes:
    def __init__(self, desk: Desk, *, tell: Tell) -> None:
        self._desk = desk
        self._tell = tell
        self._waiting: asyncio.Queue[ShowOnKiosk] = asyncio.Queue(MAX_WAITING)

    async def sink(self, effect: ShowOnKiosk) -> None:
        """For `pump.on(ShowOnKiosk, …)`, after the screens' own. Member codes of others are the till's."""
        if effect.code.kind is not CodeKind.MEMBER or not tokens.looks_like_member_code(effect.code.value):
            return
        try:
            self._waiting.put_nowait(effect)
        except asyncio.QueueFull:
            await self._tell(effect.station, AccessRefusal(why=AccessWhy.TOO_OFTEN))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            effect = await self._waiting.get()
            await self._tell(effect.station, await self._desk.shown(effect.code, effect.station))
