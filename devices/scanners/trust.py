"""Which of the things read in a picture are true. Pure.

A reader that is pushed hard enough (sharpened, enlarged, turned pictures) will sooner or later read a code that is not
there, and in a blurred picture even the first look may. So: what Reed-Solomon vouches for counts at once; a linear code
counts when a second, different look reads the same; and of two codes in one place the one with clearly more looks
behind it wins, or none. zbar alone is not believed where there is no check character: it reads parts of ITF codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from devices.scanners.decode import CHECKED, Read

MIN_CHARS = {"ITF": 6, "Code 39": 2, "Codabar": 4}
"""No check character, or a weak one: shorter ones are found in any picture of text, and never believed."""
SMALL_MATRIX = frozenset({"Micro QR Code", "MaxiCode", "rMQR Code"})
"""Little error correction, or a pattern that clutter imitates: a changed picture must show them twice."""
LOOKS_WANTED = 2
LOOKS_WANTED_SUSPECT = 4
"""Of a linear code that zbar alone reads, or that was not seen again when its very place was looked at closely."""
CLEARLY_MORE = 3


class Candidate(NamedTuple):
    """One text at one place, and the looks that read it."""

    read: Read
    """Corners in the whole picture."""
    looks: tuple[str, ...]
    plain: bool
    """Read at least once in the untouched picture by the first reader."""
    firsthand: bool
    """Read at least once by the first reader."""
    suspect: bool = False
    """Its place was looked at closely and did not say the same again."""


class Tally:
    """Everything that was read in one picture so far."""

    def __init__(self) -> None:
        self._candidates: dict[tuple[str, str], Candidate] = {}

    def add(self, reads: Iterable[Read], *, look: str, plain: bool = False, firsthand: bool = True) -> None:
        for read in reads:
            if len(read.text) < MIN_CHARS.get(read.symbology, 1):
                continue
            key = (read.text, read.symbology)
            known = self._candidates.get(key)
            if known is None:
                self._candidates[key] = Candidate(read, (look,), plain, firsthand)
            elif look not in known.looks:
                self._candidates[key] = known._replace(
                    looks=(*known.looks, look), plain=known.plain or plain, firsthand=known.firsthand or firsthand
                )

    def suspect(self, read: Read) -> None:
        """A closer look at the place of this read did not show it again."""
        key = (read.text, read.symbology)
        self._candidates[key] = self._candidates[key]._replace(suspect=True)

    def doubtful(self) -> tuple[Candidate, ...]:
        """What wants another look, most-read first."""
        sure = {(read.text, read.symbology) for read in self.trusted()}
        waiting = (one for key, one in self._candidates.items() if key not in sure)
        return tuple(sorted(waiting, key=lambda one: (-len(one.looks), one.read.text)))

    def trusted(self) -> tuple[Read, ...]:
        """The codes of the picture, in reading order."""
        good = [one for one in self._candidates.values() if _vouched(one)]
        kept = [one for one in good if not any(_beats(other, one) for other in self._candidates.values())]
        return tuple(sorted((one.read for one in kept), key=_reading_order))


def _vouched(one: Candidate) -> bool:
    name = one.read.symbology
    if one.read.linear:
        wanted = LOOKS_WANTED_SUSPECT if one.suspect or not one.firsthand else LOOKS_WANTED
        return len(one.looks) >= wanted and (one.firsthand or name in CHECKED)
    return one.plain or name not in SMALL_MATRIX or len(one.looks) >= LOOKS_WANTED


def _beats(other: Candidate, one: Candidate) -> bool:
    """Whether `other`, in the same place, makes `one` unbelievable."""
    if other is one or not overlap(other.read.corners, one.read.corners):
        return False
    if not other.read.linear:
        return one.read.linear and not one.plain
    if not one.read.linear:
        return False
    if one.read.text in other.read.text and len(one.read.text) < len(other.read.text) and _vouched(other):
        return True  # a part of it
    if other.read.text in one.read.text:
        return False
    return len(one.looks) < CLEARLY_MORE * len(other.looks)


def overlap(some: tuple[tuple[int, int], ...], others: tuple[tuple[int, int], ...]) -> bool:
    """Whether the middle of one lies within the other's bounds, a little widened."""
    return _holds(some, others) or _holds(others, some)


def _holds(some: tuple[tuple[int, int], ...], others: tuple[tuple[int, int], ...]) -> bool:
    xs, ys = [x for x, _ in some], [y for _, y in some]
    slack = 4 + (max(xs) - min(xs) + max(ys) - min(ys)) // 10
    x = sum(x for x, _ in others) / len(others)
    y = sum(y for _, y in others) / len(others)
    return min(xs) - slack <= x <= max(xs) + slack and min(ys) - slack <= y <= max(ys) + slack


def _reading_order(read: Read) -> tuple[int, int, str]:
    return (min(y for _, y in read.corners), min(x for x, _ in read.corners), read.text)
