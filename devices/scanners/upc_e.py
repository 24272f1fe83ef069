"""UPC-E, the short form of UPC-A on small packages. Pure."""

from __future__ import annotations

from edge.gtin import check_digit, is_digits


def expanded(digits: str) -> str:
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
