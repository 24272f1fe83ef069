"""A door seen from above, made up: films with exactly known truth, for tests, tuning and the demo.

640 × 360 pixels, 20 frames a second, 120 pixels a metre. People walk left and right over the middle: alone, side by
side, one behind the other, towards each other, with a trolley, slowly, turning round on the line; small people too.
They cast shadows; clouds and lamps change the light; the sensor is noisy. Truth: when a body's middle passes the line.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from devices.footfall.crossing import Crossing

WIDTH_PX, HEIGHT_PX, FPS = 640, 360, 20
LINE_PX = WIDTH_PX / 2
METRE_PX = 120.0
REACH_PX = 130
"""Nothing that belongs to a walker is further from their middle."""
Canvas = npt.NDArray[np.float32]


class Walker(NamedTuple):
    start_s: float
    forward: bool
    speed_px: float
    """Pixels a second."""
    y: float
    size: float = 1.0
    """1: shoulders of half a metre."""
    cloth: float = 60.0
    hair: float = 30.0
    turn: float = 0.0
    """Share of the way at which they turn round; 0: they don't."""
    wait_s: float = 0.0
    """They stand on the line for so long."""
    trolley: bool = False
    shadow: float = 0.75
    """Light left in their shadow."""

    def x(self, time_s: float) -> float:
        """Of the middle of the body. Starts and ends outside of the picture."""
        gone = max(0.0, time_s - self.start_s) * self.speed_px
        way = WIDTH_PX + 2 * REACH_PX
        if self.turn and gone > self.turn * way:
            gone = 2 * self.turn * way - gone
        half, wait_px = way / 2, self.wait_s * self.speed_px
        gone = gone if gone < half else max(half, gone - wait_px)
        return gone - REACH_PX if self.forward else WIDTH_PX + REACH_PX - gone

    @property
    def end_s(self) -> float:
        way = WIDTH_PX + 2 * REACH_PX
        return self.start_s + (2 * self.turn * way if self.turn else way) / self.speed_px + self.wait_s


class Scene(NamedTuple):
    walkers: tuple[Walker, ...]
    light: Callable[[float], float]
    """Gain at a time."""
    seed: int
    seconds: float

    def truth(self) -> list[Crossing]:
        """Every time a body's middle went over the line for good; who stands on it counts when they arrive."""
        found = []
        for walker in self.walkers:
            at_s = walker.start_s + (LINE_PX + REACH_PX) / walker.speed_px
            if not walker.turn and at_s + walker.wait_s < self.seconds - 0.5:
                found.append(Crossing(at_s + walker.wait_s / 2, walker.y / HEIGHT_PX, walker.forward))
        return sorted(found)


KINDS = ("alone", "pair", "file", "meet", "trolley", "slow", "turn", "small")


def scene(seed: int, seconds: float, *, kinds: tuple[str, ...] = KINDS, light: bool = True) -> Scene:
    """A made-up piece of a shop day; the same seed gives the same one."""
    chance = random.Random(seed)  # noqa: S311 - a film, not a secret
    walkers: list[Walker] = []
    at_s = 1.5
    while at_s < seconds - 4:
        group = _group(chance, chance.choice(kinds), at_s)
        walkers += group
        at_s += chance.uniform(2.0, 5.0) + max(walker.wait_s for walker in group)
    return Scene(tuple(walkers), _light(chance, seconds) if light else lambda _: 1.0, seed, seconds)


def _group(chance: random.Random, kind: str, at_s: float) -> list[Walker]:
    first = Walker(
        start_s=at_s,
        forward=chance.random() < 0.5,
        speed_px=chance.uniform(0.8, 1.7) * METRE_PX,
        y=chance.uniform(60, HEIGHT_PX - 60),
        size=chance.uniform(0.85, 1.15),
        cloth=chance.choice((25, 50, 80, 190, 225)) + chance.uniform(-8, 8),
        hair=chance.uniform(15, 60),
        shadow=chance.uniform(0.62, 0.95),
    )
    aside = first.y + (64 if first.y < HEIGHT_PX / 2 else -64) * chance.uniform(1.0, 1.25)
    other = first._replace(cloth=chance.choice((35, 70, 200)), size=chance.uniform(0.85, 1.1))
    behind_s = chance.uniform(0.75, 1.2) * METRE_PX / first.speed_px
    groups = {
        "pair": [first, other._replace(y=aside, start_s=at_s + chance.uniform(0, 0.15))],
        "file": [first, other._replace(start_s=at_s + behind_s, y=first.y + chance.uniform(-15, 15))],
        "meet": [first, other._replace(forward=not first.forward, y=aside)],
        "trolley": [first._replace(trolley=True, speed_px=chance.uniform(0.6, 1.0) * METRE_PX)],
        "slow": [first._replace(wait_s=chance.uniform(1, 6))],
        "turn": [first._replace(turn=chance.uniform(0.40, 0.53))],
        "small": [first._replace(size=chance.uniform(0.6, 0.75))],
    }
    return groups.get(kind, [first])


def _light(chance: random.Random, seconds: float) -> Callable[[float], float]:
    """Clouds that drift over, and a lamp that is switched now and then."""
    period_s = chance.uniform(20, 40)
    switches = sorted(chance.uniform(5, seconds) for _ in range(int(seconds // 60)))

    def gain(time_s: float) -> float:
        lamp = 1.18 if sum(at < time_s for at in switches) % 2 else 1.0
        return lamp * (0.92 + 0.1 * float(np.sin(2 * np.pi * time_s / period_s)))

    return gain


def frames(film: Scene) -> Iterator[npt.NDArray[np.uint8]]:
    """The pictures, one by one."""
    rng = np.random.default_rng(film.seed)
    floor = _floor(rng)
    grain = rng.normal(0, 3, (HEIGHT_PX + 64, WIDTH_PX + 64)).astype(np.float32)
    for number in range(int(film.seconds * FPS)):
        time_s = number / FPS
        picture = floor.copy()
        present = [walker for walker in film.walkers if walker.start_s <= time_s <= walker.end_s]
        for walker in present:
            _draw_shadow(picture, walker, walker.x(time_s))
        for walker in present:
            _draw(picture, walker, walker.x(time_s), time_s)
        down, right = rng.integers(0, 64, 2)
        picture *= np.float32(film.light(time_s))
        picture += grain[down : down + HEIGHT_PX, right : right + WIDTH_PX]
        yield np.clip(picture, 0, 255).astype(np.uint8)


def write_door_clip(path: Path, seed: int, seconds: float) -> list[Crossing]:
    """A film at `path` (.mp4 or .avi), and who crosses in it. Blocking: about a third of the film's length."""
    from devices.pictures import write_film  # noqa: PLC0415 - the numbers above need no OpenCV

    film = scene(seed, seconds)
    write_film(path, frames(film), fps=FPS)
    return film.truth()


def _floor(rng: np.random.Generator) -> Canvas:
    """Tiles with joints, a mat, stains."""
    floor = np.full((HEIGHT_PX, WIDTH_PX), 135, np.float32)
    floor += np.repeat(np.repeat(rng.normal(0, 5, (6, 10)), 60, axis=0)[:HEIGHT_PX], 64, axis=1).astype(np.float32)
    floor[::60] -= 25
    floor[:, ::64] -= 25
    floor += rng.normal(0, 2, floor.shape).astype(np.float32)
    return floor


def _window(picture: Canvas, x: float, y: float, reach: int = REACH_PX) -> tuple[Canvas, Canvas, Canvas]:
    """A part of the picture, and each of its pixels' distance from (x, y)."""
    left, top = max(0, int(x) - reach), max(0, int(y) - reach)
    part = picture[top : max(top, int(y) + reach), left : max(left, int(x) + reach)]
    rows = np.arange(top, top + part.shape[0], dtype=np.float32)[:, None] - np.float32(y)
    columns = np.arange(left, left + part.shape[1], dtype=np.float32)[None, :] - np.float32(x)
    return part, columns, rows


def _draw_shadow(picture: Canvas, walker: Walker, x: float) -> None:
    part, columns, rows = _window(picture, x + 22 * walker.size, walker.y + 16 * walker.size)
    far = (columns / (30 * walker.size)) ** 2 + (rows / (36 * walker.size)) ** 2
    part *= 1 - (1 - np.float32(walker.shadow)) * np.clip(1.6 - far, 0, 1)


def _draw(picture: Canvas, walker: Walker, x: float, time_s: float) -> None:
    size, ahead = walker.size, 1 if walker.forward else -1
    swing = 14 * size * float(np.sin(time_s * 5.5 + walker.start_s))
    if walker.trolley:
        _draw_trolley(picture, x + ahead * 82, walker.y)
        _ellipse(picture, x + ahead * 24, walker.y - 20, 22, 6, walker.cloth * 0.9)
        _ellipse(picture, x + ahead * 24, walker.y + 20, 22, 6, walker.cloth * 0.9)
    else:
        _ellipse(picture, x + swing, walker.y - 25 * size, 10 * size, 7 * size, walker.cloth * 0.85)
        _ellipse(picture, x - swing, walker.y + 25 * size, 10 * size, 7 * size, walker.cloth * 0.85)
    _ellipse(picture, x + swing, walker.y + 8 * size, 13 * size, 6 * size, 40)
    _ellipse(picture, x - swing, walker.y - 8 * size, 13 * size, 6 * size, 40)
    _ellipse(picture, x, walker.y, 16 * size, 30 * size, walker.cloth)
    _ellipse(picture, x + ahead * 3, walker.y, 12 * size, 11 * size, walker.hair)


def _draw_trolley(picture: Canvas, x: float, y: float) -> None:
    part, columns, rows = _window(picture, x, y)
    inside = (np.abs(columns) < 45) & (np.abs(rows) < 26)
    wire = (np.abs(columns + 45) % 12 < 2.5) | (np.abs(rows + 26) % 12 < 2.5)
    part[inside & wire] = 205
    part[(np.abs(columns) < 20) & (np.abs(rows - 4) < 14)] = 90


def _ellipse(picture: Canvas, x: float, y: float, across: float, along: float, grey: float) -> None:
    part, columns, rows = _window(picture, x, y, int(max(across, along)) + 2)
    far = (columns / across) ** 2 + (rows / along) ** 2
    cover = np.clip((1.0 - far) * 4, 0, 1)
    part += cover * (np.float32(grey) * (1.1 - 0.2 * far) - part)
