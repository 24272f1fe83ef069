"""A store in miniature beside the gate's driver and the fake gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from devices.access.driver import GateDriver
from devices.access.fake import FakeGate, FakeNeighbours
from devices.access.leases import Leases
from devices.access.uplink import Uplink
from edge.access_answers import LeftReason, Member
from edge.board import Board
from edge.effects import OpenGate, ShutGate
from edge.errors import JournalRefusedError, Refusal
from edge.events import Event
from edge.events.access import GuestGone, GuestsCounted
from edge.ids import Mac
from tests.given import HandClock

ANNA, BO = Mac("02:00:00:00:77:01"), Mac("02:00:00:00:77:02")
IDLE_S = 300.0
HOUR_MS = 3_600_000


class Shop:
    """A store in miniature: sessions it knows, events it was told, and what it orders for them."""

    def __init__(self, *, chatty: bool = False) -> None:
        self.hand = HandClock()
        self.board = Board()
        self.gate = FakeGate(idle_s=IDLE_S, chatty=chatty)
        self.neighbours = FakeNeighbours(self.gate)
        self.uplink = Uplink(board=self.board, clock=self.hand.clock)
        self.members: dict[Mac, Member] = {}
        self.told: list[Event] = []
        self.refuses = False
        self.asked = 0
        self.driver = GateDriver(
            self.gate,
            clock=self.hand.clock,
            board=self.board,
            members=self.known,
            neighbours=self.neighbours,
            uplink=self.uplink,
            leases=Leases(Path("/nowhere/leases")),
            idle_s=IDLE_S,
        )

    async def known(self) -> Sequence[Member]:
        self.asked += 1
        return tuple(self.members.values())

    async def submit(self, event: Event) -> object:
        if self.refuses:
            raise JournalRefusedError(Refusal.DISK_FULL, "full")
        self.told.append(event)
        if isinstance(event, GuestGone):
            gone = [mac for mac, member in self.members.items() if member.mark == event.mark]
            for mac in gone:
                del self.members[mac]
                await self.driver.shut(ShutGate(mac=mac, mark=event.mark))
        return None

    def is_on(self, mac: Mac, mark: int, *, for_ms: int = HOUR_MS) -> None:
        """In the store, as after a restart."""
        self.members[mac] = Member(mac=mac, mark=mark, to_ms=self.hand.clock.now().at_ms + for_ms)

    async def comes(self, mac: Mac, mark: int, *, for_ms: int = HOUR_MS) -> None:
        self.is_on(mac, mark, for_ms=for_ms)
        await self.driver.open(OpenGate(mac=mac, mark=mark, left_s=for_ms / 1000))

    async def after(self, seconds: float) -> None:
        self.hand.forward(int(seconds * 1000))
        await asyncio.sleep(seconds)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.told if isinstance(event, kind)]

    @property
    def gone(self) -> list[tuple[int, LeftReason]]:
        return [(event.mark, event.reason) for event in self.told if isinstance(event, GuestGone)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(each.run(self.submit)) for each in (self.driver, self.uplink)]
        await self.after(0.5)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def last_of(shop: Shop) -> tuple[list[tuple[int, int, int]], tuple[int, ...]]:
    counted = shop.of(GuestsCounted)[-1]
    assert isinstance(counted, GuestsCounted)
    return [(each.mark, each.up_bytes, each.down_bytes) for each in counted.counts], counted.over
