from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.clock import BUILT_MS, Clock, ClockState, kernel_synced, read_boot_id
from tests.given import NOON_MS, HandClock


def test_a_good_clock_is_told_as_it_is(hand_clock: HandClock) -> None:
    now = hand_clock.clock.now()
    assert (now.at_ms, now.monotonic_ms, now.boot_id, now.state) == (NOON_MS, 1_000_000, "boot0", ClockState.SYNCED)
    hand_clock.synced = False
    hand_clock.forward(1_000)
    assert hand_clock.clock.now().state is ClockState.HOLDOVER


def test_whether_it_is_synced_is_asked_once_a_second() -> None:
    asked = []
    hand = HandClock()
    clock = Clock(
        wall_s=lambda: hand.wall_ms / 1000,
        monotonic_s=lambda: hand.mono_ms / 1000,
        synced=lambda: bool(asked.append(1)) or True,
        boot_id="b",
    )
    for _ in range(100):
        hand.forward(50)
        clock.now()
    assert len(asked) == 5


def test_a_board_that_wakes_in_1970_says_so_and_never_dates_before_its_release() -> None:
    hand = HandClock(wall_ms=5_000)
    hand.forward(10)
    now = hand.clock.now()
    assert (now.state, now.at_ms) == (ClockState.UNSET, BUILT_MS + 10)


def test_when_it_is_set_the_correction_of_earlier_stamps_is_told_once() -> None:
    hand = HandClock(wall_ms=5_000)
    early = hand.clock.now()
    hand.forward(60_000)
    assert hand.clock.adjusted_ms() is None
    hand.clock.now()
    hand.wall_ms = NOON_MS
    now = hand.clock.now()
    delta_ms = hand.clock.adjusted_ms()
    assert (now.at_ms, now.state) == (NOON_MS, ClockState.SYNCED)
    assert delta_ms is not None
    assert early.at_ms + delta_ms == NOON_MS - 60_000
    hand.forward(5_000)
    hand.clock.now()
    assert hand.clock.adjusted_ms() is None


def test_a_clock_set_back_orders_but_does_not_date(hand_clock: HandClock) -> None:
    before = hand_clock.clock.now()
    hand_clock.forward(1_000)
    hand_clock.wall_ms -= 3_600_000
    after = hand_clock.clock.now()
    assert (after.state, after.at_ms) == (ClockState.UNSET, before.at_ms + 1_000)
    assert hand_clock.clock.adjusted_ms() == -3_600_000
    hand_clock.forward(1_000)
    hand_clock.clock.now()
    assert hand_clock.clock.adjusted_ms() is None


def test_small_steps_of_ntp_are_nobody_s_business(hand_clock: HandClock) -> None:
    hand_clock.clock.now()
    for step in (-1500, 1500, -100):
        hand_clock.wall_ms += step
        assert hand_clock.clock.now().state is ClockState.SYNCED
    assert hand_clock.clock.adjusted_ms() is None


def test_the_journal_s_newest_moment_is_a_floor(hand_clock: HandClock) -> None:
    hand_clock.clock.raise_floor(NOON_MS + 10_000)
    assert hand_clock.clock.now().state is ClockState.UNSET
    hand_clock.wall_ms += 20_000
    assert hand_clock.clock.now().state is ClockState.SYNCED


MOVES = st.lists(st.tuples(st.integers(0, 100_000), st.integers(-(10**9), 10**9), st.booleans()), max_size=40)


@given(moves=MOVES, first=st.integers(0, 2 * NOON_MS))
def test_it_never_runs_backwards(moves: list[tuple[int, int, bool]], first: int) -> None:
    hand = HandClock(wall_ms=first)
    seen = [hand.clock.now()]
    for passed_ms, set_by_ms, floor in moves:
        hand.forward(passed_ms)
        hand.wall_ms = max(0, hand.wall_ms + set_by_ms)
        if floor:
            hand.clock.raise_floor(hand.wall_ms + 1)
        seen.append(hand.clock.now())
    assert all(a.at_ms <= b.at_ms for a, b in pairwise(seen))
    assert all(stamp.at_ms >= BUILT_MS for stamp in seen)


def test_this_machine_can_be_asked() -> None:
    assert isinstance(kernel_synced(), bool)
    assert len(read_boot_id()) in {7, 12}
    assert Clock().now().at.year >= 2026
