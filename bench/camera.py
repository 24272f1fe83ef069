"""What a camera frame of 1280x720 costs: found, empty, idle; beside pyzbar on the same frames.

Processor time of one thread. The frames are drawn: cluttered tables, with and without an EAN-13, a Code 128 or a QR
code, turned, blurred and noisy. "Empty" is the mean over the whole schedule, "idle" is with the motion gate closed.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import zxingcpp

from bench.row import Row
from devices import pictures
from devices.scanners import decode, opinion
from devices.scanners.decode import Gray
from devices.scanners.live import Live
from devices.scanners.motion import Gate

WIDTH, HEIGHT = 1280, 720
FRAMES = 60
FPS = 25.0
MARKS = (
    ("6901234567892", zxingcpp.BarcodeFormat.EAN13),
    ("LOT-2231/7", zxingcpp.BarcodeFormat.Code128),
    ("https://shop.example/c/ABCDEFGHIJKLMNOP", zxingcpp.BarcodeFormat.QRCode),
)


def rows() -> Iterator[Row]:
    sys.stderr.write("camera frames\n")
    formats = decode.choose(decode.GOODS)
    empty = [_scene(seed) for seed in range(FRAMES)]
    marked = [_marked(seed) for seed in range(FRAMES)]
    yield _row("frame 1280x720, code found: median", statistics.median(_found_ms(marked)), hold=25.0)
    yield _row("frame 1280x720, empty: mean of the schedule", statistics.mean(_live_ms(empty)), hold=8.0)
    yield _row("frame 1280x720, nothing moves: median", statistics.median(_idle_ms(empty[0])))
    if opinion.available():
        found = _times_ms(marked, lambda gray: opinion.second(gray, formats))
        yield _row("frame 1280x720, code found: median", statistics.median(found), by="pyzbar alone")
        nothing = _times_ms(empty, lambda gray: opinion.second(gray, formats))
        yield _row("frame 1280x720, empty: mean of the schedule", statistics.mean(nothing), by="pyzbar alone")
    for by, share in _recall(marked).items():
        yield Row(part="camera", what="frames read", by=by, value=round(share, 1), unit="%", at_least=True)


def _row(what: str, value: float, *, by: str = "storegate", hold: float | None = None) -> Row:
    return Row(part="camera", what=what, by=by, value=round(value, 2), unit="ms", hold=hold)


def _times_ms(frames: Sequence[Gray], look: Callable[[Gray], object]) -> list[float]:
    taken = []
    for frame in frames:
        start_s = time.thread_time()
        look(frame)
        taken.append((time.thread_time() - start_s) * 1000)
    return taken


def _live_ms(frames: Sequence[Gray]) -> list[float]:
    live, times = Live(decode.choose(decode.GOODS)), iter(range(len(frames)))
    return _times_ms(frames, lambda gray: live.see(gray, at_s=next(times) / FPS))


def _found_ms(frames: Sequence[Gray]) -> list[float]:
    """Each by eyes that have just opened, so that it is looked at with the full flags: the dearest frame."""
    formats = decode.choose(decode.GOODS)
    return [_times_ms([frame], lambda gray: Live(formats).see(gray, at_s=1.0))[0] for frame in frames]


def _idle_ms(frame: Gray) -> list[float]:
    gate = Gate()
    return _times_ms([frame] * FRAMES, lambda gray: gate.opened(gray, at_s=0.0))


def _recall(frames: Sequence[Gray]) -> dict[str, float]:
    formats = decode.choose(decode.GOODS)
    readers: dict[str, Callable[[Gray], object]] = {"storegate": lambda gray: decode.full(gray, formats)}
    if opinion.available():
        readers["pyzbar alone"] = lambda gray: opinion.second(gray, formats)
    linear = [frame for index, frame in enumerate(frames) if index % len(MARKS) < 2]
    return {by: 100 * sum(bool(read(frame)) for frame in linear) / len(linear) for by, read in readers.items()}


def _scene(seed: int) -> Gray:
    """A cluttered table: patches, stripes, uneven light, noise."""
    chance = np.random.default_rng(seed)
    small = chance.integers(60, 200, (10, 17)).astype(np.uint8)
    scene = pictures.scaled(small, WIDTH / 17, HEIGHT / 10).gray.astype(np.float32)[:HEIGHT, :WIDTH]
    for _ in range(14):
        x, y = int(chance.integers(0, WIDTH - 80)), int(chance.integers(0, HEIGHT - 60))
        width, height = int(chance.integers(40, 320)), int(chance.integers(30, 240))
        scene[y : y + height, x : x + width] = float(chance.integers(20, 240))
    x, y, step = int(chance.integers(0, 1000)), int(chance.integers(0, 560)), int(chance.integers(4, 12))
    for at in range(x, x + 200, step):
        scene[y : y + 120, at : at + step // 2] = 30
    return np.clip(scene + chance.normal(0, 4, scene.shape), 0, 255).astype(np.uint8)


def _marked(seed: int) -> Gray:
    chance = np.random.default_rng(1000 + seed)
    scene = _scene(seed).astype(np.float32)
    text, kind = MARKS[seed % len(MARKS)]
    image = np.array(zxingcpp.create_barcode(text, kind).to_image(scale=4, add_quiet_zones=False), np.uint8)
    mark = np.pad(image, 36, constant_values=255)
    turned = pictures.turned(mark, float(chance.uniform(-20, 20))).gray
    shape = turned[:HEIGHT, :WIDTH]
    top, left = (HEIGHT - shape.shape[0]) // 2, (WIDTH - shape.shape[1]) // 2
    scene[top : top + shape.shape[0], left : left + shape.shape[1]] = 20 + shape * 0.75
    blurred = pictures.softened(np.clip(scene, 0, 255).astype(np.uint8), sigma_px=float(chance.uniform(0.4, 1.6)))
    return np.clip(blurred + chance.normal(0, 5, blurred.shape), 0, 255).astype(np.uint8)
