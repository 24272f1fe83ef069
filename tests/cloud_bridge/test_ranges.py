"""A set of numbers as runs behaves as a set of numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge.ranges import Ranges

RUNS = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 8)).map(lambda pair: (pair[0], sum(pair))), max_size=12)


def as_set(runs: object) -> set[int]:
    return {seq for first, last in runs for seq in range(first, last + 1)}  # type: ignore[attr-defined]


@given(runs=RUNS)
def test_runs_merge(runs: list[tuple[int, int]]) -> None:
    made = Ranges(runs)
    assert as_set(made) == as_set(runs)
    assert made.count == len(as_set(runs))
    found = list(made)
    assert all(one[1] + 1 < other[0] for one, other in pairwise(found))
    assert all((seq in made) == (seq in as_set(runs)) for seq in range(75))


@given(runs=RUNS, through=st.integers(0, 80))
def test_cut_takes_the_lower_part(runs: list[tuple[int, int]], through: int) -> None:
    made = Ranges(runs)
    taken = made.cut(through)
    assert as_set(taken) == {seq for seq in as_set(runs) if seq <= through}
    assert as_set(made) == {seq for seq in as_set(runs) if seq > through}


@given(runs=RUNS, first=st.integers(1, 40), length=st.integers(0, 40))
def test_missing_is_the_difference(runs: list[tuple[int, int]], first: int, length: int) -> None:
    assert as_set(Ranges(runs).missing(first, first + length)) == set(range(first, first + length + 1)) - as_set(runs)


@given(seqs=st.lists(st.integers(1, 50)))
def test_numbers_in_any_order(seqs: list[int]) -> None:
    made = Ranges()
    made.add_all(seqs)
    assert as_set(made) == set(seqs)
