"""AIM symbology identifiers (ISO/IEC 15424): `]`, a letter for the symbology, a modifier. Pure."""

from __future__ import annotations

import re

_AIM = re.compile(r"\][A-Za-z][0-9A-Za-z]")

GS1 = frozenset({"]C1", "]d2", "]d5", "]Q3", "]Q6", "]e0", "]e1", "]e2", "]J1"})
"""The data is a GS1 element string: the symbol carried FNC1 in first position, or can hold nothing else."""
EAN_13 = "]E0"
"""EAN-13, UPC-A, UPC-E."""
EAN_WITH_ADDON = "]E3"
EAN_8 = "]E4"
RETAIL = frozenset({EAN_13, EAN_WITH_ADDON, EAN_8})
"""Symbols of the till, which can't hold a payment code."""


def split(text: str) -> tuple[str, str]:
    """(identifier, data); the identifier is empty where the text does not start with one."""
    found = _AIM.match(text)
    return (found.group(), text[3:]) if found else ("", text)


def is_aim(text: str) -> bool:
    return _AIM.fullmatch(text) is not None
