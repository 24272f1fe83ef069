"""What the kernel counted, told to the store: in the order in which it was read, and nothing twice.

Two kinds of news come together here. Counts of all members, every ten seconds: when the journal can't take them, the
next ones say the same and more. And the last counts of who was taken out, or began anew: nobody can read those again,
so they are told until they are kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from devices.driver import Submit
from edge.clock import Clock
from edge.errors import JournalRefusedError
from edge.events.access import MAX_COUNTED, GuestsCounted, SessionCount

log = logging.getLogger(__name__)

AGAIN_S = 2.0


class _News(NamedTuple):
    counts: tuple[SessionCount, ...]
    over: tuple[int, ...]
    told: asyncio.Future[bool]


class Teller:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._news: deque[_News] = deque()
        self._wake = asyncio.Event()

    def put(self, counts: Sequence[SessionCount], over: Sequence[int] = ()) -> asyncio.Future[bool]:
        """Who waits hears whether it was kept. `over`: marks of which no more will come; told until it is kept."""
        news = _News(tuple(counts), tuple(over), asyncio.get_running_loop().create_future())
        self._news.append(news)
        self._wake.set()
        return news.told

    async def run(self, submit: Submit) -> None:
        """Until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._news:
                if not await self._tell(submit):
                    await asyncio.sleep(AGAIN_S)

    async def _tell(self, submit: Submit) -> bool:
        """All that waits, together."""
        taken = [self._news.popleft()]
        size = len(taken[0].counts) + len(taken[0].over)
        while self._news and (size := size + len(self._news[0].counts) + len(self._news[0].over)) <= MAX_COUNTED:
            taken.append(self._news.popleft())
        counts = tuple(count for news in taken for count in news.counts)
        over = tuple(mark for news in taken for mark in news.over)
        try:
            await submit(GuestsCounted(at=self._clock.now(), counts=counts, over=over))
        except JournalRefusedError as error:
            log.warning("the guests' bytes were not kept: %s", error)
            self._news.extendleft(reversed([news for news in taken if news.over]))
            _answer(taken, kept=False)
            return False
        _answer(taken, kept=True)
        return True


def _answer(taken: Sequence[_News], *, kept: bool) -> None:
    for news in taken:
        if not news.told.done():
            news.told.set_result(kept)
