"""Code 128 and EAN-13 → black and white modules. Pure; for the pairing sheet only."""

from __future__ import annotations

_CODE128 = (  # noqa: SIM905 - a table, not 107 lines
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 "
    "123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 "
    "232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 "
    "313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 "
    "111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 "
    "114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112"
).split()
"""Widths of bar, space, bar, … by value (ISO/IEC 15417, table 1)."""
_START_B, _STOP = 104, 106
_EAN_L = "0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011".split()  # noqa: SIM905
_EAN_PARITY = "LLLLLL LLGLGG LLGGLG LLGGGL LGLLGG LGGLLG LGGGLL LGLGLG LGLGGL LGGLGL".split()  # noqa: SIM905
"""ISO/IEC 15420: the first digit is in the parities of the next six."""


def code128(text: str) -> str:
    """Printable ASCII in code set B → a string of 1 (black) and 0, without quiet zones (10 modules each)."""
    values = [ord(char) - 32 for char in text]
    if not all(0 <= value < 95 for value in values):
        raise ValueError("code set B holds printable ASCII only")
    check = (_START_B + sum(place * value for place, value in enumerate(values, 1))) % 103
    return "".join(_widths(_CODE128[value]) for value in (_START_B, *values, check, _STOP))


def _widths(widths: str) -> str:
    return "".join(("1" if index % 2 == 0 else "0") * int(width) for index, width in enumerate(widths))


def ean13(digits: str) -> str:
    """Thirteen digits → 95 modules, without quiet zones (11 left, 7 right)."""
    parity = _EAN_PARITY[int(digits[0])]
    left = "".join(_left(int(digit), side) for digit, side in zip(digits[1:7], parity, strict=True))
    right = "".join(_flipped(_EAN_L[int(digit)]) for digit in digits[7:])
    return f"101{left}01010{right}101"


def _left(digit: int, side: str) -> str:
    return _EAN_L[digit] if side == "L" else _flipped(_EAN_L[digit])[::-1]


def _flipped(modules: str) -> str:
    return modules.translate(str.maketrans("01", "10"))
