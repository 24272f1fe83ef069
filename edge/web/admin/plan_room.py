"""Free room on the plan for a zone's texts: among its marks, their names and the radios. Pure.

A text stands once, and is drawn at two sizes: on a desk, and larger on a phone, where only what is wrong has a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple
from unicodedata import east_asian_width

PAD = 14.0
"""From the zone's border to its texts."""
ROWS, COLUMNS = 9, 5
PHONE = 0.07
"""What is hidden on a phone counts less: there the table is nearer than the plan."""
FAR = 2.0
"""An area that is hidden, against a distance."""
NAME, CARRIED, LABEL = (21.0, 34.0), (19.0, 32.0), (17.0, 30.0)
"""Sizes on a desk and on a phone, as in admin.css."""
GLYPH, GLYPH_PHONE = (20.0, 18.0), (30.0, 27.0)
"""Half a mark's width and height."""
LABEL_TOP = 20.0
LINE = 1.1
RADIO = 17.0


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: Box) -> float:
        """The area that both have."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, across) * max(0.0, down)

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)


class Taken(NamedTuple):
    """What is drawn already, at both sizes."""

    desk: list[Box]
    phone: list[Box]

    def add(self, desk: Box, phone: Box) -> None:
        self.desk.append(desk)
        self.phone.append(phone)

    def mark(self, x: float, y: float, label: str, anchor: str, *, bad: bool) -> None:
        self.desk.append(_around(x, y, *GLYPH))
        self.phone.append(_around(x, y, *GLYPH_PHONE))
        if label:
            self.desk.append(_label(x, y, label, anchor, LABEL[0]))
        if label and bad:
            self.phone.append(_label(x, y, label, anchor, LABEL[1]))

    def radio(self, x: float, y: float) -> None:
        self.add(_around(x, y, RADIO, RADIO), _around(x, y, RADIO, RADIO))


def place(text: str, zone: Box, taken: Taken, *, sizes: tuple[float, float], low: bool) -> tuple[float, float]:
    """Upper left corner for a text of a zone, and it is taken then. `low`: usually it stands at the bottom. It leaves
    its usual corner where it would hide something, and goes no further than that is worth.
    """
    found = [
        (_box(x, y, text, sizes[0]), _box(x, y, text, sizes[1]), away)
        for x, y, away in _corners(text, zone, sizes, low=low)
    ]
    costs = [
        _hidden(desk, zone, taken.desk) + PHONE * _hidden(phone, zone, taken.phone) + FAR * away
        for desk, phone, away in found
    ]
    desk, phone, _ = found[costs.index(min(costs))]
    taken.add(desk, phone)
    return desk.left, desk.top


def _corners(text: str, zone: Box, sizes: tuple[float, float], *, low: bool) -> Iterator[tuple[float, float, float]]:
    """Where it could stand, and how far that is from its usual corner."""
    left, top = zone.left + PAD, zone.top + PAD
    last = max(top, zone.bottom - PAD - LINE * sizes[0])
    right = max(left, zone.right - PAD - width(text, sizes[1]))
    for row in range(ROWS):
        for column in range(COLUMNS):
            x, y = left + (right - left) * column / (COLUMNS - 1), top + (last - top) * row / (ROWS - 1)
            yield x, y, x - left + (last - y if low else y - top)


def _hidden(box: Box, zone: Box, taken: Iterable[Box]) -> float:
    """Of it and by it; what lies outside of its zone is cut off."""
    return sum(box.covers(other) for other in taken) + box.area - box.covers(zone)


def width(text: str, size: float) -> float:
    """About; a Chinese character is as wide as it is high."""
    return size * sum(1.0 if east_asian_width(char) in "WF" else 0.56 for char in text)


def _box(x: float, y: float, text: str, size: float) -> Box:
    return Box(x, y, x + width(text, size), y + LINE * size)


def _around(x: float, y: float, across: float, down: float) -> Box:
    return Box(x - across, y - down, x + across, y + down)


def _label(x: float, y: float, text: str, anchor: str, size: float) -> Box:
    wide = width(text, size)
    left = x - {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor] * wide
    return Box(left, y + LABEL_TOP, left + wide, y + LABEL_TOP + LINE * size)
