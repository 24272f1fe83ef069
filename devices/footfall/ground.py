"""What the floor under the strips looks like when nobody is on it. Pure: numpy only, times come in.

A brightness per pixel that follows the light slowly, a second one for what stood there before (a trolley that was
parked, a door that stays open: when it goes again, its place is known), a gain for lamps and clouds, and a test
for shadows: darker by about the same share everywhere is a shadow, anything else is a thing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Strips = npt.NDArray[np.float32]
"""2 strips × positions × width."""
Mask = npt.NDArray[np.bool_]
"""2 strips × positions: somebody is there."""


class Sight(NamedTuple):
    """Numbers of the eye; the same for every shop."""

    least_step: float = 12.0
    """Grey levels by which a thing differs from the floor at least."""
    noise_factor: float = 3.5
    """… and by this many times the floor's own flicker."""
    follow_s: float = 8.0
    """The floor's brightness is followed with this time constant where nobody stands."""
    settle_s: float = 12.0
    """What does not move for so long is floor."""
    shadow_least: float = 0.5
    shadow_spread: float = 0.05
    """A shadow leaves at least half of the light, and the same share of it all over (standard deviation)."""
    shadow_reach: int = 5
    """Positions on each side that are looked at for that."""
    lit_share: float = 0.7
    """More of a strip than this changed at once: that is the light, not people."""


class Ground:
    def __init__(self, sight: Sight | None = None) -> None:
        self._sight = sight or Sight()
        self._floor: Strips | None = None
        self._before: Strips | None = None
        self._noise = np.zeros(0, np.float32)
        self._still_s = np.zeros(0, np.float32)
        self._last = np.zeros(0, np.float32)
        self._age_s = 0.0

    def see(self, strips: Strips, dt_s: float) -> Mask | None:
        """Where somebody is; None while the light just changed, when nothing can be said."""
        if self._floor is None:
            self._begin(strips)
            return np.zeros(strips.shape[:2], bool)
        self._age_s += dt_s
        line = strips.mean(axis=2)
        gain = _gain(line, self._floor.mean(axis=2))
        even = strips * gain
        step = np.abs(even - self._floor).mean(axis=2)
        if self._before is not None:
            step = np.minimum(step, np.abs(even - self._before).mean(axis=2))
        mask: Mask = step > np.maximum(self._sight.least_step, self._sight.noise_factor * self._noise)
        if mask.any():
            mask &= ~self._shadow(line * gain)
        if mask.mean(axis=1).max() > self._sight.lit_share:
            self._begin(strips)
            return None
        self._learn(strips, step, line, mask, dt_s)
        return mask

    def _begin(self, strips: Strips) -> None:
        places = strips.shape[:2]
        self._before = self._floor
        self._floor = strips.copy()
        self._noise = np.full(places, 2.0, np.float32)
        self._still_s = np.zeros(places, np.float32)
        self._last = strips.mean(axis=2)
        self._age_s = 0.0

    def _shadow(self, line: npt.NDArray[np.float32]) -> Mask:
        """Where the picture is the floor's, darker by a share that is even along the strip."""
        assert self._floor is not None
        share = (line + 1) / (self._floor.mean(axis=2) + 1)
        window = 2 * self._sight.shadow_reach + 1
        mean, square = _box(share, window), _box(share * share, window)
        even = square - mean * mean < self._sight.shadow_spread**2
        return np.asarray(even & (share > self._sight.shadow_least) & (share < 1), bool)

    def _learn(
        self, strips: Strips, step: npt.NDArray[np.float32], line: npt.NDArray[np.float32], mask: Mask, dt_s: float
    ) -> None:
        assert self._floor is not None
        follow_s = min(self._sight.follow_s, 0.3 + self._age_s)  # learns fast after a start
        share = np.float32(min(1.0, dt_s / follow_s))
        free = ~mask
        self._floor += (share * free)[:, :, None] * (strips - self._floor)
        self._noise += share * free * (step - self._noise)
        moved = np.abs(line - self._last) > self._sight.least_step
        self._last += np.float32(min(1.0, dt_s)) * (line - self._last)
        self._still_s = np.where(mask & ~moved, self._still_s + np.float32(dt_s), 0)
        settled = self._still_s > self._sight.settle_s
        if settled.any():
            if self._before is None:
                self._before = self._floor.copy()
            self._before[settled] = self._floor[settled]
            self._floor[settled] = strips[settled]
            self._still_s[settled] = 0


def _gain(line: npt.NDArray[np.float32], floor: npt.NDArray[np.float32]) -> np.float32:
    """What brings the picture to the floor's light: the middle one of all places, so people do not sway it."""
    middle = np.partition(((floor + 4) / (line + 4)).ravel(), floor.size // 2)[floor.size // 2]
    return np.float32(min(max(float(middle), 0.5), 2.0))


def _box(values: npt.NDArray[np.float32], window: int) -> npt.NDArray[np.float64]:
    """Moving mean along the strip; the ends repeat."""
    half = window // 2
    padded = np.pad(values, ((0, 0), (half + 1, half)), mode="edge").astype(np.float64)
    sums = padded.cumsum(axis=1)
    return np.asarray((sums[:, window:] - sums[:, :-window]) / window)
