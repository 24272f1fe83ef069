"""Numbers that the shop makes itself, for goods it weighs: prefix 20, item number, price or weight, check digit."""

from __future__ import annotations

from edge.gtin import check_digit
from edge.ids import Gtin

MAX_ITEM_DIGITS = 5
"""Digits of an item number inside a code made in the shop (prefix 20)."""


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
