"""A word nothing is found by → the word of this catalogue that was probably meant, by sound and by letters."""

from __future__ import annotations

from itertools import product as every
from typing import NamedTuple

from edge.catalogue.opened import Opened
from edge.catalogue.sounds import allowed, distance, folded, keys
from edge.catalogue.words import Script, Word

MAX_COMPARED = 80
"""Words compared in full: the most used ones under the same keys."""
MAX_READINGS = 6
MAX_SPELLED = 24


class Repair(NamedTuple):
    word: Word
    """What to search for."""
    shown: str
    """What to show: the word as the catalogue writes it."""


def repaired(book: Opened, word: Word) -> Repair | None:
    """The best replacement, or None where nothing is near."""
    if word.script is Script.HAN:
        found = _nearest(book, _spellings(book, word.text), word.text)
        return Repair(Word(found[0], word.script), found[0]) if found else None
    if word.script is Script.LATIN and len(word.text) <= MAX_SPELLED:
        found = _nearest(book, [word.text], "")
        return Repair(Word(found[1], word.script), found[0]) if found else None
    return None


def _spellings(book: Opened, run: str) -> list[str]:
    """Ways to read a run: the usual one, then mixtures of others, a few."""
    readings = [reading or ("",) for reading in book.readings(run[:MAX_SPELLED])]
    ways: list[str] = []
    for way in every(*readings):
        ways.append("".join(way))
        if len(ways) == MAX_READINGS:
            break
    return [way for way in ways if way]


def _nearest(book: Opened, spellings: list[str], written: str) -> tuple[str, str] | None:
    """(text, spelling). Fewest wrong letters by sound, then by writing, then the most used word."""
    best: tuple[tuple[int, int, int, int], tuple[str, str]] | None = None
    for letters_out in range(3):
        for spelling in spellings:
            sound = folded(spelling)
            layers = keys(sound)
            if letters_out >= len(layers):
                continue
            limit = allowed(len(sound))
            for text, word_spelling, word_sound, weight in book.near(layers[letters_out], MAX_COMPARED):
                wrong = distance(sound, word_sound, limit)
                if wrong > limit or text == written or (wrong and written and not set(text) & set(written)):
                    continue  # 重庆 is not 冲饮: characters that share none must at least sound the same
                strange = sum(a != b for a, b in zip(text, written, strict=False)) if written else 0
                rank = (wrong, abs(len(text) - len(written)) if written else 0, strange, -weight)
                if best is None or rank < best[0]:
                    best = (rank, (text, word_spelling))
        if best is not None and best[0][0] <= letters_out:
            break  # leaving out more letters only finds words that are farther away
    return best[1] if best else None
