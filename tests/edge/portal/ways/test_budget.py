"""What somebody may cost in a day."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.portal.ways import budget
from edge.portal.ways.budget import DAY_MS, DayBudget


def test_so_many_a_day_and_a_pause_between_them() -> None:
    own = DayBudget(2, pause_ms=60_000)
    assert own.take("a", monotonic_ms=0)
    assert not own.take("a", monotonic_ms=59_999)
    assert own.take("b", monotonic_ms=1)
    assert own.take("a", monotonic_ms=60_000)
    assert not own.take("a", monotonic_ms=500_000)
    assert own.take("a", monotonic_ms=DAY_MS)


def test_given_back_with_its_pause() -> None:
    own = DayBudget(1, pause_ms=60_000)
    assert own.take("a", monotonic_ms=5)
    own.give_back("a")
    own.give_back("a")
    own.give_back("nobody")
    assert own.take("a", monotonic_ms=6)
    assert not own.take("a", monotonic_ms=DAY_MS - 1)


def test_nothing_is_nothing() -> None:
    assert not DayBudget(0).take("a", monotonic_ms=0)


def test_it_does_not_grow_for_ever() -> None:
    own = DayBudget(1)
    for n in range(budget.MAX_KNOWN + 50):
        own.take(str(n), monotonic_ms=n)
    assert len(own._spent) == budget.MAX_KNOWN


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 10_000_000)), max_size=60), st.integers(0, 5))
def test_never_more_than_that(steps: list[tuple[str, int]], most: int) -> None:
    own, now_ms, taken = DayBudget(most, pause_ms=1000), 0, []
    for who, forward in steps:
        now_ms += forward
        if own.take(who, monotonic_ms=now_ms):
            taken.append((who, now_ms))
    for who in "ab":
        times = [at for name, at in taken if name == who]
        assert all(later - earlier >= 1000 for earlier, later in pairwise(times))
        windows = [sum(start <= at < start + DAY_MS for at in times) for start in times]
        assert max(windows, default=0) <= 2 * most  # a day begins with the first one: two may touch
