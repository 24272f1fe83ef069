"""GTIN arithmetic (GS1 General Specifications 7.9 and 7.10). Pure."""

from __future__ import annotations

import re

from edge.ids import Gtin

LENGTHS = frozenset({8, 12, 13, 14})
DIGITS = re.compile(r"[0-9]+")


def is_digits(text: str) -> bool:
    """ASCII digits only: `str.isdigit` would take Arabic and full-width ones too."""
    return DIGITS.fullmatch(text) is not None


def check_digit(body: str) -> str:
    """The digit that follows `body`: weights 3, 1, 3, … from the right."""
    total = sum(int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(body)))
    return str(-total % 10)


def checks(digits: str) -> bool:
    return len(digits) > 1 and check_digit(digits[:-1]) == digits[-1]


def gtin_of(digits: str) -> Gtin | None:
    """GTIN-8, -12, -13 or -14 → GTIN-14, or None where the length or the check digit is wrong, or all is zero."""
    if len(digits) not in LENGTHS or not is_digits(digits) or not checks(digits) or not digits.strip("0"):
        return None
    return Gtin(digits.zfill(14))
