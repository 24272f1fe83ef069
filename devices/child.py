"""A process of a camera's own: a hostile picture, a hanging driver and 37 MB of OpenCV stay out of the daemon."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

STOP_S = 2.0
"""A worker that does not end by itself in this time is killed."""


@asynccontextmanager
async def child(module: str, job: bytes) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs `python -m module`; `job` is its standard input, its words are its standard output. Ended with the block.

    The job goes by stdin: a stream's address may hold a password, and everybody may read a command line.
    """
    process = await _started(module)
    assert process.stdin is not None
    try:
        process.stdin.write(job)
        process.stdin.close()
        yield process
    finally:
        await _stop(process)


async def _started(module: str) -> asyncio.subprocess.Process:
    """Called off in the middle of the start, asyncio would leave an orphan: the start is seen through, then ended."""
    pipe = asyncio.subprocess.PIPE
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(sys.executable, "-m", module, stdin=pipe, stdout=pipe)
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _stop(await starting)
        raise


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ended when this returns: terminated, then killed."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
