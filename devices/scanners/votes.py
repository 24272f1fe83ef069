"""When a camera's reads become a scan. Pure: times are passed in.

A linear code counts after two equal reads within 400 ms: wrong reads of a blurred frame differ from frame to frame,
right ones don't. Reed-Solomon codes count at once. What stays in sight is one scan; it is a new one after 1.5 s out of
sight.
"""

from __future__ import annotations

from typing import NamedTuple

from devices.scanners.decode import Read

WITHIN_S = 0.4
LINEAR_VOTES = 2
REPEAT_S = 1.5
MAX_REMEMBERED = 64
"""Different texts in sight; more are clutter, and the oldest is forgotten."""


class _Seen(NamedTuple):
    first_s: float
    last_s: float
    votes: int
    told: bool


class Votes:
    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], _Seen] = {}

    def see(self, reads: tuple[Read, ...], *, at_s: float) -> list[tuple[Read, int]]:
        """The reads of one frame → new scans, each with the votes behind it."""
        scans: list[tuple[Read, int]] = []
        for key, read in {(read.symbology, read.text): read for read in reads}.items():
            seen = self._counted(key, at_s=at_s)
            if not seen.told and seen.votes >= (LINEAR_VOTES if read.linear else 1):
                seen = seen._replace(told=True)
                scans.append((read, seen.votes))
            self._seen.pop(key, None)  # the dict stays in the order of last sight
            self._seen[key] = seen
        while len(self._seen) > MAX_REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return scans

    def _counted(self, key: tuple[str, str], *, at_s: float) -> _Seen:
        seen = self._seen.get(key)
        if seen is None or at_s - seen.last_s >= (REPEAT_S if seen.told else WITHIN_S):
            return _Seen(at_s, at_s, 1, told=False)
        return seen._replace(last_s=at_s, votes=seen.votes + 1)
