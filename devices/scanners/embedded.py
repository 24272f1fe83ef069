"""Codes that the shop's own scale prints: an item number with a price or a weight inside. Pure.

A pattern has one character a digit: a digit stands for itself, P item, V price in fen, W weight in grams, X anything,
C check digit (weights 3, 1 from the right, as in a GTIN).
"""

from __future__ import annotations

from collections.abc import Iterable

from edge import gtin
from edge.events import Code, CodeKind


def read(digits: str, patterns: Iterable[str], *, aim: str) -> Code | None:
    """The code's meaning under the first pattern that fits."""
    for pattern in patterns:
        if len(pattern) == len(digits) and _fits(digits, pattern):
            return _code(digits, pattern, aim)
    return None


def _fits(digits: str, pattern: str) -> bool:
    if not gtin.is_digits(digits):
        return False
    if any(want.isdigit() and want != got for want, got in zip(pattern, digits, strict=True)):
        return False
    return pattern[-1] != "C" or gtin.checks(digits)


def _code(digits: str, pattern: str, aim: str) -> Code:
    price, weight = _field(digits, pattern, "V"), _field(digits, pattern, "W")
    return Code(
        kind=CodeKind.EMBEDDED,
        value=digits,
        aim=aim,
        item=_field(digits, pattern, "P"),
        price_fen=int(price) if price else None,
        weight_g=int(weight) if weight else None,
    )


def _field(digits: str, pattern: str, letter: str) -> str:
    return "".join(got for want, got in zip(pattern, digits, strict=True) if want == letter)
