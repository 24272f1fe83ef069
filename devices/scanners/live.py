"""Live frames → scans. Pure: frames and their times come in.

The schedule: every frame with the fast flags; every third one with the full flags (every 18th for Data Matrix in all
directions, which is dear); the one after it also turned by 45°, left and right in turn, because zxing-cpp is blind for
an EAN-13 between 35 and 55°; zbar when nothing was read for a second, and again each four. Where turning helped, the
next frame is turned first.
"""

from __future__ import annotations

from typing import NamedTuple

from devices import pictures
from devices.scanners import decode, opinion
from devices.scanners.decode import Formats, Gray, Read
from devices.scanners.motion import Gate
from devices.scanners.votes import Votes

SECOND_OPINION_S = 1.0
SECOND_AGAIN_S = 4.0
"""It rescues one frame in a hundred and costs as much as five of ours: not each second for an aisle full of people."""


class Spotted(NamedTuple):
    read: Read
    votes: int


class Live:
    """One camera's eyes."""

    def __init__(self, formats: Formats) -> None:
        linear = tuple(name for name in formats.names if name not in decode.MATRIX)
        matrix = tuple(name for name in formats.names if name in decode.MATRIX)
        self._formats = formats
        self._linear = decode.choose(linear) if linear else None
        self._matrix = decode.choose(matrix) if matrix else None
        self._gate = Gate()
        self._votes = Votes()
        self._index = 0
        self._degrees = 45
        self._turned_hit = False
        self._hit_s = float("-inf")
        self._second_s = float("-inf")

    def see(self, gray: Gray, *, at_s: float) -> list[Spotted]:
        """New scans in a frame; most frames have none."""
        if self._hit_s == float("-inf"):
            self._hit_s = at_s  # nothing was missed yet that wants a second opinion
        if not self._gate.opened(gray, at_s=at_s):
            return []
        reads = self._read(gray, at_s=at_s)
        self._index += 1
        if reads:
            self._hit_s = at_s
            self._gate.keep_open(at_s=at_s)
        return [Spotted(read, votes) for read, votes in self._votes.see(reads, at_s=at_s)]

    def _read(self, gray: Gray, *, at_s: float) -> tuple[Read, ...]:
        turn = self._index % 3
        if self._turned_hit and (reads := self._turned(gray)):
            return reads
        self._turned_hit = False
        reads = self._full(gray) if turn == 0 else decode.fast(gray, self._formats)
        if not reads and turn == 1:
            self._degrees = -self._degrees
            reads = self._turned(gray)
            self._turned_hit = bool(reads)
        missed_s = at_s - self._hit_s >= SECOND_OPINION_S
        if not reads and self._linear and missed_s and at_s - self._second_s >= SECOND_AGAIN_S:
            self._second_s = at_s
            reads = opinion.second(_middle(gray), self._linear)
        return reads

    def _full(self, gray: Gray) -> tuple[Read, ...]:
        """Each family by itself: half the time of both together, where each pays for what only the other needs."""
        if self._linear and (reads := decode.full_linear(gray, self._linear)):
            return reads
        if self._matrix is None:
            return ()
        every_way = self._index % 18 == 3
        return decode.full(gray, self._matrix) if every_way else decode.full_matrix(gray, self._matrix)

    def _turned(self, gray: Gray) -> tuple[Read, ...]:
        """Linear codes in the middle of the frame, turned by ±45°. Matrix codes are read at any angle anyhow."""
        return decode.fast(pictures.turned(_middle(gray), self._degrees).gray, self._linear) if self._linear else ()


def _middle(gray: Gray) -> Gray:
    """The square in the middle: who holds a code askew holds it there, and the corners would cost as much again."""
    height, width = gray.shape
    side = min(height, width) * 9 // 10
    return pictures.cut(gray, (width - side) // 2, (height - side) // 2, side, side).gray
