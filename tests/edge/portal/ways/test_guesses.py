"""Guesses of many phones: nobody who knows the right code is kept out by others who do not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.portal.ways.guesses import CLOSE_S, Guesses
from edge.rates import Rate


def made() -> Guesses:
    return Guesses(of_phone=Rate(burst=3, each_s=60), of_shop=Rate(burst=10, each_s=1))


def guess(guesses: Guesses, phone: str, now_ms: int, *, right: bool = False) -> bool:
    may = guesses.may(phone, monotonic_ms=now_ms)
    if may and right:
        guesses.right(phone)
    elif may:
        guesses.wrong(monotonic_ms=now_ms)
    return may


def test_one_phone() -> None:
    guesses = made()
    assert [guess(guesses, "a", 0) for _ in range(5)] == [True] * 3 + [False] * 2
    assert not guess(guesses, "a", 0, right=True)
    assert guess(guesses, "b", 0, right=True)
    assert guess(guesses, "a", 60_000, right=True)


def test_many_phones() -> None:
    guesses = made()
    heard = [guess(guesses, f"{n % 20}", 0) for n in range(200)]
    assert sum(heard) <= 10 + 20
    assert all(guess(guesses, "new", 0, right=True) for _ in range(50))
    assert guess(guesses, "mistyped", 0)
    assert not guess(guesses, "mistyped", 0, right=True)
    assert guess(guesses, "mistyped", round(CLOSE_S * 1000), right=True)


def test_right_codes_do_not_bring_back_guesses_while_there_are_too_many() -> None:
    guesses = made()
    for n in range(10):
        assert guess(guesses, f"{n}", 0)
    assert guess(guesses, "thief", 0, right=True)
    assert guess(guesses, "thief", 0)
    assert not guess(guesses, "thief", 0, right=True)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2000)), max_size=300))
def test_whatever_others_do(tries: list[tuple[int, int]]) -> None:
    guesses, now_ms = made(), 0
    for phone, wait_ms in tries:
        now_ms += wait_ms
        guess(guesses, str(phone), now_ms)
    assert guess(guesses, "who knows it", now_ms, right=True)
