"""Rotating minors: one to one, there and back, and the same for ever: phones and auditors compute them too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.rotation import epoch_of, index_of, minor_of

KEY = bytes(range(32))
UINT16, EPOCHS = st.integers(0, 0xFFFF), st.integers(0, 2**40)


@pytest.mark.parametrize(
    ("epoch", "index", "minor"),
    [
        (0, 0, 19_359),
        (0, 1, 60_489),
        (0, 65_535, 18_827),
        (5_966_666, 1, 1_072),
        (5_966_667, 1, 9_190),
        (5_966_668, 1, 35_186),
    ],
)
def test_known_minors(epoch: int, index: int, minor: int) -> None:
    """Computed beside this program too. A change of one of them would leave every beacon in a shop unknown."""
    assert minor_of(KEY, epoch=epoch, index=index) == minor
    assert index_of(KEY, epoch=epoch, minor=minor) == index


def test_within_an_epoch_no_two_beacons_share_a_minor() -> None:
    assert {minor_of(KEY, epoch=7, index=index) for index in range(65_536)} == set(range(65_536))


@given(st.binary(min_size=1, max_size=64), EPOCHS, UINT16)
def test_there_and_back(key: bytes, epoch: int, index: int) -> None:
    minor = minor_of(key, epoch=epoch, index=index)
    assert 0 <= minor <= 0xFFFF
    assert index_of(key, epoch=epoch, minor=minor) == index


def test_the_next_minor_tells_nothing_of_this_one() -> None:
    """About as many beacons keep theirs, or keep their distance, as chance would have it: 1 in 65,536."""
    indexes = range(2000)
    now, then = ([minor_of(KEY, epoch=epoch, index=index) for index in indexes] for epoch in (100, 101))
    steps = {(b - a) % 65_536 for a, b in zip(now, then, strict=True)}
    assert sum(a == b for a, b in zip(now, then, strict=True)) <= 2
    assert len(steps) > 1900
    other = [minor_of(bytes(32), epoch=100, index=index) for index in indexes]
    assert sum(a == b for a, b in zip(now, other, strict=True)) <= 2


@pytest.mark.parametrize("number", [-1, 65_536])
def test_numbers_that_are_no_minor(number: int) -> None:
    with pytest.raises(ValueError, match="wanted 0 to 65535"):
        minor_of(KEY, epoch=0, index=number)
    with pytest.raises(ValueError, match="wanted 0 to 65535"):
        index_of(KEY, epoch=0, minor=number)


@pytest.mark.parametrize(
    ("at_ms", "epoch"), [(0, 0), (299_999, 0), (300_000, 1), (1_790_000_000_000, 5_966_666), (-1, -1)]
)
def test_epochs_are_counted_from_1970(at_ms: int, epoch: int) -> None:
    assert epoch_of(at_ms, rotate_s=300) == epoch
