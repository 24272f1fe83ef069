"""Which document names which other: a set is put one kind at a time, so a name of nothing can't be refused, only told.

Pure. `mentions` is what one set says, `doubts` what a person should know before or after a set is put.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from edge.checked import nearest
from edge.config import Config
from edge.errors import Mistake
from edge.shop import Beacon, Document, Draw, Group, Page

Sets = Mapping[str, Sequence[Document]]
MAX_DOUBTS = 100
MAX_GUESSES = 20
"""To look for what was meant among thousands takes its time."""


class Mention(NamedTuple):
    number: int
    """Place of the document in its set."""
    key: str
    """Where it is said: `zone`, `pages[1].page`."""
    kind: str
    """Of what is meant."""
    name: str


def mentions(items: Iterable[Document]) -> Iterator[Mention]:
    """Of documents by documents, in their order. Those of nothing (empty names) are left out."""
    for index, item in enumerate(items):
        for key, kind, name in _of(item):
            if name:
                yield Mention(index, key, kind, name)


def named_by(config: Config) -> Iterator[tuple[str, str]]:
    """Where gateway.toml names a zone, and which."""
    for radio in config.radios:
        yield f"radios/{radio.adapter}", radio.zone
    for name, station in config.stations.items():
        yield f"stations/{name}", station.zone
    yield "shake/wifi_zone", config.shake.wifi_zone


def doubts(kind: str, items: Sequence[Document], others: Sets, config: Config) -> tuple[Mistake, ...]:
    """What the set names that does not exist, and what it lacks although others name it.

    `others`: the sets in force; the one of `kind` is not looked at.
    """
    found: list[Mistake] = []
    for mistake in _doubts(kind, items, {**others, kind: items}, config, _Guess()):
        found.append(mistake)
        if len(found) >= MAX_DOUBTS:
            break
    return tuple(found)


def _doubts(kind: str, items: Sequence[Document], sets: Sets, config: Config, guess: _Guess) -> Iterator[Mistake]:
    known: dict[str, Container[str]] = {each: {str(item.id) for item in sets.get(each, ())} for each in sets}
    for said in mentions(items):
        if said.name not in known.get(said.kind, ()):
            names = [str(item.id) for item in sets.get(said.kind, ())]
            problem = f"there is no {said.kind[:-1]} {said.name!r}" + (
                "" if names else f", nor any other {said.kind[:-1]}"
            )
            yield Mistake(f"[{said.number}].{said.key}", problem, guess(said.name, names))
    yield from _radios(items, config, guess)
    here = [str(item.id) for item in items]
    for other, its in sets.items():
        for said in mentions(its) if other != kind else ():
            if said.kind == kind and said.name not in known[kind]:
                path = f"{other}/{its[said.number].id}.{said.key}"
                yield Mistake(path, f"names {said.name!r}, which is not in this set", guess(said.name, here))
    for where, zone in named_by(config) if kind == "zones" else ():
        if zone and zone not in known[kind]:
            text = f"names the zone {zone!r} (gateway.toml), which is not in this set"
            yield Mistake(where, text, guess(zone, here))


def _radios(items: Iterable[Document], config: Config, guess: Callable[[str, Sequence[str]], str]) -> Iterator[Mistake]:
    sections = {section.adapter: section for section in config.radios}
    for index, item in enumerate(items):
        if isinstance(item, Beacon) and item.radio:
            path, section = f"[{index}].radio", sections.get(item.radio)
            if section is None:
                yield Mistake(
                    path, f"{item.radio!r} is not under [[radios]] in gateway.toml", guess(item.radio, [*sections])
                )
            elif not section.advertise:
                yield Mistake(path, f"{item.radio!r} may send nothing: advertise = false in gateway.toml")


class _Guess:
    def __init__(self) -> None:
        self._left = MAX_GUESSES

    def __call__(self, word: str, words: Sequence[str]) -> str:
        self._left -= 1
        return nearest(word, words) if self._left >= 0 else ""


def _of(item: Document) -> Iterator[tuple[str, str, str]]:
    match item:
        case Beacon():
            yield "zone", "zones", item.zone
            for number, bound in enumerate(item.pages):
                yield f"pages[{number}].page", "pages", bound.page
        case Page():
            yield "draw", "draws", item.draw
            yield "campaign", "campaigns", item.campaign
        case Draw():
            for number, prize in enumerate(item.prizes):
                yield f"prizes[{number}].campaign", "campaigns", prize.campaign
        case Group():
            for number, name in enumerate(item.beacons):
                yield f"beacons[{number}]", "beacons", name
        case _:
            return
