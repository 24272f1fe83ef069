"""When the portal is open: overnight, over weeks, where clocks are put forward and back."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.shop import Hours
from edge.shop.hours import Door, door

CHINA, BERLIN, HOWE = "Asia/Shanghai", "Europe/Berlin", "Australia/Lord_Howe"
DAILY = (1, 2, 3, 4, 5, 6, 7)


def at(text: str, zone: str = CHINA, fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp() * 1000)


def hours(opens: str, closes: str, days: tuple[int, ...] = DAILY) -> tuple[Hours, ...]:
    return (Hours(days=days, opens=opens, closes=closes),)


def opened(closes: str, zone: str = CHINA, fold: int = 0) -> Door:
    return Door(is_open=True, closes_ms=at(closes, zone, fold))


def shut(opens: str, zone: str = CHINA) -> Door:
    return Door(is_open=False, opens_ms=at(opens, zone))


def test_without_hours_it_is_always_open() -> None:
    assert door((), at("2026-11-23T03:00"), CHINA) == Door(is_open=True)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-23T08:59:59.999", shut("2026-11-23T09:00")),
        ("2026-11-23T09:00", opened("2026-11-23T21:30")),
        ("2026-11-23T21:29:59.999", opened("2026-11-23T21:30")),
        ("2026-11-23T21:30", shut("2026-11-24T09:00")),
        ("2026-11-27T22:00", shut("2026-11-30T09:00")),  # Friday night → Monday
    ],
)
def test_weekdays(now: str, expected: Door) -> None:
    assert door(hours("09:00", "21:30", (1, 2, 3, 4, 5)), at(now), CHINA) == expected


def test_over_midnight_belongs_to_the_day_it_opened() -> None:
    night = hours("18:00", "02:00", (5,))  # Friday
    assert door(night, at("2026-11-27T23:00"), CHINA) == opened("2026-11-28T02:00")
    assert door(night, at("2026-11-28T01:00"), CHINA) == opened("2026-11-28T02:00")
    assert door(night, at("2026-11-28T02:00"), CHINA) == shut("2026-12-04T18:00")
    assert door(night, at("2026-11-27T01:00"), CHINA) == shut("2026-11-27T18:00")


def test_what_goes_on_without_a_break_is_one_opening() -> None:
    day = (*hours("08:00", "24:00", (1,)), *hours("00:00", "12:00", (2,)), *hours("11:00", "13:00", (2,)))
    assert door(day, at("2026-11-23T09:00"), CHINA) == opened("2026-11-24T13:00")


@pytest.mark.parametrize("always", [("00:00", "24:00"), ("06:00", "06:00"), ("00:00", "00:00")])
def test_round_the_clock_never_closes(always: tuple[str, str]) -> None:
    assert door(hours(*always), at("2026-11-23T09:00"), CHINA) == Door(is_open=True)


def test_clocks_that_are_put_forward_and_back() -> None:
    # Berlin: 29 March 2026 has no 02:00 to 03:00; 25 October has it twice
    late = hours("22:00", "02:30")
    spring = door(late, at("2026-03-28T23:00", BERLIN), BERLIN)
    assert spring == opened("2026-03-29T03:30", BERLIN)
    autumn = door(late, at("2026-10-24T23:00", BERLIN), BERLIN)
    assert autumn == opened("2026-10-25T02:30", BERLIN, fold=1)
    early = hours("02:15", "10:00")
    assert door(early, at("2026-10-25T01:00", BERLIN), BERLIN) == shut("2026-10-25T02:15", BERLIN)
    assert door(early, at("2026-10-25T02:20", BERLIN, fold=0), BERLIN).is_open
    assert door(early, at("2026-10-25T02:10", BERLIN, fold=1), BERLIN).is_open


@given(
    st.lists(
        st.builds(
            Hours,
            days=st.sets(st.integers(1, 7), min_size=1).map(tuple),
            opens=st.sampled_from(["00:00", "01:30", "02:30", "09:00", "23:59", "24:00"]),
            closes=st.sampled_from(["00:00", "02:00", "02:30", "12:00", "23:59", "24:00"]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(at("2026-03-20T00:00"), at("2026-11-20T00:00")),
    st.sampled_from([CHINA, BERLIN, HOWE]),
)
def test_what_is_said_comes_true(given_hours: list[Hours], now_ms: int, zone: str) -> None:
    found = door(given_hours, now_ms, zone)
    if found.is_open and found.closes_ms is not None:
        assert found.closes_ms > now_ms
        assert door(given_hours, found.closes_ms - 1, zone).is_open
        assert not door(given_hours, found.closes_ms, zone).is_open
    elif not found.is_open:
        assert found.opens_ms is not None
        assert found.opens_ms > now_ms
        assert not door(given_hours, found.opens_ms - 1, zone).is_open
        assert door(given_hours, found.opens_ms, zone).is_open
