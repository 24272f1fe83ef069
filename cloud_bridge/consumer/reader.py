"""Receive → sort out → commit → acknowledge → watermark, for ever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import msgspec

from cloud_bridge import mqtt
from cloud_bridge.backoff import delays
from cloud_bridge.consumer.databases import Database
from cloud_bridge.consumer.sorting import sort_out
from cloud_bridge.endpoint import Endpoint, Incoming, Said
from cloud_bridge.payloads import Watermark
from cloud_bridge.topics import Lane, every, gateway_of
from edge.errors import CloudError

GATHER = 500
"""Messages of one commit at most: what is here when the last commit ended, so a busy reader commits less often."""
WATERMARK_S = 0.5
BACKOFF_MAX_S = 30.0


class Progress(msgspec.Struct, kw_only=True):
    """What happened since the start, for people."""

    connected: bool = False
    connections: int = 0
    problem: str = ""
    hint: str = ""
    messages: int = 0
    events: int = 0
    new: int = 0
    dead: int = 0
    heard_at_s: float = 0.0
    """On the loop's clock: the last message, or the start of the connection."""


class Reader:
    def __init__(
        self,
        *,
        endpoint: Endpoint,
        database: Database,
        share: str = "",
        watermark: bool = False,
        say: Callable[[str], None],
    ) -> None:
        self._endpoint = endpoint
        self._database = database
        self._share = share
        self._watermark = watermark
        self._say = say
        self.progress = Progress()

    async def run(self) -> None:
        """Until cancelled. A lost broker or database is tried again; nothing is acknowledged meanwhile."""
        loop = asyncio.get_running_loop()
        waits = delays(BACKOFF_MAX_S, chance=random.random)
        while True:
            try:
                await self._database.open()
                async with mqtt.connect(self._endpoint) as link:
                    await link.subscribe([every(Lane.STATE)])  # a shared subscription gets no retained messages
                    await link.subscribe([every(lane, share=self._share) for lane in (Lane.EVENTS, Lane.BACKLOG)])
                    self.progress.connected, self.progress.problem = True, ""
                    self.progress.connections += 1
                    self.progress.heard_at_s = loop.time()
                    self._say(f"connected to {self._endpoint.address}")
                    waits = delays(BACKOFF_MAX_S, chance=random.random)
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._read(link))
                        if self._watermark:
                            group.create_task(self._tell_watermarks(link))
            except* CloudError as errors:
                self._note(errors)
            self.progress.connected = False
            await asyncio.sleep(next(waits))

    def _note(self, errors: BaseExceptionGroup[CloudError]) -> None:
        error: BaseException = errors
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        hint = getattr(error, "hint", "")
        self.progress.problem, self.progress.hint = str(error), hint
        self._say(f"{error}" + (f" ({hint})" if hint else ""))

    async def _read(self, link: mqtt.Link) -> None:
        while True:
            messages = await _gather(link)
            batch = sort_out(messages)
            progress = self.progress
            progress.new += await self._database.store(batch)
            for message in messages:
                link.ack(message)  # only now: what the broker lets go of is on our disk
            progress.messages += len(messages)
            progress.events += len(batch.events)
            progress.dead += len(batch.dead)
            progress.heard_at_s = asyncio.get_running_loop().time()
            for dead in batch.dead:
                self._say(f"put aside a message on {dead.topic[:200]}: {dead.problem}")

    async def _tell_watermarks(self, link: mqtt.Link) -> None:
        while True:
            for stream, through in await self._database.watermarks():
                gateway = gateway_of(stream.source)
                if gateway is not None:
                    mark = msgspec.json.encode(Watermark(epoch=stream.epoch, through=through))
                    await link.tell(Said(gateway.watermark, mark), doing="publish a watermark", retain=True)
            await asyncio.sleep(WATERMARK_S)


async def _gather(link: mqtt.Link) -> list[Incoming]:
    messages = [await link.receive()]
    while len(messages) < GATHER and (more := link.receive_now()) is not None:
        messages.append(more)
    return messages
