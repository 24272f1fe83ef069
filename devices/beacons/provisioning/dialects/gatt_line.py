"""A UART of two GATT characteristics as a line of text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from devices.beacons.link import GattSession, LinkError, LinkProblem

PIECE = 20
"""What fits into one write on every link."""


@asynccontextmanager
async def listening(session: GattSession, characteristic: str) -> AsyncIterator[AsyncIterator[bytes]]:
    """Notifications that may be left and gone on with, and are ended for good with the block."""
    async with session.notifications(characteristic) as heard:
        try:
            yield heard
        finally:
            if isinstance(heard, AsyncGenerator):
                await heard.aclose()


class GattLine:
    """A TextLine."""

    def __init__(self, session: GattSession, write: str, heard: AsyncIterator[bytes]) -> None:
        self._session = session
        self._write = write
        self._heard = heard
        self._coming: asyncio.Task[bytes] | None = None

    async def send(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            await self._session.write(self._write, data[start : start + PIECE])

    async def receive(self, *, timeout_s: float) -> bytes:
        """The task outlives a time-out: what it then gets is the next answer, nothing is lost."""
        if self._coming is None:
            self._coming = asyncio.ensure_future(self._next())
        done, _ = await asyncio.wait({self._coming}, timeout=timeout_s)
        if not done:
            raise LinkError(LinkProblem.TIMEOUT, "no answer")
        coming, self._coming = self._coming, None
        return coming.result()

    async def close(self) -> None:
        """Before the subscription ends: nobody may wait on it then."""
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.wait({self._coming})
            self._coming = None

    async def _next(self) -> bytes:
        async for data in self._heard:
            return data
        raise LinkError(LinkProblem.LOST, "the beacon went away")
