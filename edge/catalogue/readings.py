"""How Han characters are read: the one door to pypinyin, which costs 57 MB and so stays out of the daemon."""

from __future__ import annotations

from collections.abc import Iterator

from pypinyin import lazy_pinyin
from pypinyin.constants import PINYIN_DICT
from pypinyin.contrib.tone_convert import to_normal

MAX_READINGS = 3
"""Alternates of one character that are indexed, commonest first."""
_IDEOGRAPHS = range(0x3400, 0xA000)


class Readings:
    """Readings of one import; remembers runs, because names repeat each other."""

    def __init__(self) -> None:
        self._runs: dict[str, tuple[str, ...]] = {}
        self._characters: dict[str, tuple[str, ...]] = {}

    def of_run(self, run: str) -> tuple[str, ...]:
        """The likeliest reading of each character, by the phrases it stands in: 可口可乐 → ke kou ke le."""
        known = self._runs.get(run)
        if known is None:
            spoken = lazy_pinyin(run)
            known = tuple(text if _letters(text) else "" for text in spoken)
            if len(known) != len(run):  # a character outside the tables can join its neighbours
                known = tuple((self.of_character(character) or ("",))[0] for character in run)
            self._runs[run] = known
        return known

    def of_character(self, character: str) -> tuple[str, ...]:
        """All common readings, commonest first: 乐 → le, yue. Of lü also the lu that people type."""
        known = self._characters.get(character)
        if known is None:
            marked = PINYIN_DICT.get(ord(character), "")
            plain = [text for text in map(_plain, marked.split(",")) if _letters(text)]
            typed = [text.replace("v", "u") for text in plain if "v" in text]
            known = tuple(dict.fromkeys(plain[:MAX_READINGS] + typed))
            self._characters[character] = known
        return known

    def table(self) -> Iterator[tuple[str, str]]:
        """Character → its readings with blanks between, for every common ideograph, traditional ones too."""
        for code in _IDEOGRAPHS:
            if found := self.of_character(chr(code)):
                yield chr(code), " ".join(found)


def _plain(marked: str) -> str:
    return str(to_normal(marked)).replace("ü", "v") if marked else ""


def _letters(text: str) -> bool:
    return text.isascii() and text.isalpha()
