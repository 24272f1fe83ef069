"""A stream's items, and its silences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def with_silence(items: AsyncIterator[T], quiet_s: Callable[[], float | None]) -> AsyncGenerator[T | None, None]:
    """Each item, and None whenever nothing came for `quiet_s()` seconds (None: silence is not waited for).

    The wait for the next item goes on meanwhile: to cancel it would end the stream.
    """
    pending: asyncio.Future[T] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(_next(items))
            done, _ = await asyncio.wait({pending}, timeout=quiet_s())
            if not done:
                yield None
                continue
            item, pending = pending.result(), None
            yield item
    finally:
        if pending is not None and not pending.done():
            pending.cancel()
            with suppress(asyncio.CancelledError):
                await pending


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)
