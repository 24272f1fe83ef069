"""GS1 element strings and Digital Link URIs. Pure. The one file that knows biip, which carries GS1's table of
identifiers.
"""

from __future__ import annotations

from collections.abc import Iterable

import biip
from biip.gs1_element_strings import GS1ElementString

from devices.scanners import aim as aims
from devices.scanners import gtin
from edge.events import Code, CodeKind
from edge.ids import Gtin

MAX_CHARS = 512
GS = "\x1d"
_KILOGRAMS = "310"  # AI (310n): net weight, kg, n decimals
_AMOUNT = "392"  # AI (392n): amount payable, variable measure, local currency, n decimals
_MAX_DECIMALS = 5


def read(text: str, *, aim: str) -> Code | None:
    """The code's meaning, or None where it is no valid GS1 data."""
    if len(text) > MAX_CHARS:
        return None
    if text[:8].lower().startswith(("http://", "https://")):
        return _code(_link(text), text, aim)
    if aim in aims.GS1 or GS in text or _starts_with_gtin(text):
        return _code(_message(text.strip(GS)), text, aim)
    return None


def _starts_with_gtin(text: str) -> bool:
    """AI (01) and a right GTIN-14, and more: what a scanner without AIM sends for GS1-128."""
    return len(text) > 16 and text.startswith("01") and gtin.gtin_of(text[2:16]) is not None


def _message(text: str) -> tuple[GS1ElementString, ...]:
    try:
        found = biip.parse(f"]C1{text}").gs1_message
    except (biip.BiipException, ValueError):
        return ()
    return tuple(found.element_strings) if found else ()


def _link(text: str) -> tuple[GS1ElementString, ...]:
    try:
        found = biip.parse(text).gs1_digital_link_uri
    except (biip.BiipException, ValueError):
        return ()
    return tuple(found.element_strings) if found else ()


def _code(elements: Iterable[GS1ElementString], text: str, aim: str) -> Code | None:
    by_ai: dict[str, GS1ElementString] = {}
    for element in elements:
        by_ai.setdefault(element.ai.ai, element)
    found: Gtin | None = None
    if article := by_ai.get("01") or by_ai.get("02"):
        found = gtin.gtin_of(article.value)
        if found is None:
            return None
    if not by_ai:
        return None
    batch, expiry = by_ai.get("10"), by_ai.get("17")
    return Code(
        kind=CodeKind.GS1,
        value=found or text.replace(GS, "|"),
        gtin=found,
        aim=aim,
        batch=batch.value if batch else "",
        expires=expiry.date.isoformat() if expiry and expiry.date else "",
        price_fen=_decimal(by_ai, _AMOUNT, units=2),
        weight_g=_decimal(by_ai, _KILOGRAMS, units=3),
    )


def _decimal(by_ai: dict[str, GS1ElementString], family: str, *, units: int) -> int | None:
    """The value of AI `family` + n (n decimals), in units of 10^-`units`; rounded down."""
    for decimals in range(_MAX_DECIMALS + 1):
        if element := by_ai.get(f"{family}{decimals}"):
            return int(element.value) * 10**units // 10**decimals if gtin.is_digits(element.value) else None
    return None
