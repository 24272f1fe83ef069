from __future__ import annotations

import numpy as np

from devices.scanners.decode import Read
from devices.scanners.motion import Gate
from devices.scanners.votes import MAX_REMEMBERED, Votes

EAN = Read("6901234567892", "EAN-13", "]E0", ((0, 0), (9, 0), (9, 9), (0, 9)))
QR = Read("hello", "QR Code", "]Q1", ((0, 0), (9, 0), (9, 9), (0, 9)))


def test_a_linear_code_counts_at_its_second_read() -> None:
    votes = Votes()
    assert votes.see((EAN,), at_s=1.0) == []
    assert votes.see((EAN,), at_s=1.1) == [(EAN, 2)]
    assert votes.see((EAN,), at_s=1.2) == []


def test_a_second_read_after_400_ms_is_a_first_one() -> None:
    votes = Votes()
    assert votes.see((EAN,), at_s=1.0) == []
    assert votes.see((EAN,), at_s=1.41) == []
    assert votes.see((EAN,), at_s=1.5) == [(EAN, 2)]


def test_two_different_reads_are_no_scan() -> None:
    votes = Votes()
    other = EAN._replace(text="6901234567809")
    assert votes.see((EAN,), at_s=1.0) == []
    assert votes.see((other,), at_s=1.1) == []


def test_one_frame_has_one_vote_even_when_the_code_is_in_it_twice() -> None:
    assert Votes().see((EAN, EAN._replace(corners=((5, 5),) * 4)), at_s=1.0) == []


def test_a_matrix_code_counts_at_once() -> None:
    assert Votes().see((QR,), at_s=1.0) == [(QR, 1)]


def test_what_stays_in_sight_is_one_scan_and_a_new_one_when_it_comes_back() -> None:
    votes = Votes()
    seen = [bool(votes.see((QR,), at_s=1.0 + step * 0.5)) for step in range(10)]
    assert seen == [True] + [False] * 9
    assert votes.see((QR,), at_s=5.5 + 1.4) == []
    assert votes.see((QR,), at_s=6.9 + 1.5) == [(QR, 1)]


def test_clutter_does_not_fill_the_memory() -> None:
    votes = Votes()
    for number in range(10 * MAX_REMEMBERED):
        votes.see((EAN._replace(text=f"{number:013}"),), at_s=number / 100)
    assert len(votes._seen) == MAX_REMEMBERED


def scene(seed: int, level: float = 120.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 8, (720, 1280))
    return np.clip(level + noise, 0, 255).astype(np.uint8)


def test_an_idle_scene_is_looked_at_once_a_second() -> None:
    gate = Gate()
    opened = [gate.opened(scene(step), at_s=step / 25) for step in range(150)]
    assert all(opened[:50])  # the first two seconds: everything is new
    assert sum(opened[50:]) in {3, 4, 5}


def test_drifting_light_is_no_motion_and_a_hand_is() -> None:
    gate = Gate()
    for step in range(75):
        gate.opened(scene(step, 120 + step), at_s=step / 25)
    assert not gate.opened(scene(76, 195), at_s=3.01)
    hand = scene(77, 195)
    hand[300:400, 500:700] = 60
    assert gate.opened(hand, at_s=3.05)
    assert gate.opened(hand, at_s=4.9)  # held still
