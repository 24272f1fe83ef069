"""The board is bounded, and a problem that repeats is told once, with its newest time."""

from __future__ import annotations

from edge.board import MAX_DEVICES, MAX_PROBLEMS, Board, Problem
from tests.given import NOON_MS, stamp


def test_a_problem_that_repeats_is_told_once() -> None:
    board = Board()
    board.tell(Problem(at=stamp(), where="journal", text="damaged"))
    for minute in range(1000):
        board.tell(Problem(at=stamp(NOON_MS + minute), where="scanner dock", text="not recorded"))
    assert [(problem.where, problem.at.at_ms - NOON_MS) for problem in board.problems] == [
        ("journal", 0),
        ("scanner dock", 999),
    ]


def test_everything_is_bounded() -> None:
    board = Board()
    for number in range(2000):
        board.tell(Problem(at=stamp(), where="x", text=str(number)))
        board.device(f"d{number}", "scanner")
    assert len(board.problems) == MAX_PROBLEMS
    assert len(board.devices) == MAX_DEVICES
