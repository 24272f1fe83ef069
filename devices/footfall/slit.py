"""The strip's own picture, time to the right: a person can recount a quarter of an hour in seconds. Pure: numpy only.

Each frame gives one thin slice; walkers appear in it as they pass, scenes and bystanders do not. Crossings are
marked where they were counted: green boxes went in, red ones out, with their number; what a truth file has and
the counter missed is yellow, what it counted and the truth has not is violet. Made on request only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Colour = npt.NDArray[np.uint8]
GREEN, RED, YELLOW, VIOLET, INK, PAPER = (60, 170, 40), (40, 40, 220), (0, 215, 255), (220, 60, 200), (40, 40, 40), 250
"""Blue, green, red."""
BAND_PX = 1600
"""Then the picture goes on below."""
SCALE_PX = 22
MAX_FRAMES = 200_000
"""Longer films are cut off: a picture of 100 megapixels helps nobody."""
DIGITS = {
    "0": "75557", "1": "26227", "2": "71747", "3": "71317", "4": "55711",
    "5": "74717", "6": "74757", "7": "71122", "8": "75757", "9": "75717", ":": "02020",
}  # fmt: skip
"""Five rows of three bits, drawn twice as large."""


class Mark(NamedTuple):
    time_s: float
    place: float
    colour: tuple[int, int, int]
    text: str


class Slit:
    """Give it each frame's strip (positions × width), then draw."""

    def __init__(self, *, frame_px: int) -> None:
        self._frame_px = frame_px
        self._slices: list[npt.NDArray[np.uint8]] = []
        self._times: list[float] = []

    def add(self, time_s: float, strip: npt.NDArray[np.float32]) -> None:
        if len(self._slices) < MAX_FRAMES:
            columns = np.linspace(0, strip.shape[1] - 1, self._frame_px).round().astype(int)
            self._slices.append(strip[:, columns].astype(np.uint8))
            self._times.append(time_s)

    def draw(self, marks: Iterable[Mark]) -> Colour:
        """Blue-green-red, as OpenCV writes it."""
        if not self._slices:
            return np.full((SCALE_PX, 100, 3), PAPER, np.uint8)
        a_band = max(1, BAND_PX // self._frame_px)
        kept = list(marks)
        bands = [self._band(start, min(start + a_band, len(self._slices)), kept) for start in self._starts(a_band)]
        width = max(band.shape[1] for band in bands)
        return np.concatenate([_padded(band, width) for band in bands])

    def _starts(self, a_band: int) -> range:
        return range(0, len(self._slices), a_band)

    def _band(self, start: int, end: int, marks: list[Mark]) -> Colour:
        grey = np.concatenate(self._slices[start:end], axis=1)
        height = grey.shape[0]
        band = np.full((height + SCALE_PX, grey.shape[1], 3), PAPER, np.uint8)
        band[SCALE_PX:] = grey[:, :, None]
        times = np.array(self._times[start:end])
        for second in range(int(np.ceil(times[0])), int(times[-1]) + 1):
            x = int(np.searchsorted(times, second)) * self._frame_px
            big = second % 5 == 0
            band[SCALE_PX - (8 if big else 4) : SCALE_PX, x : x + 1] = INK
            if big:
                _write(band, x + 2, 2, f"{second // 60}:{second % 60:02}", INK)
        edge_s = (times[-1] - times[0]) / max(1, len(times) - 1)
        for mark in marks:
            if times[0] - edge_s / 2 <= mark.time_s < times[-1] + edge_s / 2:
                x = int(np.interp(mark.time_s, times, np.arange(len(times))) * self._frame_px)
                _box(band, x, SCALE_PX + int(mark.place * height), mark)
        return band


def _box(band: Colour, x: int, y: int, mark: Mark) -> None:
    top, bottom, left, right = max(SCALE_PX, y - 16), y + 16, max(0, x - 10), x + 10
    for rows, columns in (
        (slice(top, top + 2), slice(left, right)),
        (slice(bottom - 2, bottom), slice(left, right)),
        (slice(top, bottom), slice(left, left + 2)),
        (slice(top, bottom), slice(max(0, right - 2), right)),
    ):
        band[rows, columns] = mark.colour
    band[top : top + 12, right : right + 8 * len(mark.text) + 2] = PAPER
    _write(band, right + 2, top + 1, mark.text, mark.colour)


def _write(picture: Colour, x: int, y: int, text: str, colour: tuple[int, int, int]) -> None:
    for letter in text:
        for row, bits in enumerate(DIGITS.get(letter, "")):
            for column in range(3):
                if int(bits) & (4 >> column):
                    picture[y + 2 * row : y + 2 * row + 2, x + 2 * column : x + 2 * column + 2] = colour
        x += 8


def _padded(band: Colour, width: int) -> Colour:
    return np.pad(band, ((0, 6), (0, width - band.shape[1]), (0, 0)), constant_values=PAPER)
