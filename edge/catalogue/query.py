"""Words → full-text expressions. Every token is quoted and holds only letters, digits, `.` and `%`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edge.catalogue.tokens import MAX_LETTERS, START
from edge.catalogue.words import Script, Word, pairs

MAX_WORDS = 6
"""Words of a query that are looked at: each costs a walk through an index."""


def whole(words: Sequence[Word], syllables: frozenset[str]) -> str:
    """All words, each to be continued."""
    return _and(part for word in words[:MAX_WORDS] for part in _word(word, syllables))


def starting(words: Sequence[Word], syllables: frozenset[str]) -> str:
    """The same, and a name begins with the first word."""
    first, *rest = words[:MAX_WORDS]
    if first.script is Script.HAN:
        head = [f'"{START}{first.text[:2]}"', *(_quoted(pair) for pair in pairs(first.text)[1:])]
    else:
        head = [f'"{START}{first.text[:MAX_LETTERS]}"*', *list(_word(first, syllables))[1:]]
    return _and([*head, *(part for word in rest for part in _word(word, syllables))])


def ending(words: Sequence[Word]) -> str:
    """Each word is the whole rest of a run: kele finds 可口可乐 330ml before 可乐鸡翅. Empty: nothing new."""
    if all(word.script is Script.HAN for word in words) or any(len(word.text) > MAX_LETTERS for word in words):
        return ""
    parts: list[str] = []
    for word in words[:MAX_WORDS]:
        parts += _word(word, frozenset()) if word.script is Script.HAN else (_quoted(word.text),)
    return _and(parts)


def characters(words: Sequence[Word], syllables: frozenset[str]) -> str:
    """Han characters in any order and place, up to twelve; other words as ever."""
    parts: dict[str, None] = {}
    for word in words[:MAX_WORDS]:
        parts.update(dict.fromkeys(map(_quoted, word.text) if word.script is Script.HAN else _word(word, syllables)))
    return _and(list(parts)[:12])


def letters(pieces: Sequence[str]) -> str:
    """Each piece begins some word."""
    return _and(dict.fromkeys(f'"{piece}"*' for piece in pieces))


def pieces(text: str, syllables: frozenset[str]) -> list[str]:
    """Letters as whole syllables where they can be, single letters else: nongfsq → nong f s q."""
    found: list[str] = []
    at = 0
    while at < len(text):
        size = next((size for size in range(6, 1, -1) if text[at : at + size] in syllables), 1)
        found.append(text[at : at + size])
        at += size
    return found


def _word(word: Word, syllables: frozenset[str]) -> list[str]:
    if word.script is Script.HAN:
        return [_quoted(pair) for pair in pairs(word.text)[:12]] or [_quoted(word.text)]
    if word.script is Script.LATIN and len(word.text) > MAX_LETTERS:
        return [f'"{chunk}"*' for chunk in _chunks(pieces(word.text, syllables))]
    return [f'"{word.text[:MAX_LETTERS]}"*']


def _chunks(spoken: Sequence[str]) -> list[str]:
    """Syllables joined as far as a token goes; only the first chunk where they are not syllables at all."""
    chunks = [""]
    for syllable in spoken:
        if len(chunks[-1]) + len(syllable) <= MAX_LETTERS:
            chunks[-1] += syllable
        else:
            chunks.append(syllable)
    return chunks if all(len(syllable) > 1 for syllable in spoken) else chunks[:1]


def _quoted(token: str) -> str:
    return f'"{token}"'


def _and(parts: Iterable[str]) -> str:
    return " AND ".join(parts)
