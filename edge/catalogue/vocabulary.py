"""The words of a catalogue: what typos are repaired to and what the keyboard of a kiosk suggests. Pure.

Brands and keywords are given. Words inside names are found by counting: a run of characters is a word when it is
frequent, its parts meet far more often than by chance, and it is not merely a piece of one longer word; the last two
characters of that may be, for they say what kind of thing it is: 牛奶 of 纯牛奶.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from edge.catalogue.product import Row
from edge.catalogue.tokens import Reader
from edge.catalogue.words import Script, compounds, normal, split

MAX_WORDS = 8_000
MAX_CHARACTERS = 6
MAX_SPELLINGS = 4
COHESION = 3.0
"""How many times more often than by chance the parts of a word meet."""
WHOLE = 0.9
"""A run is a piece of a longer word when that makes up this share of its uses."""


class Term(NamedTuple):
    text: str
    spelling: str
    """Letters one types for it."""
    initials: str
    weight: int
    """Products it stands in."""


def of(rows: Iterable[Row], reader: Reader) -> Iterator[Term]:
    """The words, most used first; a word read in two ways comes twice."""
    grams: Counter[str] = Counter()
    given: Counter[str] = Counter()
    total = 0
    for row in rows:
        total += 1
        _count(row, grams, given)
    words = given + Counter({gram: grams[gram] for gram in _words(grams, total) if not _glued(gram, given)})
    for text, weight in words.most_common(MAX_WORDS):
        for spelling, initials in _spellings(text, reader):
            yield Term(text, spelling, initials, weight)


def _count(row: Row, grams: Counter[str], given: Counter[str]) -> None:
    product = row.product
    brand = normal(product.brand)
    name = normal(product.name_zh)
    for run in (word.text for word in split(name) if word.script is Script.HAN):
        grams.update({run[i : i + n] for n in range(1, MAX_CHARACTERS) for i in range(len(run) - n + 1)})
    for text in (brand, *map(normal, row.keywords), name.replace(brand, " ") if brand else ""):
        given.update(
            {word.text for word in split(text) if word.script is Script.HAN and 2 <= len(word.text) <= MAX_CHARACTERS}
        )
    latin = f"{brand} {normal(product.name_en)} {name} {' '.join(map(normal, row.keywords))}"
    given.update({word.text for word in split(latin) if word.script is Script.LATIN and len(word.text) > 2})
    given.update(set(compounds(latin)))


def _glued(gram: str, given: Counter[str]) -> bool:
    """A given word and what often stands beside it: 农夫山泉饮."""
    return any(gram[:at] in given or gram[-at:] in given for at in range(2, len(gram)))


def _words(grams: Counter[str], total: int) -> Iterator[str]:
    enough = max(3, total // 10_000)
    frequent = {gram: count for gram, count in grams.items() if count >= enough}
    part_of: dict[str, int] = {}
    for gram, count in frequent.items():
        # 纯 has other uses than 纯牛奶, so 牛奶 is a word; 巧 has none but 巧克力, so 克力 is not
        says_kind = len(gram) == 3 and count < WHOLE * frequent.get(gram[0], 0)
        for part in {gram[:-1]} if says_kind else {gram[1:], gram[:-1]}:
            part_of[part] = max(part_of.get(part, 0), count)
    for gram, count in frequent.items():
        if len(gram) < 2 or part_of.get(gram, 0) >= WHOLE * count:
            continue
        if all(count * total >= COHESION * grams[gram[:at]] * grams[gram[at:]] for at in range(1, len(gram))):
            yield gram


def _spellings(text: str, reader: Reader) -> Iterator[tuple[str, str]]:
    """The likeliest reading, then those with one character read otherwise."""
    if text.isascii():
        yield text, ""
        return
    spoken = reader.of_run(text)
    found = {"".join(spoken): "".join(part[:1] for part in spoken)}
    for index, character in enumerate(text):
        for other in reader.of_character(character):
            changed = (*spoken[:index], other, *spoken[index + 1 :])
            if len(found) < MAX_SPELLINGS:
                found.setdefault("".join(changed), "".join(part[:1] for part in changed))
    found.pop("", None)
    yield from found.items()
