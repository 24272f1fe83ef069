"""GS1 element strings (GenSpecs 7.8) and Digital Link URIs (GS1 Digital Link: URI Syntax 1.4). Pure.

Reads what a shop acts on: GTIN, batch, expiry, net weight, price; other identifiers are walked over. Written here
because the library for it, biip, costs 19 MB and 0.2 s at start for its table of company prefixes; the tests hold
this file to it.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from urllib.parse import parse_qsl, unquote, urlsplit

from devices.scanners import aim as aims
from edge import gtin
from edge.events import Code, CodeKind
from edge.ids import Gtin

MAX_CHARS = 512
GS = "\x1d"
_AI_CHARS = {
    **dict.fromkeys(("23", "24", "25", "40", "41", "42", "71"), 3),
    **dict.fromkeys(("31", "32", "33", "34", "35", "36", "39", "43", "70", "72", "80", "81", "82"), 4),
    **dict.fromkeys(("00", "01", "02", "03", "04", *map(str, range(10, 23)), "30", "37", *map(str, range(90, 100))), 2),
}
"""The first two digits of an application identifier say how long it is (GenSpecs figure 3.2-1)."""
_VALUE_CHARS = {
    "00": 18, "01": 14, "02": 14, "03": 14, "04": 16, "20": 2, "41": 13,
    **dict.fromkeys(map(str, range(11, 20)), 6),
    **dict.fromkeys(("31", "32", "33", "34", "35", "36"), 6),
}  # fmt: skip
"""Element strings of predefined length: no separator follows (GenSpecs figure 7.8.5-2)."""
_MAX_VALUE = 90
_TEXT = re.compile(r"""[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]{1,90}""")
"""Character set 82 (GenSpecs figure 7.11-1)."""
_BATCH_CHARS = 20
_LINK = re.compile(r"/01/([0-9]{8,14})((?:/(?:22|10|21|235)/[^/]+)*)/?\Z")
"""GTIN as primary key, then its qualifiers."""
_KILOGRAMS = "310"  # AI (310n): net weight, kg, n decimals
_AMOUNT = "392"  # AI (392n): amount payable, variable measure, local currency, n decimals
_MAX_DECIMALS = 5


def read(text: str, *, aim: str) -> Code | None:
    """The code's meaning, or None where it is no valid GS1 data."""
    if len(text) > MAX_CHARS:
        return None
    if text[:8].lower().startswith(("http://", "https://")):
        return _code(link(text), text, aim)
    if aim in aims.GS1 or GS in text or _starts_with_gtin(text):
        return _code(elements(text), text, aim)
    return None


def _starts_with_gtin(text: str) -> bool:
    """AI (01) and a right GTIN-14, and more: what a scanner without AIM sends for GS1-128."""
    return len(text) > 16 and text.startswith("01") and gtin.gtin_of(text[2:16]) is not None


def elements(message: str) -> dict[str, str]:
    """Application identifier → value (the first, where one comes twice); empty where any of it is wrong."""
    found: dict[str, str] = {}
    rest = message.strip(GS)
    while rest:
        chars = _AI_CHARS.get(rest[:2], 0)
        key = rest[:chars]
        fixed = _VALUE_CHARS.get(rest[:2])
        value, rest = _cut(rest[chars:], fixed)
        if not chars or not gtin.is_digits(key) or len(key) < chars or not _is_value(value, fixed):
            return {}
        found.setdefault(key, value)
    return found


def _cut(rest: str, fixed: int | None) -> tuple[str, str]:
    """(value, what follows it); a separator behind a value of fixed length is forgiven."""
    if fixed is None:
        value, _, rest = rest.partition(GS)
        return value, rest
    return rest[:fixed], rest[fixed:].removeprefix(GS)


def _is_value(value: str, fixed: int | None) -> bool:
    return len(value) == fixed and gtin.is_digits(value) if fixed else _TEXT.fullmatch(value) is not None


def link(uri: str) -> dict[str, str]:
    """The same out of a Digital Link; empty where it is none."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return {}
    path = _LINK.search(parts.path)
    if path is None or not parts.netloc:
        return {}
    steps = path.group(2).strip("/").split("/") if path.group(2) else []
    found = {"01": path.group(1).zfill(14)}
    for key, value in (*zip(steps[::2], map(unquote, steps[1::2]), strict=True), *parse_qsl(parts.query)):
        if gtin.is_digits(key) and _TEXT.fullmatch(value):
            found.setdefault(key, value)
    return found


def _code(found: Mapping[str, str], text: str, aim: str) -> Code | None:
    article: Gtin | None = None
    if key := found.get("01") or found.get("02"):
        article = gtin.gtin_of(key)
    expires = _day(found["17"]) if "17" in found else ""
    batch = found.get("10", "")
    if not found or (key and article is None) or expires is None or len(batch) > _BATCH_CHARS:
        return None
    return Code(
        kind=CodeKind.GS1,
        value=article or text.replace(GS, "|"),
        gtin=article,
        aim=aim,
        batch=batch,
        expires=expires,
        price_fen=_decimal(found, _AMOUNT, units=2),
        weight_g=_decimal(found, _KILOGRAMS, units=3),
    )


def _day(digits: str) -> str | None:
    """YYMMDD → ISO date of this century; day 00 is the month's last (GenSpecs 3.4.7). None where there is no such
    day.
    """
    if len(digits) != 6 or not gtin.is_digits(digits):
        return None
    year, month, day = 2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:])
    try:
        return date(year, month, day or monthrange(year, month)[1]).isoformat()
    except ValueError:
        return None


def _decimal(found: Mapping[str, str], family: str, *, units: int) -> int | None:
    """The value of AI `family` + n (n decimals), in units of 10^-`units`; rounded down."""
    for decimals in range(_MAX_DECIMALS + 1):
        value = found.get(f"{family}{decimals}", "")
        if value and gtin.is_digits(value):
            return int(f"{value[:15]}{'0' * units}") // int(f"1{'0' * decimals}")
    return None
