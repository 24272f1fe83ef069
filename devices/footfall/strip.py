"""People counted on two thin strips of a grey picture. Pure: numpy only, times come in, no frame is kept.

A strip is a few pixels wide and lies across the way. Of each frame only the strips are looked at: 18 of 640
columns hold no face and no scene. Somebody who walks over it is a blob in space × time; `passages` reads it.
What is kept of the past is the floor's brightness, and the blobs that are still under way (as numbers).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from devices.footfall.crossing import Crossing
from devices.footfall.ground import Ground, Mask, Sight, Strips
from devices.footfall.passages import Piece, Shape, crossings, extent
from edge.config import Strip

MAX_POSITIONS = 320
"""A longer strip is read in steps of several pixels: a person is still dozens of them long."""
USUAL_PERSON = 0.14
"""Share of the picture a person takes along the strip, until the first ones were seen."""
HOLD_S = 0.25
"""A blob that was not seen for so long is over; arms and legs come and go faster."""
MAX_BLOB_S = 20.0
"""Who stands on the line longer is looked at anew; keeps a blob bounded."""
GAP_S = 1.0
"""Frames further apart than this are a stall: what was under way is not counted."""
LEARN_FROM = 41
"""Blobs whose lengths are remembered."""
LEARN_LEAST = 5
"""Before so many were seen, no blob is taken for several people because of its length."""
SINGLE_SHARE = 0.5
"""So far up the sorted lengths stands a single person: the middle one, as pairs are longer and bags shorter."""


class Blob:
    __slots__ = ("first_s", "last", "last_s", "pieces")

    def __init__(self, piece: Piece) -> None:
        self.pieces = [piece]
        self.first_s = self.last_s = piece.time_s
        self.last = [(piece.start, piece.end)]

    def add(self, piece: Piece) -> None:
        if piece.time_s > self.last_s:
            self.last_s, self.last = piece.time_s, []
        self.pieces.append(piece)
        self.last.append((piece.start, piece.end))

    def touches(self, start: int, end: int) -> bool:
        return any(start < other_end and other_start < end for other_start, other_end in self.last)


class StripCounter:
    """One door. `see` every frame in order; it returns who crossed, up to HOLD_S after they left the strips."""

    def __init__(self, strip: Strip, *, sight: Sight | None = None, shape: Shape | None = None) -> None:
        self._strip = strip
        self._sight = sight
        self._shape = shape or Shape()
        self._ground = Ground(sight)
        self._blobs: list[Blob] = []
        self._lengths: list[float] = []
        self._usual = 0.0
        self._step = 1
        self._last_s: float | None = None

    def see(self, time_s: float, gray: npt.NDArray[np.uint8]) -> list[Crossing]:
        """`gray` is height × width. Times in seconds, growing."""
        strips = cut(gray, self._strip)
        length = strips.shape[1]
        if not self._usual:
            self._usual = USUAL_PERSON * length / (self._strip.end - self._strip.start)
            self._step = round(gray.shape[0 if self._strip.axis == "x" else 1] * USUAL_PERSON / self._usual)
        dt_s = time_s - self._last_s if self._last_s is not None else 0.0
        self._last_s = time_s
        if dt_s > GAP_S:
            self._blobs.clear()
        mask = self._ground.see(strips, min(dt_s, GAP_S))
        if mask is None:
            self._blobs.clear()
            return []
        if mask.any():
            self._link(time_s, mask)
        return self._finish(time_s, length)

    def close(self) -> list[Crossing]:
        """The film is over: blobs under way are read as they are."""
        length = self._strip_length()
        found = [crossing for blob in self._blobs for crossing in self._read(blob, length)]
        self._blobs.clear()
        return found

    @property
    def person(self) -> float:
        """A person's length in positions, as far as it is known."""
        if self._strip.person_px:
            return self._strip.person_px / self._step
        if len(self._lengths) < LEARN_LEAST:
            return self._usual
        return float(np.clip(np.quantile(self._lengths, SINGLE_SHARE), self._usual * 0.6, self._usual * 1.8))

    def _strip_length(self) -> int:
        return round(self._usual * (self._strip.end - self._strip.start) / USUAL_PERSON)

    def _link(self, time_s: float, mask: Mask) -> None:
        reach = max(1, round(0.12 * self.person))
        for start, end in _runs(mask[0] | mask[1], reach):
            near, far = int(mask[0, start:end].sum()), int(mask[1, start:end].sum())
            if near + far < 0.12 * self.person:
                continue
            piece = Piece(time_s, start, end, near, far)
            touched = [blob for blob in self._blobs if blob.touches(start - reach, end + reach)]
            if not touched:
                self._blobs.append(Blob(piece))
                continue
            blob = touched[0]
            for other in touched[1:]:
                self._merge(blob, other)
            blob.add(piece)

    def _merge(self, blob: Blob, other: Blob) -> None:
        blob.pieces = sorted(blob.pieces + other.pieces)
        blob.first_s = min(blob.first_s, other.first_s)
        if other.last_s > blob.last_s:
            blob.last, blob.last_s = other.last, other.last_s
        elif other.last_s == blob.last_s:
            blob.last = blob.last + other.last
        self._blobs.remove(other)

    def _finish(self, time_s: float, length: int) -> list[Crossing]:
        found: list[Crossing] = []
        for blob in list(self._blobs):
            if time_s - blob.last_s > HOLD_S or time_s - blob.first_s > MAX_BLOB_S:
                self._blobs.remove(blob)
                found += self._read(blob, length)
        return sorted(found)

    def _read(self, blob: Blob, length: int) -> list[Crossing]:
        known = self._strip.person_px or len(self._lengths) >= LEARN_LEAST
        shape = self._shape if known else self._shape._replace(several=np.inf)
        found = crossings(blob.pieces, person=self.person, length=length, shape=shape)
        if found:
            self._lengths = [*self._lengths[-LEARN_FROM + 1 :], extent(blob.pieces)]
        return found


def cut(gray: npt.NDArray[np.uint8], strip: Strip) -> Strips:
    """Both strips out of a picture: 2 × positions × width, near one first. At most MAX_POSITIONS long."""
    way = gray.shape[1] if strip.axis == "x" else gray.shape[0]
    across = gray.shape[0] if strip.axis == "x" else gray.shape[1]
    first, last = round(strip.start * across), max(round(strip.end * across), round(strip.start * across) + 1)
    bands = []
    for middle in (strip.at * way - strip.gap_px / 2, strip.at * way + strip.gap_px / 2):
        left = int(min(max(round(middle - strip.width_px / 2), 0), max(0, way - strip.width_px)))
        right = left + strip.width_px
        bands.append(gray[first:last, left:right] if strip.axis == "x" else gray[left:right, first:last].T)
    both = np.stack(bands).astype(np.float32)
    step = -(-both.shape[1] // MAX_POSITIONS)
    if step > 1:
        whole = both.shape[1] // step * step
        both = both[:, :whole].reshape(2, whole // step, step, -1).mean(axis=2)
    return both


def _runs(line: npt.NDArray[np.bool_], reach: int) -> list[tuple[int, int]]:
    """Stretches of somebody; gaps up to `reach` are closed."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], line, [False])).astype(np.int8)))
    runs: list[tuple[int, int]] = []
    for start, end in edges.reshape(-1, 2).tolist():
        if runs and start - runs[-1][1] <= reach:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    return runs
