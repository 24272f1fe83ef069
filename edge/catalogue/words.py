"""Text → words, the same way for a product's name and for what a shopper types. Pure."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from typing import NamedTuple

MAX_QUERY = 64
"""Characters of a query that are looked at; a keyboard of a kiosk gives fewer."""
HAN = "\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_PIECE = re.compile(rf"([{HAN}]+)|(\d+(?:\.\d+)?[a-z%]*)|([a-z]+)|([^\W_{HAN}]+)")
_COMPOUND = re.compile(r"[a-z]+(?:[-'&.][a-z]+)+")


class Script(Enum):
    HAN = 1
    NUMBER = 2
    """A number with its unit: 330ml, 1.5l, 3%."""
    LATIN = 3
    OTHER = 4


class Word(NamedTuple):
    text: str
    script: Script


def normal(text: str) -> str:
    """Half-width, lower case, without accents; one blank between words."""
    folded = unicodedata.normalize("NFKC", text).lower()
    if not folded.isascii():
        parts = unicodedata.normalize("NFD", folded)
        folded = unicodedata.normalize("NFC", "".join(part for part in parts if not _accent(part)))
    return " ".join(folded.split())


def _accent(character: str) -> bool:
    return "\u0300" <= character <= "\u036f"


def split(text: str) -> list[Word]:
    """Words of normalised text: runs of Han, numbers with units, runs of letters."""
    return [Word(match[0], Script(match.lastindex)) for match in _PIECE.finditer(text)]


def compounds(text: str) -> list[str]:
    """`coca-cola` → `cocacola`: people type it without the hyphen."""
    return [re.sub(r"[^a-z]", "", found) for found in _COMPOUND.findall(text)]


def pairs(run: str) -> list[str]:
    """Neighbouring characters of a run: 可口可乐 → 可口 口可 可乐."""
    return [run[index : index + 2] for index in range(len(run) - 1)]
