"""Odds: known rolls that an auditor gets too, even, by weight, and chosen by neither side alone."""

from __future__ import annotations

import hashlib
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.chance import MILLION, commit_of, roll, seed_of, weighted

SECRET = bytes(32)
SEED = "659060b415e7221b02894d00eff79b453b46d335964cc2766bdfb64b6a1732cc"
SEEDS = st.binary(min_size=32, max_size=32).map(bytes.hex)


def test_known_seed_and_commit() -> None:
    assert commit_of(SECRET) == "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
    assert seed_of(SECRET, "salt") == SEED == hashlib.sha256(bytes(32) + b"salt").hexdigest()
    assert seed_of(SECRET, "盐") == hashlib.sha256(bytes(32) + "盐".encode()).hexdigest()


@pytest.mark.parametrize(
    ("seed", "purpose", "below", "rolled"),
    [
        (SEED, "page", 6, 0),
        (SEED, "draw/spring", MILLION, 284_467),
        (SEED, "page", 1, 0),
        ("0" * 64, "page", MILLION, 950_312),
    ],
)
def test_known_rolls(seed: str, purpose: str, below: int, rolled: int) -> None:
    """Frozen: an auditor computes last year's draws again."""
    assert roll(seed, purpose, below) == rolled


def test_a_roll_can_be_done_by_hand() -> None:
    digest = hashlib.sha256(f"{SEED}/draw/spring".encode()).hexdigest()
    assert roll(SEED, "draw/spring", MILLION) == int(digest[:32], 16) * MILLION // 2**128


@given(SEEDS, st.text(max_size=20), st.integers(1, 2**40))
def test_a_roll_is_in_range(seed: str, purpose: str, below: int) -> None:
    assert 0 <= roll(seed, purpose, below) < below


@pytest.mark.parametrize("below", [0, -1])
def test_nothing_to_roll_for(below: int) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        roll(SEED, "page", below)


def many(count: int) -> list[str]:
    return [seed_of(number.to_bytes(32, "big"), "salt") for number in range(count)]


def test_rolls_are_even() -> None:
    """Chi-squared with 5 degrees of freedom: above 20.5 once in a thousand, and these seeds are always the same."""
    counts = Counter(roll(seed, "page", 6) for seed in many(30_000))
    assert sum((counts[face] - 5000) ** 2 / 5000 for face in range(6)) < 20.5


def test_two_purposes_of_one_seed_have_nothing_to_do_with_each_other() -> None:
    counts = Counter((roll(seed, "page", 2), roll(seed, "draw", 2)) for seed in many(20_000))
    assert sum((counts[a, b] - 5000) ** 2 / 5000 for a in (0, 1) for b in (0, 1)) < 16.3


def test_by_weight() -> None:
    weights = [1, 3, 0, 6]
    counts = Counter(weighted(seed, "page", weights) for seed in many(20_000))
    assert counts[2] == 0
    assert sum((counts[one] - 2000 * weights[one]) ** 2 / (2000 * weights[one]) for one in (0, 1, 3)) < 13.9


@given(SEEDS, st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any))
def test_what_has_no_weight_is_never_chosen(seed: str, weights: list[int]) -> None:
    assert weights[weighted(seed, "page", weights)] > 0


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [-1], [1, -1]])
def test_nothing_to_choose_from(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="0"):
        weighted(SEED, "page", weights)
