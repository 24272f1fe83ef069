"""GTIN arithmetic (GS1 General Specifications 7.9 and 7.10). Pure."""

from __future__ import annotations

import re

from edge.ids import Gtin

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
    if len(digits) not in {8, 12, 13, 14} or not is_digits(digits) or not checks(digits) or not digits.strip("0"):
        return None
    return Gtin(digits.zfill(14))


def expand_upc_e(digits: str) -> str:
    """UPC-E (number system, six digits, check digit) → UPC-A. Empty where it is none (GS1 GenSpecs 5.2.2.4.2)."""
    if len(digits) != 8 or not is_digits(digits) or digits[0] not in "01":
        return ""
    system, body, last, check = digits[0], digits[1:6], digits[6], digits[7]
    if last in "012":
        upc_a = f"{system}{body[:2]}{last}0000{body[2:5]}"
    elif last == "3":
        upc_a = f"{system}{body[:3]}00000{body[3:5]}"
    elif last == "4":
        upc_a = f"{system}{body[:4]}00000{body[4]}"
    else:
        upc_a = f"{system}{body}0000{last}"
    return upc_a + check if check_digit(upc_a) == check else ""
