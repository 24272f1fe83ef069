"""Our radios as the daemon runs them, on adapters of the real BlueZ; and what they told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from devices.beacons.build import drivers
from edge import supervise
from edge.board import Board
from edge.clock import Clock
from edge.config import BeaconsSection, Config, GatewaySection, RadioSection
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


@asynccontextmanager
async def gateway(
    state: Path, shop: Callable[[], Shop], *radios: RadioSection, rotate_s: int = 300
) -> AsyncIterator[Told]:
    """Everything of the daemon that has to do with radios, started again when it fails, as there."""
    section = GatewaySection(tenant="acme", store="sh-042", id="gw-1", state_dir=str(state))
    config = Config(gateway=section, radios=radios, beacons=BeaconsSection(rotate_s=rotate_s))
    told = Told()
    started = drivers(config, clock=Clock(), board=told.board, shop=shop, rotation_key=KEY)

    async def failed(*_: object) -> None:
        pass

    tasks = [
        asyncio.create_task(supervise.keep(one.name, partial(one.run, told.submit), told.board, on_fail=failed))
        for one in started
    ]
    try:
        yield told
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def listening(state: Path, shop: Shop) -> AbstractAsyncContextManager[Told]:
    """On hci1, at the door."""
    return gateway(state, lambda: shop, RadioSection(adapter="hci1", zone="door", stall_s=20, advertise=False))
