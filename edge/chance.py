"""Odds that an auditor can check: everything comes from one seed that neither side could choose alone. Pure.

Before a shake the gateway gives the phone `commit = sha256(secret)`. The phone adds a `salt` of its own. Then
`seed = sha256(secret ‖ salt)`, and what is decided by chance is `roll(seed, purpose, below)`. The event of the shake
carries secret and salt, so whoever has the commit can compute all of it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

MILLION = 1_000_000


def commit_of(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()


def seed_of(secret: bytes, salt: str) -> str:
    """64 hex digits."""
    return hashlib.sha256(secret + salt.encode()).hexdigest()


def roll(seed: str, purpose: str, below: int) -> int:
    """0 to below - 1, evenly. 128 bits over `below`: the bias is less than 2⁻⁹⁶ for anything that is a chance here."""
    if below <= 0:
        raise ValueError("below must be more than 0")
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:16], "big") * below >> 128


def weighted(seed: str, purpose: str, weights: Sequence[int]) -> int:
    """Which one, by weight. Raises ValueError for nothing to choose from."""
    at = roll(seed, purpose, sum(weights))
    for index, weight in enumerate(weights):
        if at < weight:
            return index
        at -= weight
    raise ValueError("weights must not be negative")
