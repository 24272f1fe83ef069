"""GTINs (GS1 General Specifications 7.9): lengths, check digit, one spelling, and numbers made in the shop."""

from __future__ import annotations

from edge.ids import Gtin

LENGTHS = frozenset({8, 12, 13, 14})
MAX_ITEM_DIGITS = 5
"""Digits of an item number inside a code made in the shop (prefix 20)."""


def check_digit(body: str) -> str:
    """The digit that follows `body`: weights 3 and 1 from the right."""
    total = sum(int(digit) * (3 if index % 2 == 0 else 1) for index, digit in enumerate(reversed(body)))
    return str(-total % 10)


def canonical(text: str) -> Gtin | None:
    """GTIN-14 of a GTIN-8, -12, -13 or -14 whose check digit is right; else None."""
    if len(text) not in LENGTHS or not (text.isascii() and text.isdigit()):
        return None
    return Gtin(text.zfill(14)) if check_digit(text[:-1]) == text[-1] else None


def made_in_shop(gtin: Gtin) -> bool:
    """An EAN-13 with prefix 20 to 29: price or weight inside, numbered by the shop itself."""
    return gtin.startswith("02")


def of_item(item: str) -> Gtin:
    """The code, without price or weight, of the shop's own item number (1 to 5 digits)."""
    body = f"20{item.zfill(MAX_ITEM_DIGITS)}00000"
    return Gtin(f"0{body}{check_digit(body)}")


def item_of(gtin: Gtin) -> str:
    """The item number inside a code made in the shop."""
    return gtin[3 : 3 + MAX_ITEM_DIGITS]
