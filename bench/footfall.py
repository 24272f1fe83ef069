"""The people counter: CPU a frame beside OpenCV's background subtraction, and how well it counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.row import Row
from devices import pictures
from devices.footfall import clip
from devices.footfall.crossing import Crossing
from devices.footfall.score import matched, read_truth
from devices.footfall.strip import StripCounter
from edge.config import Strip

VTEST = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")
TRUTH = Path(__file__).parents[1] / "tests/devices/footfall/vtest_truth.csv"
FRAMES = 400
SEEDS = (101, 102, 103, 104)
"""Films of the generator on which nothing was tuned."""
SECONDS = 150.0
HOLD_MS = 1.0


def rows() -> Iterator[Row]:
    frames = _frames()
    what = f"a frame {frames[0].shape[1]}×{frames[0].shape[0]}, decoding left out"
    counter = StripCounter(Strip(at=560 / 768))
    took_ms = _each(frames, lambda number, gray: counter.see(number / 10, gray))
    yield Row(part="footfall", what=what, value=took_ms, unit="ms", hold=HOLD_MS, note="two strips of 9 columns")
    cv2 = vars(pictures)["cv2"]  # the one file that imports it lends it
    mog2 = cv2.createBackgroundSubtractorMOG2(detectShadows=True)
    small_ms = _each(frames, lambda _, gray: mog2.apply(cv2.resize(gray, (384, 288), interpolation=cv2.INTER_AREA)))
    yield Row(part="footfall", what=what, by="MOG2 at 384×288", value=small_ms, unit="ms", note="without a tracker")
    yield from _accuracy()


def _frames() -> list[pictures.Gray]:
    """Of the real film, or a made-up one where Debian's opencv-doc is not installed."""
    if not VTEST.exists():
        return list(clip.frames(clip.scene(101, FRAMES / clip.FPS)))
    with pictures.open_source(str(VTEST)) as film:
        return [frame.gray for frame, _ in zip(film.play(paced=False), range(FRAMES), strict=False)]


def _each(frames: list[pictures.Gray], look: Callable[[int, pictures.Gray], object]) -> float:
    began_s = time.perf_counter()
    for number, gray in enumerate(frames):
        look(number, gray)
    return round((time.perf_counter() - began_s) / len(frames) * 1000, 3)


def _accuracy() -> Iterator[Row]:
    true: list[Crossing] = []
    found: list[Crossing] = []
    for offset, seed in enumerate(SEEDS):  # one after the other on one time line
        film, counter, start_s = clip.scene(seed, SECONDS), StripCounter(Strip()), offset * 1000.0
        seen = [one for number, gray in enumerate(clip.frames(film)) for one in counter.see(number / clip.FPS, gray)]
        found += [one._replace(time_s=one.time_s + start_s) for one in seen + counter.close()]
        true += [one._replace(time_s=one.time_s + start_s) for one in film.truth()]
    score = matched(found, true)
    note = f"{score.true} people, net error {score.net_error:+.1%}, direction {score.direction:.1%}"
    yield Row(part="footfall", what="F1, made-up doors", value=round(100 * score.f1, 1), unit="%", note=note)
    if VTEST.exists():
        counter, seen = StripCounter(Strip(at=560 / 768)), []
        with pictures.open_source(str(VTEST)) as film_:
            for frame in film_.play(paced=False):
                seen += counter.see(frame.at_s, frame.gray)
        score = matched(seen + counter.close(), read_truth(TRUTH))
        note = f"{score.true} people, net error {score.net_error:+.1%}, direction {score.direction:.1%}"
        yield Row(part="footfall", what="F1, vtest.avi by eye", value=round(100 * score.f1, 1), unit="%", note=note)
