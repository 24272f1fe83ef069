"""One picture, read with patience. Pure: the same picture gives the same codes on every machine."""

from __future__ import annotations

from devices.scanners import decode, opinion
from devices.scanners.decode import Formats, Gray, Read


def read_all(gray: Gray, formats: Formats) -> tuple[Read, ...]:
    """Every symbol in a picture, once each, in reading order."""
    found = decode.full(gray, formats) or opinion.second(gray, formats)
    unique = {(read.text, read.symbology): read for read in reversed(found)}
    return tuple(sorted(unique.values(), key=_reading_order))


def _reading_order(read: Read) -> tuple[int, int, str]:
    return (min(y for _, y in read.corners), min(x for x, _ in read.corners), read.text)
