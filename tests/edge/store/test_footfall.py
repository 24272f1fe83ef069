"""Given counted intervals, expect occupancy, its daily reset and what the cloud is told."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import telemetry as tm
from edge.clock import ClockState
from edge.events import FootfallCounted, TimePassed
from edge.ids import DeviceId, ZoneId
from edge.shop import Shop
from edge.store import footfall
from edge.store.footfall import Occupancy
from tests.given import stamp
from tests.given_store import MemoryTx, memory_tx

SHANGHAI = "Asia/Shanghai"


def ms(text: str, zone: str = SHANGHAI) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def count(
    at: str, entered: int = 0, exited: int = 0, *, state: ClockState = ClockState.SYNCED, **changes: object
) -> FootfallCounted:
    zone = str(changes.pop("timezone", SHANGHAI))
    values: dict[str, object] = {
        "at": stamp(ms(at, zone), state=state),
        "device": DeviceId("door-1"),
        "zone": ZoneId("door"),
        "source": "strip",
        "interval_s": 900.0,
        "covered_s": 900.0,
        "entered": entered,
        "exited": exited,
    }
    return FootfallCounted(**(values | changes))  # type: ignore[arg-type]


def people(tx: MemoryTx, zone: str = "door") -> Occupancy | None:
    return footfall.occupancy(tx.db, zone)


def told(tx: MemoryTx) -> list[tm.FootfallCounted]:
    return tx.news(tm.FootfallCounted)  # type: ignore[return-value]


def test_people_inside_are_entered_minus_exited() -> None:
    tx = memory_tx()
    tx.handle(count("2026-11-20T10:15", 7, 2))
    outcome = tx.handle(count("2026-11-20T10:30", 1, 4, covered_s=450.0))
    assert outcome.reply == Occupancy(2, 0, ms("2026-11-20T04:00"))
    last = told(tx)[-1]
    assert (last.occupancy, last.drift, last.coverage, last.zone) == (2, 0, 0.5, "door")
    assert tx.told[-1].subject == "door"


def test_two_doors_of_one_zone_share_its_people_and_another_zone_does_not() -> None:
    tx = memory_tx()
    tx.handle(count("2026-11-20T10:15", 5, 0))
    tx.handle(count("2026-11-20T10:15", 0, 3, device=DeviceId("door-2")))
    tx.handle(count("2026-11-20T10:15", 9, 0, device=DeviceId("till-1"), zone=ZoneId("till")))
    assert [news.occupancy for news in told(tx)] == [5, 2, 9]


def test_it_is_never_below_zero_and_what_was_missing_is_noted() -> None:
    tx = memory_tx()
    tx.handle(count("2026-11-20T10:15", 1, 4))
    tx.handle(count("2026-11-20T10:30", 2, 0))
    assert people(tx) == Occupancy(2, 3, ms("2026-11-20T04:00"))
    assert [news.drift for news in told(tx)] == [3, 3]


def test_a_new_day_begins_at_the_local_reset_not_at_midnight() -> None:
    tx = memory_tx()
    tx.handle(count("2026-11-20T23:45", 5, 0))
    tx.handle(count("2026-11-21T00:15", 0, 1))
    assert people(tx) == Occupancy(4, 0, ms("2026-11-20T04:00"))
    tx.handle(count("2026-11-21T04:15", 1, 0))
    assert people(tx) == Occupancy(1, 0, ms("2026-11-21T04:00"))


def test_time_alone_empties_the_zones() -> None:
    tx = memory_tx()
    tx.handle(count("2026-11-20T22:00", 5, 0))
    tx.handle(TimePassed(at=stamp(ms("2026-11-21T03:59:59"))))
    assert people(tx) == Occupancy(5, 0, ms("2026-11-20T04:00"))
    tx.handle(TimePassed(at=stamp(ms("2026-11-21T04:00:00"))))
    assert people(tx) == Occupancy(0, 0, ms("2026-11-21T04:00"))


def test_an_interval_that_ends_at_the_reset_belongs_to_the_day_before() -> None:
    tx = memory_tx()
    tx.handle(count("2026-11-21T03:45", 5, 0))
    tx.handle(TimePassed(at=stamp(ms("2026-11-21T04:00:00"))))
    tx.handle(count("2026-11-21T04:00:01", 2, 4))  # arrives a moment after
    assert people(tx) == Occupancy(0, 0, ms("2026-11-21T04:00"))
    assert (told(tx)[-1].entered, told(tx)[-1].occupancy) == (2, 0)


def test_an_unset_clock_resets_nothing() -> None:
    tx = memory_tx()
    tx.handle(count("2026-11-20T22:00", 5, 0))
    tx.handle(count("2026-11-22T22:00", 1, 0, state=ClockState.UNSET))
    tx.handle(TimePassed(at=stamp(ms("2026-11-23T22:00"), state=ClockState.UNSET)))
    assert people(tx) == Occupancy(6, 0, ms("2026-11-20T04:00"))
    tx.handle(TimePassed(at=stamp(ms("2026-11-23T22:00"))))
    assert people(tx) == Occupancy(0, 0, ms("2026-11-23T04:00"))


def test_a_clock_that_is_unset_from_the_first_day_counts_all_the_same() -> None:
    tx = memory_tx()
    tx.handle(count("2026-11-20T22:00", 5, 0, state=ClockState.UNSET))
    assert people(tx) == Occupancy(5, 0, 0)


@pytest.mark.parametrize(
    ("timezone", "at", "expect"),
    [
        ("Asia/Shanghai", "2026-11-20T04:00", "2026-11-20T04:00"),
        ("Asia/Shanghai", "2026-11-20T03:59", "2026-11-19T04:00"),
        ("Asia/Kolkata", "2026-11-20T03:59", "2026-11-19T04:00"),
        ("Asia/Kathmandu", "2026-03-01T00:00", "2026-02-28T04:00"),
        ("Europe/Berlin", "2026-03-29T12:00", "2026-03-29T04:00"),  # a day of 23 hours before it
        ("Europe/Berlin", "2026-10-25T03:30", "2026-10-24T04:00"),  # a day of 25 hours
    ],
)
def test_a_day_starts_at_the_local_time(timezone: str, at: str, expect: str) -> None:
    shop = Shop(timezone=timezone, occupancy_reset_at="04:00")
    assert footfall.day_start_ms(ms(at, timezone), shop) == ms(expect, timezone)


@given(st.integers(1_700_000_000_000, 2_000_000_000_000), st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "UTC"]))
def test_a_day_start_is_never_ahead_and_at_most_25_hours_back(at_ms: int, timezone: str) -> None:
    start_ms = footfall.day_start_ms(at_ms, Shop(timezone=timezone, occupancy_reset_at="02:30"))
    assert 0 <= at_ms - start_ms <= 25 * 3_600_000 + 1000
    assert footfall.day_start_ms(start_ms, Shop(timezone=timezone, occupancy_reset_at="02:30")) == start_ms


def test_the_day_by_hour_for_the_status_page() -> None:
    tx = memory_tx()
    tx.handle(count("2026-11-20T09:15", 3, 1))
    tx.handle(count("2026-11-20T09:30", 2, 0, covered_s=450.0))
    tx.handle(count("2026-11-20T10:00", 1, 0, interval_s=1800.0, covered_s=1800.0))  # its middle is 9:45
    tx.handle(count("2026-11-19T23:00", 50, 0))
    (day,) = footfall.days(tx.db, shop=tx.shop, at_ms=ms("2026-11-20T12:00"))
    assert (day.zone, day.entered, day.exited, len(day.hours)) == ("door", 6, 1, 24)
    nine = day.hours[5]
    assert (nine.start_ms, nine.entered, nine.exited) == (ms("2026-11-20T09:00"), 6, 1)
    assert nine.coverage == pytest.approx((900 + 450 + 1800) / 3600)
    assert day.hours[6].coverage == 0


def test_old_intervals_leave_the_box() -> None:
    tx = memory_tx()
    tx.handle(count("2026-11-01T10:00", 1, 0))
    tx.handle(count("2026-11-20T10:00", 1, 0))
    assert tx.db.execute("SELECT COUNT(*) FROM footfall").fetchone() == (1,)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=40))
def test_inside_is_what_entered_minus_what_left_plus_the_drift(crossings: list[tuple[int, int]]) -> None:
    tx = memory_tx()
    for number, (entered, exited) in enumerate(crossings):
        tx.handle(count(f"2026-11-20T{6 + number // 4:02}:{number % 4 * 15:02}", entered, exited))
        now = people(tx)
        assert now is not None
        assert now.people >= 0
    if crossings:
        assert now is not None
        assert now.people == sum(e for e, _ in crossings) - sum(x for _, x in crossings) + now.drift
    tx.close()
