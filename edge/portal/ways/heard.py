"""Whether the cloud answers at all: told to whoever keeps the box, once, for guests can only take another way."""

from __future__ import annotations

from edge.board import Board, Problem
from edge.clock import Clock
from edge.cloud_asks import Answered, Ask, Asks, UnansweredError


class HeardAsks:
    """`edge.cloud_asks.Asks`, noted on the board."""

    def __init__(self, asks: Asks, *, board: Board, clock: Clock) -> None:
        self._asks = asks
        self._board = board
        self._clock = clock

    @property
    def online(self) -> bool:
        return self._asks.online

    @property
    def private(self) -> bool:
        return self._asks.private

    async def ask(self, request: Ask, *, timeout_s: float) -> Answered:
        try:
            answer = await self._asks.ask(request, timeout_s=timeout_s)
        except UnansweredError:
            self._unanswered(request)
            raise
        self._board.broker.unanswered = 0
        return answer

    def _unanswered(self, request: Ask) -> None:
        self._board.broker.unanswered += 1
        if self._board.broker.unanswered == 1:
            problem = Problem(
                at=self._clock.now(),
                where="cloud",
                text=f"the cloud does not answer requests ({request.NAME}): no codes by SMS, no check of WeChat users",
                hint="does the service that answers them run, and does the broker let it? see docs/cloud.md",
                code="cloud_silent",
                fields={"request": request.NAME},
            )
            self._board.tell(problem)
