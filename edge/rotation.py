"""Rotating iBeacon ids: the minor on the air is a keyed permutation of (index, epoch). Pure.

UUID and major stay (iOS looks for the UUID, the major names the store). The minor is P(key, epoch, index): a Feistel
network of six rounds over 2 × 8 bits whose round function is HMAC-SHA256, so within one epoch no two beacons ever
share a minor, and without the key no minor says which beacon it is, or what comes next. Epochs are counted from
1970 (UTC) in steps of `beacons.rotate_s`; a phone's report is taken from one epoch before to one after.
"""

from __future__ import annotations

import hmac

ROUNDS = 6
ACCEPT = (-1, 0, 1)
"""Epochs around now that count as fresh."""


def epoch_of(at_ms: int, *, rotate_s: int) -> int:
    return at_ms // (rotate_s * 1000)


def minor_of(key: bytes, *, epoch: int, index: int) -> int:
    """0 to 65535 → 0 to 65535, one to one within an epoch."""
    left, right = _halves(index)
    for number in range(ROUNDS):
        left, right = right, left ^ _round(key, epoch, number, right)
    return left << 8 | right


def index_of(key: bytes, *, epoch: int, minor: int) -> int:
    """The way back."""
    left, right = _halves(minor)
    for number in reversed(range(ROUNDS)):
        left, right = right ^ _round(key, epoch, number, left), left
    return left << 8 | right


def _halves(number: int) -> tuple[int, int]:
    if not 0 <= number <= 0xFFFF:
        raise ValueError(f"got {number}, wanted 0 to 65535")
    return number >> 8, number & 0xFF


def _round(key: bytes, epoch: int, number: int, half: int) -> int:
    return hmac.digest(key, b"%d/%d/%d" % (epoch, number, half), "sha256")[0]
