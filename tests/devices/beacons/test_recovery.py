"""The ladder and the silence, as tables: times come in, nothing is run."""

from __future__ import annotations

import itertools

import pytest

from devices.beacons.radios.recovery import HINTS, LADDERS, MAX_PATIENCE, Ladder, Reason
from devices.beacons.radios.silence import Silence
from edge.events import RadioStep

R, P, U = RadioStep.RESTART_SCAN, RadioStep.POWER_CYCLE, RadioStep.USB_RESET


@pytest.mark.parametrize(
    ("reason", "power", "usb", "steps"),
    [
        (Reason.STALLED, True, True, [R, P, U]),
        (Reason.STALLED, True, False, [R, P]),
        (Reason.STALLED, False, False, [R]),
        (Reason.IN_PROGRESS, True, True, [R, R, P, U]),
        (Reason.POWERED_OFF, True, True, [P, R, U]),
        (Reason.POWERED_OFF, False, False, [R]),
        (Reason.BUS_LOST, True, True, [R, R, R]),
        (Reason.ADAPTER_REMOVED, True, True, [R, U, R]),
        (Reason.ERROR, True, False, [R, R, P]),
    ],
)
def test_steps_in_their_order(reason: Reason, power: bool, usb: bool, steps: list[RadioStep]) -> None:
    ladder = Ladder(power_cycle=power, usb_reset=usb)
    moves = [ladder.fell(reason) for _ in steps]
    assert [move and move.step for move in moves] == steps
    assert [move and move.attempt for move in moves] == list(range(1, len(steps) + 1))
    waits = [move.wait_s for move in moves if move]
    assert waits == sorted(waits)
    assert ladder.fell(reason) is None


def test_every_reason_has_steps_and_a_next_step_for_a_person() -> None:
    assert set(LADDERS) == set(HINTS) == set(Reason)
    assert all(HINTS.values())


def test_what_listened_begins_at_the_lowest_step() -> None:
    ladder = Ladder(power_cycle=True, usb_reset=False)
    for _ in range(3):
        ladder.fell(Reason.STALLED)
    assert ladder.patience == 2
    assert ladder.listens() == 2
    assert (ladder.reason, ladder.patience, ladder.listens()) == (None, 1, 0)
    move = ladder.fell(Reason.STALLED)
    assert move is not None
    assert (move.step, move.attempt) == (R, 1)


def test_another_trouble_goes_on_from_where_the_first_was() -> None:
    """A restart that ends in InProgress must not begin again at a restart for ever."""
    ladder = Ladder(power_cycle=True, usb_reset=False)
    steps = [ladder.fell(reason) for reason in (Reason.STALLED, Reason.IN_PROGRESS, Reason.IN_PROGRESS)]
    assert [move and move.step for move in steps] == [R, R, P]


def test_silence_gets_ever_more_time() -> None:
    ladder = Ladder(power_cycle=False, usb_reset=False)
    seen = []
    for _ in range(20):
        assert ladder.fell(Reason.STALLED) is not None
        assert ladder.fell(Reason.STALLED) is None
        seen.append(ladder.patience)
    assert seen[:3] == [2, 4, 8]
    assert seen[-1] == MAX_PATIENCE


def test_what_is_seen_to_end_is_tried_once_and_then_waited_for() -> None:
    ladder = Ladder(power_cycle=True, usb_reset=True)
    assert sum(ladder.fell(Reason.ADAPTER_REMOVED) is not None for _ in range(1000)) == 3
    assert ladder.fell(Reason.STALLED) is not None


def test_other_trouble_is_tried_again_ever_more_rarely() -> None:
    ladder = Ladder(power_cycle=True, usb_reset=False)
    tried = [ladder.fell(Reason.ERROR) is not None for _ in range(400)]
    assert 12 <= sum(tried) <= 24
    assert any(tried[100:])


def listening(silence: Silence, until_s: float, *, every_s: float, since_s: float) -> list[tuple[float, float]]:
    told, at_s, tick_s = [], since_s, since_s + 1
    while tick_s <= until_s:
        while at_s + every_s <= tick_s:
            at_s += every_s
            silence.heard(at_s)
        if (span := silence.tick(tick_s)) is not None:
            told.append(span)
        tick_s += 1
    return told


def test_time_is_listened_without_gap_or_overlap() -> None:
    silence = Silence(0, stall_s=30, usual_per_s=0)
    silence.began(2)
    told = listening(silence, 60, every_s=0.4, since_s=2)
    assert told[0][0] == 2
    assert all(before[1] == after[0] for before, after in itertools.pairwise(told))
    assert 59 < told[-1][1] <= 60


def test_what_came_in_while_the_scan_started_is_no_time_listened() -> None:
    silence = Silence(0, stall_s=30, usual_per_s=0)
    silence.heard(1)
    silence.began(2)
    assert silence.tick(3) is None
    silence.heard(3.5)
    assert silence.tick(4) == (2, 3.5)


def test_a_silence_counts_once_it_is_over_and_never_when_it_was_a_stall() -> None:
    silence = Silence(0, stall_s=30, usual_per_s=0)
    listening(silence, 60, every_s=0.1, since_s=0)
    assert silence.tick(75) is None
    silence.heard(80)
    told = silence.tick(81)
    assert told is not None
    assert told[0] == pytest.approx(60, abs=0.2)
    assert told[1] == 80
    assert not silence.stalled(109, expected_per_s=1)
    assert silence.stalled(110, expected_per_s=1)


@pytest.mark.parametrize(
    ("expected", "usual", "silent_s", "stalled"),
    [
        (0, 0, 10_000, False),  # an empty place: nothing says that anything is there
        (5, 0, 29, False),
        (5, 0, 30, True),
        (0, 5, 30, True),  # strangers were there all the time
        (0.01, 0, 60, False),  # one beacon that speaks every 100 s
        (0.01, 0, 1000, True),
    ],
)
def test_when_silence_is_a_stall(expected: float, usual: float, silent_s: float, stalled: bool) -> None:
    silence = Silence(0, stall_s=30, usual_per_s=usual)
    assert silence.stalled(silent_s, expected_per_s=expected) is stalled


def test_strangers_that_went_home_are_forgotten() -> None:
    silence = Silence(0, stall_s=10, usual_per_s=2)
    for tick in range(1, 3600):
        silence.tick(tick)
    assert not silence.stalled(3600, expected_per_s=0)
