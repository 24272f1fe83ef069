"""A shop day as a list of acts: seeded, so that the same seed is the same day. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from random import Random

import msgspec

OPENS_H = 8.0
CLOSES_H = 22.0
DAY_S = (CLOSES_H - OPENS_H) * 3600
PEAKS = ((8.5, 0.6, 1.0), (12.2, 0.8, 1.6), (18.3, 1.2, 2.2))
"""Hour, width in hours, height over the quiet level: breakfast, lunch, the way home."""
SHOPPERS_PER_HOUR = 34.0
"""At the quiet level."""

JOINS = 0.3
"""Share of the shoppers who use the Wi-Fi."""
LEAVES = 0.85
"""Of these, who log out; the others walk off, and their time ends."""


class Kind(StrEnum):
    SCAN_AT_KIOSK = "scan at the kiosk"
    SEARCH = "search on the kiosk"
    CLAIM = "take a coupon"
    SHAKE = "shake the phone"
    SCAN_AT_TILL = "scan at the till"
    REDEEM = "use a coupon"
    PAY_CODE = "show a payment code to the kiosk"
    JOIN = "join the Wi-Fi"
    LEAVE = "leave the Wi-Fi"


class Act(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Somebody does something `at_s` seconds after opening."""

    at_s: float
    shopper: int
    kind: Kind
    code: str = ""
    """What goes over the scanner's line, or the words typed."""


def rate_per_s(at_s: float) -> float:
    """Shoppers a second at a time of day."""
    hour = OPENS_H + at_s / 3600
    level = 1.0 + sum(height * math.exp(-(((hour - at) / width) ** 2)) for at, width, height in PEAKS)
    return SHOPPERS_PER_HOUR * level / 3600


def acts(*, seed: int, codes: Sequence[str], words: Sequence[str]) -> list[Act]:
    """The day in order. `codes` are the shop's barcodes, `words` what people type."""
    random = Random(seed)  # noqa: S311 - a play, not a secret
    found = [act for number, at_s in enumerate(_arrivals(random)) for act in _visit(random, number, at_s, codes, words)]
    return sorted(act for act in found if act.at_s < DAY_S)


def _arrivals(random: Random) -> Iterator[float]:
    """A Poisson process by thinning."""
    top = SHOPPERS_PER_HOUR * (1 + sum(height for _, _, height in PEAKS)) / 3600
    at_s = 0.0
    while (at_s := at_s + random.expovariate(top)) < DAY_S:
        if random.random() * top < rate_per_s(at_s):
            yield at_s


def _visit(random: Random, shopper: int, at_s: float, codes: Sequence[str], words: Sequence[str]) -> Iterator[Act]:
    deeds = [*_deeds(random, codes, words)]
    if random.random() < JOINS:
        deeds.insert(0, (Kind.JOIN, ""))
        deeds += [(Kind.LEAVE, "")] if random.random() < LEAVES else []
    for kind, code in deeds:
        at_s += random.uniform(8, 90)
        yield Act(at_s=at_s, shopper=shopper, kind=kind, code=code)


def _deeds(random: Random, codes: Sequence[str], words: Sequence[str]) -> Iterator[tuple[Kind, str]]:
    if random.random() < 0.4:
        for _ in range(random.choice((1, 1, 2, 3))):
            yield Kind.SHAKE, ""
    wants_coupon = random.random() < 0.35
    if wants_coupon:
        yield Kind.CLAIM, ""
    if random.random() < 0.3:
        yield Kind.SEARCH, random.choice(words)
    if random.random() < 0.4:
        yield Kind.SCAN_AT_KIOSK, random.choice(codes)
    if random.random() < 0.01:
        yield Kind.PAY_CODE, f"{random.choice(['28', '13'])}{random.randrange(10**15, 10**16)}"
    for _ in range(1 + int(random.expovariate(0.35))):
        yield Kind.SCAN_AT_TILL, random.choice(codes)
    if wants_coupon and random.random() < 0.6:
        yield Kind.REDEEM, ""
