from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import chance, shake_nonce
from edge.clock import Stamp
from edge.shake_nonce import CHARS, GOOD_MS, Nonce
from tests.given import NOON_MS, stamp

KEY = b"k" * 32
RANDOM = bytes(range(14))


def at(ms: int = 0, *, boot: str = "boot0", monotonic_ms: int | None = None) -> Stamp:
    made = stamp(NOON_MS + ms)
    mono = made.monotonic_ms if monotonic_ms is None else monotonic_ms
    return Stamp(at_ms=made.at_ms, monotonic_ms=mono, boot_id=boot, state=made.state)


NONCE = shake_nonce.make(KEY, now=at(), random=RANDOM)


def test_a_nonce_is_good_for_ten_minutes() -> None:
    assert len(NONCE) == CHARS
    assert shake_nonce.look(KEY, NONCE, now=at()) is Nonce.FRESH
    assert shake_nonce.look(KEY, NONCE, now=at(GOOD_MS)) is Nonce.FRESH
    assert shake_nonce.look(KEY, NONCE, now=at(GOOD_MS + 1)) is Nonce.OVER


def test_while_the_machine_is_up_the_monotonic_clock_counts() -> None:
    mono = at().monotonic_ms
    assert shake_nonce.look(KEY, NONCE, now=at(86_400_000, monotonic_ms=mono + 1000)) is Nonce.FRESH, "clock was set"
    assert shake_nonce.look(KEY, NONCE, now=at(1000, monotonic_ms=mono + GOOD_MS + 1)) is Nonce.OVER
    assert shake_nonce.look(KEY, NONCE, now=at(0, monotonic_ms=mono - 1)) is Nonce.OVER, "not made yet"


def test_after_a_restart_of_the_machine_the_wall_clock_counts() -> None:
    assert shake_nonce.look(KEY, NONCE, now=at(90_000, boot="boot1", monotonic_ms=5)) is Nonce.FRESH
    assert shake_nonce.look(KEY, NONCE, now=at(GOOD_MS + 1, boot="boot1", monotonic_ms=5)) is Nonce.OVER
    assert shake_nonce.look(KEY, NONCE, now=at(-1, boot="boot1", monotonic_ms=5)) is Nonce.OVER


@given(st.integers(0, CHARS - 1), st.sampled_from("ABCxyz019-_ =.é\n"))
def test_a_changed_nonce_is_nobodys(where: int, what: str) -> None:
    changed = NONCE[:where] + what + NONCE[where + 1 :]
    if changed != NONCE:
        assert shake_nonce.look(KEY, changed, now=at()) is Nonce.UNKNOWN


def test_one_spelling_is_one_nonce() -> None:
    """base64 reads `+/` for `-_` as well: each of them could be another shake, with another seed."""
    found = next(
        nonce
        for number in range(1000)
        if set("-_") <= set(nonce := shake_nonce.make(KEY, now=at(), random=number.to_bytes(14, "big")))
    )
    assert shake_nonce.look(KEY, found, now=at()) is Nonce.FRESH
    for changed in (found.replace("-", "+"), found.replace("_", "/"), found.replace("-", "+", 1)):
        assert shake_nonce.look(KEY, changed, now=at()) is Nonce.UNKNOWN


@pytest.mark.parametrize("text", ["", "x", NONCE[:-1], NONCE + "A", NONCE + "=", " " + NONCE, "A" * CHARS, "é" * CHARS])
def test_other_texts_are_nobodys(text: str) -> None:
    assert shake_nonce.look(KEY, text, now=at()) is Nonce.UNKNOWN
    assert shake_nonce.look(b"x" * 32, NONCE, now=at()) is Nonce.UNKNOWN


def test_the_secret_is_the_keys_and_the_commit_gives_nothing_away() -> None:
    secret = shake_nonce.secret(KEY, NONCE)
    assert shake_nonce.commit(KEY, NONCE) == chance.commit_of(secret) == hashlib.sha256(secret).hexdigest()
    assert secret != shake_nonce.secret(b"x" * 32, NONCE)
    other = shake_nonce.make(KEY, now=at(), random=bytes(14))
    assert len({shake_nonce.secret(KEY, other), secret}) == 2
    assert shake_nonce.shake_id(NONCE) != shake_nonce.shake_id(other)
    assert len(shake_nonce.shake_id(NONCE)) == 32


def test_it_takes_its_randomness_whole() -> None:
    with pytest.raises(ValueError, match="13 random bytes"):
        shake_nonce.make(KEY, now=at(), random=bytes(13))
