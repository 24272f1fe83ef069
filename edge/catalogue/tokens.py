"""What a product is found by: the tokens of its names, brand, category and keywords. Pure.

One full-text column holds them all, without positions: single characters and pairs of them (可 可乐), pinyin from
every syllable to the end of its run (kekoukele koukele kele le), the same of initials (kkkl kkl kl), and words of other
scripts. A token with START in front says that a name begins so. A query is an AND of tokens and prefixes of tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from edge.catalogue.product import Row
from edge.catalogue.words import Script, Word, compounds, normal, pairs, split

START = "_"
MAX_LETTERS = 14
"""Letters of a token: what is typed beyond them hardly ever decides."""
MAX_INITIALS = 8


class Reader(Protocol):
    def of_run(self, run: str) -> tuple[str, ...]: ...

    def of_character(self, character: str) -> tuple[str, ...]: ...


def of(row: Row, reader: Reader) -> str:
    """All tokens of a product, blanks between."""
    product = row.product
    found: dict[str, None] = {}
    for name in (product.name_zh, product.name_en):
        words = split(normal(name))
        for index, word in enumerate(words):
            found.update(dict.fromkeys(_of_word(word, reader)))
            if index == 0:
                found.update(dict.fromkeys(START + token for token in _starts(word, reader)))
        found.update(dict.fromkeys(compounds(normal(name))))
    for text in (product.brand, product.category, product.sku, *row.keywords):
        for word in split(normal(text)):
            found.update(dict.fromkeys(_of_word(word, reader)))
        found.update(dict.fromkeys(compounds(normal(text))))
    return " ".join(found)


def syllables(name: str, reader: Reader) -> str:
    """The name as it is spoken, `ke kou ke le 330ml`: what the last resorts of a search are checked against."""
    spoken: list[str] = []
    for word in split(normal(name)):
        spoken += reader.of_run(word.text) if word.script is Script.HAN else (word.text,)
    return " ".join(filter(None, spoken))


def _of_word(word: Word, reader: Reader) -> Iterator[str]:
    if word.script is not Script.HAN:
        yield word.text[:MAX_LETTERS]
        return
    yield from word.text
    yield from pairs(word.text)
    for start in range(len(word.text)):
        for spoken in _spoken(word.text, start, reader):
            yield from _spelled(spoken)


def _starts(word: Word, reader: Reader) -> Iterator[str]:
    if word.script is not Script.HAN:
        yield word.text[:MAX_LETTERS]
        return
    yield word.text[0]
    yield from pairs(word.text[:2])
    for spoken in _spoken(word.text, 0, reader):
        yield from _spelled(spoken)


def _spoken(run: str, start: int, reader: Reader) -> Iterator[Sequence[str]]:
    """Readings of run[start:]: the likeliest, then with one of its first two characters read otherwise."""
    likeliest = reader.of_run(run)[start:]
    yield likeliest
    for offset, character in enumerate(run[start : start + 2]):
        for other in reader.of_character(character):
            if other != likeliest[offset]:
                yield (*likeliest[:offset], other, *likeliest[offset + 1 :])


def _spelled(spoken: Sequence[str]) -> Iterator[str]:
    if full := "".join(spoken)[:MAX_LETTERS]:
        yield full
    initials = "".join(syllable[:1] for syllable in spoken)[:MAX_INITIALS]
    if len(initials) > 1:
        yield initials
