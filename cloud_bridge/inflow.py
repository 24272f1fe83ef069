"""Messages to us, in the order they came, for as long as their connection lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from cloud_bridge.endpoint import Incoming

T = TypeVar("T")


class Inflow:
    """Bounded by the Receive Maximum that we gave: none is acknowledged before it is done."""

    def __init__(self, gone: asyncio.Future[None]) -> None:
        self._gone = gone
        self._queue: asyncio.Queue[Incoming] = asyncio.Queue()

    def put(self, message: Incoming) -> None:
        self._queue.put_nowait(message)

    def get_now(self) -> Incoming | None:
        return None if self._queue.empty() else self._queue.get_nowait()

    async def get(self) -> Incoming:
        if not self._queue.empty():
            return self._queue.get_nowait()
        return await or_gone(self._queue.get(), self._gone)


async def or_gone(work: Coroutine[Any, Any, T], gone: asyncio.Future[None]) -> T:
    """The work's result; raises CloudError when the connection ends first."""
    doing = asyncio.ensure_future(work)
    try:
        await asyncio.wait((doing, gone), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            gone.result()
        return await doing
    finally:
        doing.cancel()
