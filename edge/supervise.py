"""One root task for ever: whatever ends is started again, later and later, and a person can see why."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from edge.board import Board, State
from edge.errors import StoregateError

log = logging.getLogger(__name__)

BACKOFF_S = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Then 60 s for ever."""
STEADY_S = 60.0
"""A run that lasted this long was a success: the next failure waits 1 s again."""

OnFail = Callable[[str, str, float], Awaitable[None]]
"""(name, problem, retry_in_s), once for each new problem: a scanner that is unplugged for a week is told once."""


async def keep(name: str, run: Callable[[], Awaitable[None]], board: Board, *, on_fail: OnFail) -> None:
    """Runs until cancelled. A `run` that returns has failed as well: services have no end."""
    service = board.service(name)
    loop = asyncio.get_running_loop()
    attempt = 0
    told = ""
    while True:
        began = loop.time()
        service.state = State.UP
        try:
            await run()
            problem, hint = "it ended by itself", ""
        except Exception as error:
            problem, hint = words(error)
            log.warning("%s failed: %s", name, problem, exc_info=None if _expected(error) else error)
        if loop.time() - began >= STEADY_S:
            attempt, told = 0, ""
        retry_in_s = random.uniform(0.5, 1.0) * BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)]  # noqa: S311 - jitter
        attempt += 1
        service.state, service.problem, service.hint = State.WAITING, problem, hint
        service.restarts += 1
        if problem != told:
            told = problem
            await _tell(on_fail, name, problem, retry_in_s)
        await asyncio.sleep(retry_in_s)


def words(error: BaseException) -> tuple[str, str]:
    """What went wrong and the next step, of the first real error in a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = str(error) or type(error).__name__
    if isinstance(error, StoregateError):
        return text, error.hint
    return f"{type(error).__name__}: {text}" if str(error) else text, "see the log (journalctl -u storegate)"


def _expected(error: BaseException) -> bool:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return isinstance(error, StoregateError)


async def _tell(on_fail: OnFail, name: str, problem: str, retry_in_s: float) -> None:
    try:
        await on_fail(name, problem, retry_in_s)
    except StoregateError as error:  # the journal may be what failed
        log.warning("could not tell that %s failed: %s", name, error)
