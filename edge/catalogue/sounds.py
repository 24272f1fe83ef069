"""Words that sound or look alike: folded pinyin, keys that find near spellings, and how far apart two are. Pure.

Near spellings are found as SymSpell does: a word is filed under everything that is left of it when up to two letters
are left out, and so is what was typed; whoever meets under one key is compared in full.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

HEAD = 7
"""Letters of a word that are filed; the rest is compared only."""
_FOLDS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"), ("v", "u"))
"""What southern speakers and hasty typists do not tell apart."""


def folded(letters: str) -> str:
    for heard, kept in _FOLDS:
        letters = letters.replace(heard, kept)
    return letters


def allowed(letters: int) -> int:
    """Wrong letters forgiven in a word of so many."""
    if letters < 4:
        return 0
    return 1 if letters < 7 else 2


def keys(spelling: str) -> tuple[frozenset[int], ...]:
    """Keys by letters left out: none, one, two, as far as the length allows."""
    layer = {spelling[:HEAD]}
    layers = [_hashed(layer)]
    for _ in range(allowed(len(spelling))):
        layer = {text[:index] + text[index + 1 :] for text in layer for index in range(len(text))}
        layers.append(_hashed(layer))
    return tuple(layers)


def distance(typed: str, word: str, limit: int) -> int:
    """Damerau–Levenshtein (neighbours swapped count once); `limit` + 1 where it is more than `limit`."""
    if abs(len(typed) - len(word)) > limit:
        return limit + 1
    before: Sequence[int] = ()
    above: Sequence[int] = range(len(word) + 1)
    for row, letter in enumerate(typed, 1):
        current = [row] + [limit + 1] * len(word)
        first, last = max(1, row - limit), min(len(word), row + limit)
        for column in range(first, last + 1):
            other = word[column - 1]
            best = min(above[column] + 1, current[column - 1] + 1, above[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == word[column - 2] and typed[row - 2] == other:
                best = min(best, before[column - 2] + 1)
            current[column] = best
        if min(current[first - 1 : last + 1]) > limit:
            return limit + 1
        before, above = above, current
    return min(above[-1], limit + 1)


def _hashed(texts: set[str]) -> frozenset[int]:
    return frozenset(zlib.crc32(text.encode()) for text in texts)
