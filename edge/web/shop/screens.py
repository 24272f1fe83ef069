"""Kiosk screens that are open now: scans and reloads go to them, heartbeats come from them.

The page sends `{"idle_s": n}` every ten seconds and gets `{"visit", "offline"}`; a scan is pushed as
`{"view", "visit"}`, the HTML ready to be shown.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import msgspec
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from edge.access_answers import AccessRefusal, Admitted
from edge.effects import Effect, ReloadKiosk, ShowOnKiosk
from edge.events import Code
from edge.ids import StationId
from edge.web import pages
from edge.web.faults import WebError
from edge.web.shop import views
from edge.web.shop.counter import Counter
from edge.web.shop.visits import View, Wifi, view_of_scan, view_unrecorded

log = logging.getLogger(__name__)
MAX_SCREENS = 4
"""Per station: the screen, and a few that staff look at. The oldest is closed for a fifth."""
SEND_S = 2.0
"""A browser that does not take 20 kB in this time is gone."""
PEER_S = 25.0
"""A dead peer is noticed after this; the page's own heartbeat comes every 10 s."""
MAX_MESSAGE = 1024
BURST = 20
"""Messages a page may send at once, …"""
EACH_MS = 1_000
"""… and one more in this time: ten times what ours sends."""


class Beat(msgspec.Struct, frozen=True):
    """A page's heartbeat."""

    idle_s: float = 0.0
    """Since the last touch or key."""


class Allowance:
    """What one page may still send. Pure: times are monotonic milliseconds."""

    def __init__(self, now_ms: int) -> None:
        self._left = float(BURST)
        self._at_ms = now_ms

    def take(self, now_ms: int) -> bool:
        self._left = min(BURST, self._left + (now_ms - self._at_ms) / EACH_MS) - 1
        self._at_ms = now_ms
        return self._left >= 0


class Screens:
    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._open: dict[StationId, dict[web.WebSocketResponse, web.Request]] = {}

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/kiosk/{station}/live", self.live)]

    async def show(self, effect: Effect) -> None:
        """ShowOnKiosk: the station's screen goes to what was scanned."""
        if not isinstance(effect, ShowOnKiosk) or effect.station not in self._counter.kiosks:
            return
        await self._push(effect.station, view_of_scan(effect.code))
        await views.tell_viewed(self._counter, effect.station)

    async def show_unrecorded(self, station: StationId, code: Code) -> None:
        """The journal refused a scan: the station's shopper is served all the same, and nothing is told of it."""
        if station in self._counter.kiosks:
            await self._push(station, view_unrecorded(code))

    async def show_wifi(self, station: StationId, answer: Admitted | AccessRefusal) -> None:
        """The station's scanner read a phone's code for the guest Wi-Fi."""
        if station in self._counter.kiosks:
            no = answer if isinstance(answer, AccessRefusal) else None
            await self._push(station, Wifi(no.why, no.again_ms) if no else Wifi())

    async def _push(self, station: StationId, shown: View) -> None:
        self._counter.visits.show(station, shown, self._counter.now_ms).scans += 1
        for socket, request in self._screens(station):
            view = await views.view(self._counter, request, station)
            await self._send(socket, {"view": str.__str__(view), "visit": self._counter.visits.id_of(station)})

    async def reload(self, effect: Effect) -> None:
        """ReloadKiosk: pages fetch themselves anew; a visit under way goes on where it was."""
        if isinstance(effect, ReloadKiosk):
            for station in [effect.station] if effect.station else list(self._open):
                for socket, _ in self._screens(station):
                    await self._send(socket, {"reload": True})

    def open_screens(self, station: StationId) -> int:
        return len(self._open.get(station, ()))

    async def live(self, request: web.Request) -> web.WebSocketResponse:
        """One page's WebSocket, until it goes."""
        station = StationId(request.match_info["station"])
        if station not in self._counter.kiosks:
            raise WebError(404, "not_found", "There is no such kiosk.")
        socket = web.WebSocketResponse(heartbeat=PEER_S, max_msg_size=MAX_MESSAGE, compress=False, autoping=False)
        await socket.prepare(request)
        mine = self._open.setdefault(station, {})
        if len(mine) >= MAX_SCREENS:
            await self._close(next(iter(mine)))
        mine[socket] = request
        try:
            await self._listen(socket, request, station)
        finally:
            mine.pop(socket, None)
        return socket

    async def close(self) -> None:
        """At shutdown: pages see it at once and try again."""
        for screens in list(self._open.values()):
            for socket in list(screens):
                await self._close(socket)

    async def _listen(self, socket: web.WebSocketResponse, request: web.Request, station: StationId) -> None:
        await self._beat(socket, request, station)
        allowance = Allowance(self._counter.now_ms)
        async for message in socket:
            if not allowance.take(self._counter.now_ms):
                await self._close(socket, code=WSCloseCode.POLICY_VIOLATION)
                break
            await asyncio.sleep(0)  # messages that are there already would be taken without a break
            if message.type in {WSMsgType.PING, WSMsgType.PONG}:
                await self._pong(socket, message)
                continue
            if message.type is not WSMsgType.TEXT:
                break
            try:
                beat = msgspec.json.decode(message.data, type=Beat)
            except msgspec.DecodeError:
                break  # not our page
            self._touched(station, beat)
            await self._end_forgotten()
            await self._beat(socket, request, station)

    async def _beat(self, socket: web.WebSocketResponse, request: web.Request, station: StationId) -> None:
        self._counter.board.kiosks[station] = self._counter.clock.now()
        request[pages.LANGUAGE] = self._counter.visits.wishes_of(station).language
        offline = await views.offline_text(self._counter, request)
        await self._send(socket, {"visit": self._counter.visits.id_of(station), "offline": offline})

    def _touched(self, station: StationId, beat: Beat) -> None:
        visit = self._counter.visits.of(station)
        if visit is not None and beat.idle_s >= 0:
            visit.touched_ms = max(visit.touched_ms, self._counter.now_ms - int(min(beat.idle_s, 86400) * 1000))

    async def _end_forgotten(self) -> None:
        for visit in self._counter.visits.over(self._counter.now_ms):
            self._counter.visits.end(visit.station)
            await self._counter.tell_end(visit, "idle")

    def _screens(self, station: StationId) -> Iterable[tuple[web.WebSocketResponse, web.Request]]:
        return tuple(self._open.get(station, {}).items())

    async def _send(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(SEND_S):
                await socket.send_str(msgspec.json.encode(message).decode())
        except (ConnectionError, TimeoutError) as error:
            log.info("a kiosk screen went away: %s", type(error).__name__)

    async def _pong(self, socket: web.WebSocketResponse, message: WSMessage) -> None:
        """Here and not in aiohttp, which would answer any number of them out of turn."""
        if message.type is WSMsgType.PING:
            try:
                async with asyncio.timeout(SEND_S):
                    await socket.pong(message.data)
            except (ConnectionError, TimeoutError):
                return

    async def _close(self, socket: web.WebSocketResponse, *, code: int = WSCloseCode.SERVICE_RESTART) -> None:
        try:
            async with asyncio.timeout(SEND_S):
                await socket.close(code=code)
        except (ConnectionError, TimeoutError):
            return
