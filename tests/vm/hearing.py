"""Our listener and watch as the daemon runs them, on an adapter of the real BlueZ; and what they told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from devices.beacons.listener import Listener
from devices.beacons.turns import Turns
from devices.beacons.watch import Watch
from devices.driver import Driver
from edge import supervise
from edge.board import Board
from edge.clock import Clock
from edge.config import Config, GatewaySection, RadioSection
from edge.events import Event, RadioChanged, ZoneEntered, ZoneLeft
from edge.shop import Shop
from tests.vm.air import WAIT_S

KEY = b"k" * 32


class Told:
    """What went to the journal, in short."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.board = Board()

    async def submit(self, event: Event) -> None:
        self.events.append(event)

    @property
    def zones(self) -> list[tuple[str, str, str]]:
        return [
            (type(event).__name__, event.beacon, event.zone)
            for event in self.events
            if isinstance(event, ZoneEntered | ZoneLeft)
        ]

    @property
    def steps(self) -> list[str]:
        """Of the recovery."""
        return [event.step.value for event in self.events if isinstance(event, RadioChanged)]


async def soon(true: Callable[[], bool], what: str, *, within_s: float = WAIT_S) -> None:
    try:
        async with asyncio.timeout(within_s):
            while not true():
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"waited {within_s:.0f} s for {what}", pytrace=False)


def config_of(state: Path, *radios: RadioSection) -> Config:
    gateway = GatewaySection(tenant="acme", store="sh-042", id="gw-1", state_dir=str(state))
    return Config(gateway=gateway, radios=radios)


@asynccontextmanager
async def kept(told: Told, *drivers: Driver) -> AsyncIterator[None]:
    async def failed(*_: object) -> None:
        pass

    tasks = [
        asyncio.create_task(supervise.keep(one.name, partial(one.run, told.submit), told.board, on_fail=failed))
        for one in drivers
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def listening(state: Path, shop: Shop, *, adapter: str = "hci1", zone: str = "door") -> AsyncIterator[Told]:
    told, clock = Told(), Clock()
    section = RadioSection(adapter=adapter, zone=zone, stall_s=20)
    watch = Watch(config_of(state, section), clock, told.board, lambda: shop, KEY)
    listener = Listener(section, clock=clock, board=told.board, watch=watch, turns=Turns(state, adapter))
    async with kept(told, watch, listener):
        yield told
