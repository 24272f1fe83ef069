"""Given crossings and seen time, expect one fact an interval, with the coverage it really had."""

from devices.footfall.fold import Fold
from tests.devices.footfall.given_counter import section
from tests.given import HandClock

QUARTER_MS = 900_000


def fold_at(clock: HandClock) -> Fold:
    clock.forward(QUARTER_MS - clock.wall_ms % QUARTER_MS)  # a round quarter of an hour
    return Fold(section(interval_s=900), start=clock.clock.now())


def test_an_interval_ends_on_the_round_time(hand_clock: HandClock) -> None:
    fold = fold_at(hand_clock)
    fold.crossed(entering=True)
    hand_clock.forward(QUARTER_MS - 1)
    assert fold.due(hand_clock.clock.now()) is None
    fold.crossed(entering=False)
    hand_clock.forward(1)
    event = fold.due(hand_clock.clock.now())
    assert event is not None
    assert (event.entered, event.exited, event.interval_s, event.covered_s) == (1, 1, 900.0, 0.0)
    assert event.at.at_ms % QUARTER_MS == 0
    assert fold.due(hand_clock.clock.now()) is None


def test_coverage_is_what_was_seen_once(hand_clock: HandClock) -> None:
    fold = fold_at(hand_clock)
    start_s = hand_clock.mono_ms / 1000
    fold.seen(start_s - 50, start_s + 100)  # before the interval
    fold.seen(start_s + 60, start_s + 110)  # told twice
    fold.seen(start_s + 200, start_s + 300)  # after a stall
    hand_clock.forward(QUARTER_MS)
    event = fold.due(hand_clock.clock.now())
    assert event is not None
    assert event.covered_s == 210.0


def test_a_refused_interval_becomes_part_of_the_next(hand_clock: HandClock) -> None:
    fold = fold_at(hand_clock)
    fold.crossed(entering=True)
    start_s = hand_clock.mono_ms / 1000
    fold.seen(start_s, start_s + 900)
    hand_clock.forward(QUARTER_MS)
    refused = fold.due(hand_clock.clock.now())
    assert refused is not None
    fold.put_back(refused)
    fold.crossed(entering=True)
    hand_clock.forward(QUARTER_MS)
    event = fold.due(hand_clock.clock.now())
    assert event is not None
    assert (event.entered, event.interval_s, event.covered_s) == (2, 1800.0, 900.0)


def test_a_clock_that_is_set_forward_ends_the_interval_with_its_true_length(hand_clock: HandClock) -> None:
    fold = fold_at(hand_clock)
    hand_clock.forward(60_000)
    hand_clock.wall_ms += 86_400_000
    event = fold.due(hand_clock.clock.now())
    assert event is not None
    assert event.interval_s == 60.0


def test_an_interval_without_length_is_nothing(hand_clock: HandClock) -> None:
    fold = fold_at(hand_clock)
    assert fold.end(hand_clock.clock.now()) is None
