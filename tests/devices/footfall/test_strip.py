"""Given made-up doors with exact truth, and one real film counted by eye, expect the people and their direction."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from devices.footfall import clip
from devices.footfall.crossing import Crossing
from devices.footfall.score import Score, matched
from devices.footfall.strip import StripCounter, cut
from devices.pictures import open_source
from edge.config import Strip

VTEST = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")
TRUTH = Path(__file__).parent / "vtest_truth.csv"


def counted(film: clip.Scene, strip: Strip | None = None) -> list[Crossing]:
    counter = StripCounter(strip or Strip())
    found = [c for number, gray in enumerate(clip.frames(film)) for c in counter.see(number / clip.FPS, gray)]
    return sorted(found + counter.close())


def score(film: clip.Scene) -> Score:
    return matched(counted(film), film.truth())


def test_people_alone_are_counted_with_their_direction() -> None:
    result = score(clip.scene(11, 60, kinds=("alone",), light=False))
    assert result.true >= 12
    assert result.f1 >= 0.95
    assert result.direction == 1.0


def test_a_mixed_door_with_clouds_and_lamps() -> None:
    result = score(clip.scene(101, 90))
    assert result.f1 >= 0.85
    assert result.direction >= 0.9
    assert abs(result.net_error) <= 0.2


def test_who_turns_round_is_rarely_counted() -> None:
    film = clip.scene(5, 60, kinds=("turn",), light=False)
    assert len(film.walkers) >= 12
    assert len(counted(film)) <= 3


def test_an_empty_door_under_changing_light_counts_nobody() -> None:
    film = clip.scene(3, 70, kinds=("alone",))._replace(walkers=())
    assert counted(film) == []


def test_a_stall_counts_nobody_who_was_under_way() -> None:
    film = clip.scene(11, 8, kinds=("alone",), light=False)
    first = film.truth()[0].time_s
    counter, found = StripCounter(Strip()), []
    for number, gray in enumerate(clip.frames(film)):
        late = 30.0 if number / clip.FPS > first else 0.0
        found += counter.see(number / clip.FPS + late, gray)
    assert len(found) + len(counter.close()) <= len(film.truth()) + 1


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("at", [0.001, 0.5, 0.999])
@pytest.mark.parametrize("size", [(4, 4), (120, 160), (2160, 3840)])
def test_any_picture_and_any_strip_fit(axis: str, at: float, size: tuple[int, int]) -> None:
    strip = Strip(axis=axis, at=at, width_px=64, gap_px=128)  # type: ignore[arg-type]
    strips = cut(np.zeros(size, np.uint8), strip)
    assert strips.shape[0] == 2
    assert 1 <= strips.shape[1] <= 320
    counter = StripCounter(strip)
    assert counter.see(0.0, np.zeros(size, np.uint8)) == []
    assert counter.see(0.1, np.full(size, 255, np.uint8)) == []


def test_a_turned_picture_counts_the_same() -> None:
    film = clip.scene(11, 20, kinds=("alone",), light=False)
    counter, found = StripCounter(Strip(axis="y")), []
    for number, gray in enumerate(clip.frames(film)):
        found += counter.see(number / clip.FPS, np.ascontiguousarray(gray.T))
    assert sorted(found + counter.close()) == counted(film)


@pytest.mark.skipif(not VTEST.exists(), reason="Debian's opencv-doc brings vtest.avi")
def test_a_real_film_counted_by_eye() -> None:
    counter, found = StripCounter(Strip(at=560 / 768)), []
    with open_source(str(VTEST)) as film:
        for frame in film.play(paced=False):
            found += counter.see(frame.at_s, frame.gray)
    with TRUTH.open(newline="") as file:
        truth = [
            Crossing(float(row["time_s"]), float(row["place"]), row["direction"] == "forward")
            for row in csv.DictReader(file)
        ]
    result = matched(found + counter.close(), truth)
    assert result.true == 35
    assert result.precision >= 0.95
    assert result.recall >= 0.8
    assert result.direction >= 0.93
