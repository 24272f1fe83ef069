"""The ways to look at a picture again, cheap and promising ones first. Pure.

A look is a changed copy of the picture and the reader that gets it. Each costs what its pixels cost, so that a budget
in megapixels stops the same picture at the same look on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from devices import pictures
from devices.pictures import Box, Patch
from devices.scanners import deblur, decode, opinion
from devices.scanners.decode import Formats, Gray, Read

Reader = Callable[[Gray, Formats], tuple[Read, ...]]
TILED_PX = 400_000
LARGE_PX = 3_000_000
"""From here on a picture is a photograph of a room: made smaller as a whole, made larger only in parts."""
STRIPES = ((900, 15, 0.6), (900, 31, 0.5))
"""(longest side, window, coherence) of the searches for striped places: middling and large codes …"""
FINE_STRIPES = ((1800, 21, 0.6),)
"""… and small ones, where nothing else was found."""
MAX_BOXES = 10
LEVEL_PX = 900
"""How wide a striped place is made for its readers, where that is not more than four times its size."""
LEVEL_ROWS, FEW_ROWS = 200, 24
_COST: dict[Reader, float] = {decode.fast: 1.0, decode.full: 4.0, decode.global_threshold: 3.0, opinion.second: 6.0}


class Look(NamedTuple):
    name: str
    """The way, not the place: the same way at two places that overlap is one look."""
    patch: Callable[[], Patch]
    reader: Reader

    @property
    def plain(self) -> bool:
        return self.name == "plain"

    @property
    def firsthand(self) -> bool:
        return self.reader is not opinion.second

    @property
    def price(self) -> float:
        """Relative cost of a pixel under this reader."""
        return _COST[self.reader]


def first(gray: Gray) -> Look:
    return Look("plain", lambda: pictures.whole(gray), decode.full)


def boxes_of(gray: Gray, stripes: tuple[tuple[int, int, float], ...] = STRIPES) -> list[Box]:
    """Places that may hold a linear code, likeliest first, each once."""
    found: list[Box] = []
    for side_px, window_px, coherence in stripes:
        for box in pictures.striped(gray, side_px=side_px, window_px=window_px, coherence=coherence)[:MAX_BOXES]:
            if not any(_same(box, known) for known in found):
                found.append(box)
    return found


def _same(one: Box, other: Box) -> bool:
    size = max(one.width, one.height)
    near = abs(one.x - other.x) + abs(one.y - other.y) < 0.25 * size
    turn = abs((one.degrees - other.degrees + 90) % 180 - 90)
    return near and turn < 5 and 0.7 < (one.width / max(1.0, other.width)) < 1.4


def at_read(gray: Gray, read: Read) -> Iterator[Look]:
    """The place of a linear read, laid level: does it say the same once more?"""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = read.corners
    width = max(8.0, ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5)
    height = max(0.1 * width, 6.0, ((dx - ax) ** 2 + (dy - ay) ** 2) ** 0.5)
    degrees = math.degrees(math.atan2(by - ay + cy - dy, bx - ax + cx - dx))
    box = Box((ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4, width, height, degrees, 0.0)

    def level(scale: float) -> Patch:
        return pictures.cut_turned(gray, box, scale=scale, margin_x=0.15 * width + 8, margin_y=0.0)

    def deblurred() -> Patch:
        patch = _level(gray, box, FEW_ROWS)
        return Patch(deblur.across(patch.gray, sigma_px=0.6 * width / 95 * _up(box)), patch.back)

    yield Look("there", lambda: level(1.5), decode.fast)
    yield Look("there, larger", lambda: level(2.3), decode.fast)
    yield Look("there, deblurred", deblurred, decode.fast)


def at_box(gray: Gray, box: Box) -> Iterator[Look]:
    """A striped place laid level, as two readers see it: enough for a code that is sharp."""
    yield Look("level", lambda: _level(gray, box, LEVEL_ROWS), decode.fast)
    yield Look("level zbar", lambda: _level(gray, box, LEVEL_ROWS), opinion.second)


def harder_at_box(gray: Gray, box: Box) -> Iterator[Look]:
    """The same averaged along its bars, sharpened, and with blur of several widths taken back."""
    module_px = box.width / 105 * _up(box)

    def rows(change: Callable[[Gray], Gray], count: int) -> Callable[[], Patch]:
        def made() -> Patch:
            patch = _level(gray, box, count)
            return Patch(change(patch.gray), patch.back)

        return made

    def sharp(gray: Gray) -> Gray:
        return pictures.sharpened(gray, sigma_px=module_px, amount=3.0)

    yield Look("bars", lambda: _level(gray, box, FEW_ROWS), decode.fast)
    yield Look("sharp", rows(sharp, LEVEL_ROWS), decode.fast)
    yield Look("sharp zbar", rows(sharp, FEW_ROWS), opinion.second)
    for blur in (0.5, 0.7, 0.9, 1.1, 1.35):

        def back(gray: Gray, sigma_px: float = blur * module_px) -> Gray:
            return deblur.across(gray, sigma_px=sigma_px)

        yield Look(f"deblurred {blur}", rows(back, FEW_ROWS), decode.fast)
        yield Look(f"deblurred {blur} zbar", rows(back, FEW_ROWS), opinion.second)
    yield Look("even", rows(pictures.evened, LEVEL_ROWS), decode.global_threshold)


def _up(box: Box) -> float:
    return min(4.0, max(1.0, LEVEL_PX / box.width))


def _level(gray: Gray, box: Box, rows: int) -> Patch:
    """The place with its bars upright, at most `rows` rows, each the mean of what it covers."""
    patch = pictures.cut_turned(gray, box, scale=_up(box), margin_x=0.15 * box.width + 8, margin_y=0.0)
    if patch.gray.shape[0] <= rows:
        return patch
    flat = pictures.scaled(patch.gray, 1.0, rows / patch.gray.shape[0])
    return Patch(flat.gray, _chain(patch, flat))


def _chain(outer: Patch, inner: Patch) -> pictures.Affine:
    """The way back from a patch of a patch."""
    back = outer.back.copy()
    back[:, :2] = outer.back[:, :2] @ inner.back[:, :2]
    back[:, 2] = outer.back[:, :2] @ inner.back[:, 2] + outer.back[:, 2]
    return back


def again(gray: Gray) -> Iterator[Look]:
    """The whole picture, changed in ways that have been seen to help."""
    large = gray.size > LARGE_PX
    fit = (1_500_000 / gray.size) ** 0.5 if large else 1.0

    def base() -> Patch:
        return pictures.scaled(gray, fit) if large else pictures.whole(gray)

    def changed(change: Callable[[Gray], Gray]) -> Callable[[], Patch]:
        def made() -> Patch:
            patch = base()
            return Patch(change(patch.gray), patch.back)

        return made

    def via(change: Callable[[Gray], Patch]) -> Callable[[], Patch]:
        def made() -> Patch:
            patch = base()
            inner = change(patch.gray)
            return Patch(inner.gray, _chain(patch, inner))

        return made

    yield Look("zbar", base, opinion.second)
    yield Look("turned 45", via(lambda g: pictures.turned(g, 45)), decode.fast)
    yield Look("turned -45", via(lambda g: pictures.turned(g, -45)), decode.fast)
    yield Look("global", base, decode.global_threshold)
    if not large:
        yield Look("twice", lambda: pictures.scaled(gray, 2), decode.full)
    yield Look("even", changed(pictures.evened), decode.full)
    yield Look("sharp", changed(lambda g: pictures.sharpened(g, sigma_px=2, amount=2)), decode.full)
    yield Look("soft", changed(lambda g: pictures.softened(g, sigma_px=1.5)), decode.full)
    yield Look("smaller", via(lambda g: pictures.scaled(g, 0.6)), decode.full)
    yield Look("turned 22", via(lambda g: pictures.turned(g, 22.5)), decode.full)
    yield Look("turned 67", via(lambda g: pictures.turned(g, 67.5)), decode.full)
    yield Look("wide", via(lambda g: pictures.scaled(g, 1.6, 1.0)), decode.full)
    yield Look("tall", via(lambda g: pictures.scaled(g, 1.0, 1.6)), decode.full)
    yield Look("even zbar", changed(pictures.evened), opinion.second)
    yield Look("turned 10 zbar", via(lambda g: pictures.turned(g, 10)), opinion.second)
    yield Look("sharp 4", changed(lambda g: pictures.sharpened(g, sigma_px=4, amount=4)), decode.full)
    if large:
        yield Look("zbar whole", lambda: pictures.whole(gray), opinion.second)
    if gray.size > TILED_PX:
        yield from tiles(gray)


def tiles(gray: Gray) -> Iterator[Look]:
    """Overlapping parts, enlarged: small codes far away."""
    height, width = gray.shape
    side = max(320, min(800, max(height, width) // 4))
    step = side * 3 // 4
    for top in range(0, max(1, height - side // 4), step):
        for left in range(0, max(1, width - side // 4), step):

            def part(top: int = top, left: int = left) -> Patch:
                patch = pictures.cut(gray, left, top, side, side)
                inner = pictures.scaled(patch.gray, 2)
                return Patch(inner.gray, _chain(patch, inner))

            yield Look("tile", part, decode.full)
