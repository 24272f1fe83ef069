"""One picture, read with patience. Pure: the same picture gives the same codes on every machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from devices.pictures import Box, Patch
from devices.scanners import looks
from devices.scanners.decode import Formats, Gray, Read
from devices.scanners.looks import Look
from devices.scanners.trust import Tally, overlap

BUDGET_MPX = 200.0
"""Megapixels of a `fast` look that a picture may cost beyond its first look; 2 to 4 s where nothing can be read."""
REST_MPX = 15.0
"""The same once something was found: for the places that are striped and not explained yet."""
CONFIRM_MPX = 10.0


def read_all(gray: Gray, formats: Formats, *, budget_mpx: float = BUDGET_MPX) -> tuple[Read, ...]:
    """Every symbol in a picture that can be trusted, once each, in reading order."""
    tally = Tally()
    _look(looks.first(gray), tally, formats)
    for one in tally.doubtful():
        _try(looks.at_read(gray, one.read), tally, formats, CONFIRM_MPX, enough=lambda: False)
    for one in tally.doubtful():
        if one.plain:
            tally.suspect(one.read)
    left = min(budget_mpx, REST_MPX) if tally.trusted() else budget_mpx
    boxes = looks.boxes_of(gray)
    if not tally.trusted():
        boxes += looks.boxes_of(gray, looks.FINE_STRIPES)
    for look_at in (looks.at_box, looks.harder_at_box):
        for box in boxes:
            if not _explained(box, tally.trusted()):
                left = _try(look_at(gray, box), tally, formats, left, enough=_explains(tally, box))
        if tally.trusted() and not tally.doubtful():
            return tally.trusted()
    if not tally.trusted():
        _try(looks.again(gray), tally, formats, left, enough=lambda: bool(tally.trusted()))
    return tally.trusted()


def _explains(tally: Tally, box: Box) -> Callable[[], bool]:
    return lambda: _explained(box, tally.trusted())


def _try(ladder: Iterable[Look], tally: Tally, formats: Formats, left: float, *, enough: Callable[[], bool]) -> float:
    for look in ladder:
        if left <= 0 or enough():
            break
        left -= _look(look, tally, formats)
    return left


def _look(look: Look, tally: Tally, formats: Formats) -> float:
    """Reads one look into the tally; what it cost in megapixels."""
    patch = look.patch()
    reads = look.reader(patch.gray, formats)
    tally.add((_placed(read, patch) for read in reads), look=look.name, plain=look.plain, firsthand=look.firsthand)
    return patch.gray.size * look.price / 1e6


def _placed(read: Read, patch: Patch) -> Read:
    return read._replace(corners=tuple(patch.origin(x, y) for x, y in read.corners))


def _explained(box: Box, reads: tuple[Read, ...]) -> bool:
    """Whether one of the codes lies in this place."""
    half = max(box.width, box.height) / 2
    bounds = ((int(box.x - half), int(box.y - half)), (int(box.x + half), int(box.y + half)))
    return any(overlap(read.corners, bounds) for read in reads)
