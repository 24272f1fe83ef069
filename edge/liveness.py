"""Is the daemon doing its work? The tick that lets things run out, the loop's lag, and what the watchdog asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from edge import events as ev
from edge.board import Board
from edge.clock import Clock
from edge.errors import JournalRefusedError
from edge.journal import Journal

log = logging.getLogger(__name__)
TICK_S = 5.0
"""Reservations live two minutes, coupons days: nothing needs it finer. A tick that changes nothing writes nothing."""
LAG_EVERY_S = 1.0
MAX_LAG_S = 5.0
"""A loop that hangs longer is restarted by systemd: kiosks and tills have long given up on it."""


async def tick(submit: Callable[[ev.Event], Awaitable[object]], clock: Clock) -> None:
    """Until cancelled. A refusal (disk full) is the journal's to tell; the next tick does what this one could not."""
    while True:
        now = clock.now()
        try:
            await submit(ev.TimePassed(at=now))
            if (delta_ms := clock.adjusted_ms()) is not None:
                await submit(ev.ClockAdjusted(at=now, delta_ms=delta_ms))
        except JournalRefusedError as error:
            log.debug("a tick was refused: %s", error)
        await asyncio.sleep(TICK_S)


async def measure_lag(board: Board) -> None:
    """Until cancelled: how much later than asked the loop wakes a sleeper."""
    loop = asyncio.get_running_loop()
    while True:
        before = loop.time()
        await asyncio.sleep(LAG_EVERY_S)
        board.loop_lag_s = max(0.0, loop.time() - before - LAG_EVERY_S)


def problem(board: Board, journal: Journal) -> str:
    """Why systemd should not hear that we live, or empty. A full disk is no reason: a restart does not cure it."""
    if board.loop_lag_s > MAX_LAG_S:
        return f"the event loop lags {board.loop_lag_s:.1f} s"
    if journal.gone:
        return f"the journal was taken away: {journal.gone}"
    return "" if journal.alive else "the journal's writer has ended"
