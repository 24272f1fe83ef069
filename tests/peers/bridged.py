"""A journal with a bridge in front of a real broker, and a plain subscriber that writes down what arrives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from cloud_bridge import bridge, mqtt
from cloud_bridge.asks import CloudAsks
from cloud_bridge.endpoint import Endpoint, Incoming
from cloud_bridge.payloads import Event, decode
from cloud_bridge.topics import Lane, every, parse
from edge import events as ev
from edge.board import Board
from edge.clock import Clock
from edge.commands import Asked
from edge.config import GatewaySection, MqttSection
from edge.errors import CloudError
from edge.ids import DeviceId
from edge.journal import Journal
from edge.shop import Shop

GATEWAY = GatewaySection(tenant="acme", store="s1", id="gw1")
SOURCE = "/storegate/acme/s1/gw1"


async def until(true: Callable[[], bool], *, within_s: float = 8.0) -> None:
    """Fails the test when it does not become true in time."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.01)


async def no_commands(asked: Asked) -> bytes:
    raise AssertionError(f"nobody asked for {asked.name}")


class Gate:
    """One gateway's journal and bridge."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self.journal = journal
        self.clock = clock
        self.board = Board()

    async def found(self, count: int, *, first: int = 0) -> None:
        """Facts, durable at return."""
        await asyncio.gather(
            *(
                self.journal.submit(ev.DeviceFound(at=self.clock.now(), device=DeviceId(f"d{n}"), kind="scanner"))
                for n in range(first, first + count)
            )
        )

    async def waiting(self) -> int:
        stats = await self.journal.stats()
        return sum(stats.depth.values())

    async def drained(self, *, left: int = 0, within_s: float = 8.0) -> None:
        async with asyncio.timeout(within_s):
            while await self.waiting() > left:
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def bridge(
        self,
        config: MqttSection,
        answer: Callable[[Asked], Awaitable[bytes]] = no_commands,
        asks: CloudAsks | None = None,
    ) -> AsyncIterator[None]:
        running = asyncio.create_task(
            bridge.run(
                journal=self.journal,
                board=self.board,
                clock=self.clock,
                config=config,
                gateway=GATEWAY,
                answer=answer,
                asks=asks,
            )
        )
        try:
            yield
            if running.done():
                running.result()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def gate(folder: Path) -> AsyncIterator[Gate]:
    clock = Clock(boot_id="boot0", synced=lambda: True)
    journal = await asyncio.to_thread(Journal.open, folder / "journal.sqlite", shop=Shop(), clock=clock)
    try:
        yield Gate(journal, clock)
    finally:
        await journal.close()


class Ear:
    """Everything that the broker passed on."""

    def __init__(self) -> None:
        self.messages: list[Incoming] = []
        self.events: list[Event] = []

    @property
    def seqs(self) -> set[int]:
        return {int(event.sequence) for event in self.events}

    def lane(self, lane: Lane) -> list[Incoming]:
        return [message for message in self.messages if parse(message.topic).lane is lane]  # type: ignore[union-attr]


@asynccontextmanager
async def listening(port: int, **more: object) -> AsyncIterator[Ear]:
    ear = Ear()
    ready = asyncio.Event()

    async def run() -> None:
        name = f"ear-{id(ear)}"
        endpoint = Endpoint(host="127.0.0.1", port=port, client_id=name, session_s=0, clean_start=True, **more)  # type: ignore[arg-type]
        async with mqtt.connect(endpoint) as link:
            await link.subscribe([every(lane) for lane in Lane])
            ready.set()
            while True:
                message = await link.receive()
                link.ack(message)
                ear.messages.append(message)
                if parse(message.topic).lane in {Lane.EVENTS, Lane.BACKLOG}:  # type: ignore[union-attr]
                    ear.events.extend(decode(message.payload, encoding=message.encoding))

    task = asyncio.create_task(run())
    try:
        waiter = asyncio.create_task(ready.wait())
        await asyncio.wait((waiter, task), return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        if task.done():
            task.result()
        yield ear
    finally:
        task.cancel()
        results = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError | CloudError), results
