"""Blobs in space × time → people who crossed, and which way. Pure.

A person who walks over the strips leaves a blob: as long as they are wide, as lasting as they are slow. Blobs that
are too long or have a waist are several people. Both strips see the same blob, one a moment after the other: that
is the direction. Who turns round leaves the second strip before the first, and did not cross.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from devices.footfall.crossing import Crossing

Profile = npt.NDArray[np.float64]


class Piece(NamedTuple):
    """One unbroken stretch of one frame."""

    time_s: float
    start: int
    end: int
    """Positions, end excluded."""
    near: int
    far: int
    """Positions of it on which each strip sees somebody."""


class Shape(NamedTuple):
    """What a person looks like to the strips, in shares of a person's length along them."""

    least: float = 0.45
    """Shorter is a bag, a dog, a foot."""
    several: float = 1.7
    """Longer is several side by side."""
    waist: float = 0.55
    """A profile that falls below this share of the smaller of two peaks parts two people."""
    part: float = 0.7
    """… of which each is at least so long, or it is an arm."""
    turn: float = 0.3
    """Leaving the wrong strip first by this share of the usual delay is a turn."""


def crossings(pieces: Sequence[Piece], *, person: float, length: int, shape: Shape | None = None) -> list[Crossing]:
    """The people in one finished blob. `person` and `length` are in positions."""
    shape = shape or Shape()
    found: list[Crossing] = []
    for side in _side_by_side(pieces, person, shape):
        for one in _one_after_another(side, person, shape):
            crossing = _crossing(one, person, length, shape)
            if crossing is not None:
                found.append(crossing)
    return found


def extent(pieces: Iterable[Piece]) -> float:
    """How long a blob is along the strip, in positions, thin ends left out."""
    profile, _ = _along(list(pieces))
    return float(np.count_nonzero(profile >= 0.2 * profile.max())) if profile.size else 0.0


def _side_by_side(pieces: Sequence[Piece], person: float, shape: Shape) -> list[list[Piece]]:
    profile, first = _along(pieces)
    cuts = [first + cut for cut in _waists(profile, shape.waist, int(shape.part * person))]
    edges = [first, *cuts, first + len(profile)]
    bounds: list[int] = [first]
    for left, right in pairwise(edges):
        size = right - left
        count = max(1, round(size / person - 0.15)) if size > shape.several * person else 1
        bounds += [left + size * number // count for number in range(1, count + 1)]
    if len(bounds) == 2:
        return [list(pieces)]
    return [_cut(pieces, left, right) for left, right in pairwise(bounds)]


def _cut(pieces: Sequence[Piece], left: int, right: int) -> list[Piece]:
    parts = []
    for piece in pieces:
        start, end = max(piece.start, left), min(piece.end, right)
        if end > start:
            share = (end - start) / (piece.end - piece.start)
            parts.append(Piece(piece.time_s, start, end, round(piece.near * share), round(piece.far * share)))
    return parts


def _one_after_another(pieces: Sequence[Piece], person: float, shape: Shape) -> list[list[Piece]]:
    times, near, far = _over_time(pieces)
    profile = np.convolve(np.maximum(near, far), (0.25, 0.5, 0.25), mode="same")
    cuts = [cut for cut in _waists(profile, shape.waist, 2) if _both_are_people(profile, cut, person, shape)]
    if not cuts:
        return [list(pieces)]
    edges = [-np.inf, *(times[cut] for cut in cuts), np.inf]
    return [[piece for piece in pieces if left <= piece.time_s < right] for left, right in pairwise(edges)]


def _both_are_people(profile: Profile, cut: int, person: float, shape: Shape) -> bool:
    return bool(min(profile[:cut].max(), profile[cut:].max()) >= shape.part * person)


def _crossing(pieces: Sequence[Piece], person: float, length: int, shape: Shape) -> Crossing | None:
    times, near, far = _over_time(pieces)
    if not near.any() or not far.any() or max(near.max(), far.max()) < shape.least * person:
        return None
    came = _moment(times, far, 0.1) - _moment(times, near, 0.1)
    middle = _moment(times, far, 0.5) - _moment(times, near, 0.5)
    left = _moment(times, far, 0.9) - _moment(times, near, 0.9)
    delay_s = (came + middle + left) / 3
    if came * left < 0 and min(abs(came), abs(left)) > shape.turn * max(abs(came), abs(left)):
        return None
    if abs(delay_s) < 1e-3:
        return None  # both at once: a lamp, a reflection, a door
    mass = near + far
    place = sum((piece.start + piece.end) * (piece.near + piece.far) for piece in pieces) / (2 * mass.sum())
    return Crossing(_moment(times, mass, 0.5), float(place / length), delay_s > 0)


def _over_time(pieces: Sequence[Piece]) -> tuple[Profile, Profile, Profile]:
    """Times, and how much of each strip is covered at each of them."""
    times = sorted({piece.time_s for piece in pieces})
    index = {time_s: number for number, time_s in enumerate(times)}
    near, far = np.zeros(len(times)), np.zeros(len(times))
    for piece in pieces:
        near[index[piece.time_s]] += piece.near
        far[index[piece.time_s]] += piece.far
    return np.array(times), near, far


def _along(pieces: Sequence[Piece]) -> tuple[Profile, int]:
    """How often each position was covered, and which position is the first."""
    if not pieces:
        return np.zeros(0), 0
    first, last = min(piece.start for piece in pieces), max(piece.end for piece in pieces)
    profile = np.zeros(last - first)
    for piece in pieces:
        profile[piece.start - first : piece.end - first] += (piece.near + piece.far) / (2 * (piece.end - piece.start))
    return profile, first


def _moment(times: Profile, mass: Profile, share: float) -> float:
    """When so much of the mass had passed, between frames by straight lines."""
    total = mass.cumsum()
    steps = np.concatenate(([0.0], total / total[-1]))
    period = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
    edges = np.concatenate((times - period / 2, [times[-1] + period / 2]))
    return float(np.interp(share, steps, edges))


def _waists(profile: Profile, depth: float, apart: int) -> list[int]:
    """Positions of the valleys that part two real peaks at least `apart` from each end and each other."""
    cuts: list[int] = []
    start = 0
    while True:
        cut = _first_waist(profile[start:], depth, max(1, apart))
        if cut is None:
            return cuts
        start += cut
        cuts.append(start)


def _first_waist(profile: Profile, depth: float, apart: int) -> int | None:
    if len(profile) < 2 * apart + 1:
        return None
    before = np.maximum.accumulate(profile)
    after = np.maximum.accumulate(profile[::-1])[::-1]
    smaller = np.minimum(before, after)
    inside = slice(apart, len(profile) - apart)
    deep = profile[inside] < depth * smaller[inside]
    if not deep.any():
        return None
    begin = apart + int(deep.argmax())
    rest = deep[begin - apart :]
    end = begin + (int((~rest).argmax()) if not rest.all() else len(rest))
    return begin + int(profile[begin:end].argmin())
