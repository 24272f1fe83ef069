"""A cloud that does not answer is told of, once, until it does."""

from __future__ import annotations

import pytest

from edge.board import Board
from edge.cloud_asks import Done, SmsWanted, UnansweredError
from edge.errors import CloudError
from edge.portal.ways.heard import HeardAsks
from tests.edge.portal.ways.given_ways import Cloud
from tests.given import HandClock

SMS = SmsWanted(number="+8613812345678", code="271828")


async def test_silence_is_told_once() -> None:
    cloud, board = Cloud(), Board()
    asks = HeardAsks(cloud, board=board, clock=HandClock().clock)
    assert (asks.online, asks.private) == (True, True)
    cloud.answer = None
    for _ in range(3):
        with pytest.raises(UnansweredError):
            await asks.ask(SMS, timeout_s=8)
    (problem,) = board.problems
    assert board.broker.unanswered == 3
    assert problem.code == "cloud_silent"
    assert "does not answer requests (sms.send)" in problem.text
    assert "271828" not in repr(problem)
    assert "1381234" not in repr(problem)
    cloud.answer = Done()
    assert await asks.ask(SMS, timeout_s=8) == Done()
    assert board.broker.unanswered == 0


async def test_a_line_that_is_cut_is_another_matter() -> None:
    cloud, board = Cloud(), Board()
    cloud.online = False
    with pytest.raises(CloudError):
        await HeardAsks(cloud, board=board, clock=HandClock().clock).ask(SMS, timeout_s=8)
    assert not board.problems
    assert board.broker.unanswered == 0
