"""A median that follows the interval, a gate at walking speed, a threshold with two sides."""

from __future__ import annotations

import pytest

from devices.beacons.presence.window import SAMPLES, Gate, Level, Threshold, Window, proximity
from edge.events import Proximity


def test_the_window_is_three_seconds_or_six_intervals() -> None:
    assert [Window(interval_s).length_s for interval_s in (0.1, 0.5, 1.0, 5.0)] == [3.0, 3.0, 6.0, 30.0]
    assert [Window(interval_s).silent_s for interval_s in (0.1, 1.0, 5.0)] == [10.0, 10.0, 50.0]


def test_it_follows_what_is_heard_not_what_the_document_says() -> None:
    window = Window(5.0)
    for number in range(200):
        window.add(number * 0.1, -60)
    window.level(20.0)
    assert window.interval_s == pytest.approx(0.1, rel=0.05)
    assert window.length_s == 3.0


def test_a_single_fade_does_not_move_the_median() -> None:
    window = Window(0.5)
    for number in range(6):
        window.add(number * 0.5, -95 if number == 4 else -60)
    assert window.level(3.0) == Level(-60, 0.0, 6)


def test_what_is_older_than_the_window_is_gone_and_samples_are_bounded() -> None:
    window = Window(0.02)
    for number in range(10_000):
        window.add(number * 0.02, -50)
    level = window.level(200.0)
    assert level is not None
    assert 0.8 * SAMPLES <= level.samples <= SAMPLES
    assert window.heard == 10_000
    assert window.level(204.0) is None


@pytest.mark.parametrize("rssi_dbm", [127, 21, -127, -128])
def test_a_strength_that_is_none_only_counts_as_heard(rssi_dbm: int) -> None:
    window = Window(0.1)
    window.add(1.0, rssi_dbm)
    assert (window.heard, window.level(1.1)) == (1, None)


def test_nobody_runs_through_the_gate() -> None:
    gate = Gate()
    assert gate.move(-59, -59, 0.0) == -59  # one metre
    after_1s = gate.move(-99, -59, 1.0)
    assert -77 < after_1s < -74  # four metres at most
    assert gate.move(-59, -59, 1.01) < -74.5
    assert gate.move(-59, -59, 3.5) == -59


def test_the_threshold_takes_two_samples_to_come_and_time_to_go() -> None:
    edge = Threshold()
    assert not edge.judge(-80, dbm=-84, heard=1, at_s=1, out_s=10)
    assert not edge.judge(-80, dbm=-84, heard=1, at_s=2, out_s=10)  # the same one
    assert edge.judge(-80, dbm=-84, heard=2, at_s=3, out_s=10)
    assert edge.judge(-89.9, dbm=-84, heard=3, at_s=100, out_s=10)
    assert edge.judge(-91, dbm=-84, heard=4, at_s=101, out_s=10)
    assert edge.judge(-89, dbm=-84, heard=5, at_s=105, out_s=10)
    assert edge.judge(-91, dbm=-84, heard=6, at_s=111, out_s=10)
    assert not edge.judge(-91, dbm=-84, heard=7, at_s=121, out_s=10)


@pytest.mark.parametrize(
    ("dbm", "near", "least", "most"),
    [
        (-50, "near", 0.9, 1),
        (-69, "near", 0.5, 0.5),
        (-74, "mid", 0.8, 1),
        (-80, "far", 0.5, 0.8),
        (-95, "far", 0.9, 1),
    ],
)
def test_near_mid_far_by_the_power_at_one_metre(dbm: float, near: str, least: float, most: float) -> None:
    word, sure = proximity(Level(dbm, 2.0, 20), -59)
    assert word is Proximity(near)
    assert least <= sure <= most


def test_few_samples_and_a_wide_spread_are_less_sure() -> None:
    sure = proximity(Level(-65, 2.0, 20), -59)[1]
    assert proximity(Level(-65, 12.0, 20), -59)[1] < sure
    assert proximity(Level(-65, 2.0, 1), -59)[1] < sure
