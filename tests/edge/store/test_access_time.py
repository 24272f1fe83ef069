"""Opening hours, days, returns, clocks and records: given what time does, expect who is still on."""

from __future__ import annotations

import pytest

from edge import events as ev
from edge.access_answers import AccessWhy, LeftReason, Way
from edge.clock import ClockState
from edge.shop import Hours, Limit
from edge.store import access, access_visits
from tests.edge.store.given_access import DAY_MS, HOUR_MS, MINUTE_MS, Door, came, left, local, mac, shop
from tests.given import NOON_MS
from tests.given_store import memory_tx

MEGABYTE = 1_000_000


# --- hours -----------------------------------------------------------------------------------------------

DAILY = (1, 2, 3, 4, 5, 6, 7)


def test_closing_time_is_the_hard_end() -> None:
    door = Door(shop(hours=(Hours(days=DAILY, opens="00:00", closes=local(NOON_MS + 30 * MINUTE_MS)),)))
    answer = door.let_in(1)
    assert 29 * MINUTE_MS < answer.to_ms - NOON_MS <= 30 * MINUTE_MS
    door.later(answer.to_ms - door.at_ms)
    door.ticks()
    assert door.on() == set()
    no = door.refused(2)
    assert no.why is AccessWhy.CLOSED
    assert no.again_ms is not None
    assert local(no.again_ms) == "00:00"


def test_when_an_unset_clock_turns_out_to_be_late_the_shop_closes() -> None:
    door = Door(shop(hours=(Hours(days=DAILY, opens="00:01", closes=local(NOON_MS + 90 * MINUTE_MS)),)))
    door.state = ClockState.UNSET
    door.let_in(1)
    door.let_in(2, "staff-a", way=Way.STAFF)
    door.later(1000)
    door.ticks()
    assert door.on() == {1, 2}
    door.jump(100 * MINUTE_MS)
    door.state = ClockState.SYNCED
    door.ticks()
    assert door.on() == {2}


def test_for_whom_nobody_vouched_is_on_for_no_longer_than_that() -> None:
    door = Door(shop(limit=Limit(minutes=60)))
    assert door.let_in(1, "wechat-a", way=Way.WECHAT, most_s=1800).to_ms == NOON_MS + 30 * MINUTE_MS
    assert door.let_in(2, "wechat-b", way=Way.WECHAT, most_s=36_000).to_ms == NOON_MS + 60 * MINUTE_MS
    door.reboot(1000)
    door.later(30 * MINUTE_MS)
    door.ticks()
    assert door.on() == {2}


# --- a day's minutes -------------------------------------------------------------------------------------


def test_a_days_minutes_are_of_all_sessions_and_devices_together() -> None:
    door = Door(shop(limit=Limit(minutes=60, day_minutes=90)))
    door.let_in(1, "wallet-a")
    door.later(20 * MINUTE_MS)
    door.let_in(2, "wallet-a")
    door.later(20 * MINUTE_MS)
    door.goes(1)
    door.later(10 * MINUTE_MS)
    door.goes(2)
    answer = door.let_in(1, "wallet-a")
    assert answer.to_ms == door.at_ms + 40 * MINUTE_MS
    door.later(40 * MINUTE_MS)
    door.ticks()
    no = door.refused(3, "wallet-a")
    assert no.why is AccessWhy.DAY_USED
    assert no.again_ms is not None
    assert no.again_ms > door.at_ms
    door.later(no.again_ms - door.at_ms)
    door.let_in(3, "wallet-a")


def test_a_phone_that_lost_its_cookies_has_no_second_day() -> None:
    door = Door(shop(limit=Limit(day_minutes=60)))
    door.let_in(1, "wallet-a")
    door.later(50 * MINUTE_MS)
    door.goes(1)
    assert door.let_in(1, "wallet-b").to_ms == door.at_ms + 10 * MINUTE_MS
    door.later(10 * MINUTE_MS)
    door.ticks()
    assert door.refused(1, "wallet-c").why is AccessWhy.DAY_USED
    door.let_in(2, "wallet-d")


def test_silence_at_the_end_is_not_used() -> None:
    door = Door(shop(limit=Limit(minutes=120, day_minutes=120)))
    door.let_in(1)
    door.later(60 * MINUTE_MS)
    door.goes(1, LeftReason.IDLE, idle_s=1800.0)
    assert door.let_in(1).to_ms == door.at_ms + 90 * MINUTE_MS


# --- who comes back --------------------------------------------------------------------------------------


def test_returns_are_told_by_day() -> None:
    door = Door()
    door.let_in(1, "wallet-a")
    door.let_in(2, "wallet-a")  # another device of who is here is no visit
    door.goes(1)
    door.goes(2)
    assert not door.let_in(1, "wallet-a").returning
    door.later(3 * DAY_MS)
    door.ticks()
    assert door.let_in(1, "wallet-a").returning
    door.goes(1)
    door.let_in(1, "wallet-a")
    assert came(door) == [(False, None, 1), (False, None, 1), (False, None, 2), (True, 3, 1), (True, 3, 2)]


def test_a_phone_known_for_a_day_never_returns_and_old_visits_are_forgotten() -> None:
    door = Door()
    door.let_in(1, "day-x")
    door.let_in(2, "wallet-b")
    door.later(DAY_MS)
    door.ticks()
    assert not door.let_in(1, "day-x").returning
    door.later(401 * DAY_MS)
    door.ticks()
    assert not door.let_in(2, "wallet-b").returning
    door.goes(2)
    door.later(2 * DAY_MS)
    door.ticks()
    assert not door.tx.db.execute("SELECT name FROM access_day").fetchall()
    assert door.tx.db.execute("SELECT holder FROM access_visit").fetchall() == [("wallet-b",)]


def test_rows_of_ended_sessions_have_no_mac() -> None:
    door = Door()
    door.let_in(0xABCD)
    door.goes(0xABCD)
    dump = "\n".join(door.tx.db.iterdump())
    assert "ab:cd" not in dump


# --- passes ----------------------------------------------------------------------------------------------


def test_a_pass_is_short_rare_and_told_to_nobody() -> None:
    door = Door()
    for _ in range(access.PASSES_AN_HOUR):
        answer = door.let_in(1, "pass-1", way=Way.PASS, pass_s=120)
        assert answer.to_ms == door.at_ms + 120_000
        assert door.let_in(1, "pass-1", way=Way.PASS, pass_s=120) == answer
        door.later(120_000)
        door.ticks()
        assert door.on() == set()
    no = door.refused(1, "pass-1", way=Way.PASS, pass_s=120)
    assert (no.why, no.again_ms) == (AccessWhy.TOO_OFTEN, NOON_MS + HOUR_MS)
    door.let_in(2, "pass-2", way=Way.PASS, pass_s=120)
    assert not door.tx.told
    door.later(HOUR_MS)
    door.ticks()
    door.let_in(1, "pass-1", way=Way.PASS, pass_s=120)


def test_the_real_session_takes_over_from_the_pass() -> None:
    door = Door()
    door.let_in(1, "pass-1", way=Way.PASS, pass_s=120)
    mark = door.standing(1).mark
    door.let_in(1, "wechat-a", way=Way.WECHAT)
    assert door.standing(1).mark == mark
    assert [told.type for told in door.tx.told] == ["guest.admitted.v1"]
    assert door.let_in(1, "pass-1", way=Way.PASS, pass_s=120).way is Way.WECHAT


def test_passes_are_bounded_for_all_together() -> None:
    door = Door()
    for phone in range(access.MAX_PASSES):
        door.let_in(phone, f"pass-{phone}", way=Way.PASS, pass_s=60)
    assert door.refused(999, "pass-999", way=Way.PASS, pass_s=60).why is AccessWhy.FULL
    door.let_in(999)


# --- clocks ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump_ms", [3 * HOUR_MS, 400 * DAY_MS])
def test_a_clock_that_is_set_ends_nobody_and_gives_nobody_more(jump_ms: int) -> None:
    door = Door()
    door.state = ClockState.UNSET
    door.let_in(1)
    door.later(30 * MINUTE_MS)
    door.jump(jump_ms)
    door.state = ClockState.SYNCED
    door.ticks()
    door.handle(ev.ClockAdjusted(at=door.now, delta_ms=jump_ms))
    assert door.on() == {1}
    standing = door.standing(1)
    assert (standing.to_ms - door.at_ms, door.at_ms - standing.since_ms) == (90 * MINUTE_MS, 30 * MINUTE_MS)
    door.later(90 * MINUTE_MS)
    door.ticks()
    assert door.on() == set()
    assert left(door) == [("s1", "time", 7200)]


def test_the_record_of_who_is_on_begins_when_they_came_once_the_clock_is_known() -> None:
    door = Door()
    door.state = ClockState.UNSET
    door.let_in(1, record=b"sealed")
    door.let_in(2, record=b"sealed")
    door.later(30 * MINUTE_MS)
    door.goes(2)
    door.jump(400 * DAY_MS)
    door.state = ClockState.SYNCED
    door.handle(ev.ClockAdjusted(at=door.now, delta_ms=400 * DAY_MS))
    kept = access_visits.records(door.tx.db, from_ms=0, to_ms=door.at_ms, after=0, limit=9)
    assert [(each.from_ms, each.to_ms) for each in kept if each.to_ms is None] == [(door.at_ms - 30 * MINUTE_MS, None)]
    door.later(1000)
    door.goes(1)
    (first, _) = access_visits.records(door.tx.db, from_ms=0, to_ms=door.at_ms, after=0, limit=9)
    assert (first.from_ms, first.to_ms) == (door.at_ms - 30 * MINUTE_MS - 1000, door.at_ms)


def test_after_a_restart_sessions_go_on_and_who_ran_out_is_out_since_last_heard() -> None:
    door = Door(shop(limit=Limit(minutes=60)))
    door.let_in(1)
    door.later(30 * MINUTE_MS)
    door.counts((1, 1, 1))
    door.let_in(2)
    door.reboot(40 * MINUTE_MS)
    assert door.on() == {2}
    assert left(door) == [("s1", "lost", 1800)]
    assert door.standing(2).to_ms - door.at_ms == 20 * MINUTE_MS
    door.later(20 * MINUTE_MS)
    door.ticks()
    assert left(door)[1:] == [("s2", "time", 3600)]


def test_after_a_restart_without_a_clock_nobody_is_thrown_out_and_nobody_stays_for_ever() -> None:
    door = Door(shop(limit=Limit(minutes=60)))
    door.let_in(1)
    door.reboot(5 * HOUR_MS, knows=False)
    assert door.on() == {1}
    door.jump(5 * HOUR_MS)
    door.state = ClockState.SYNCED
    door.ticks()
    door.handle(ev.ClockAdjusted(at=door.now, delta_ms=5 * HOUR_MS))
    assert door.on() == {1}
    door.later(60 * MINUTE_MS)
    door.ticks()
    assert door.on() == set()


def test_a_restart_of_the_daemon_alone_changes_nothing() -> None:
    door = Door()
    door.let_in(1)
    before = door.standing(1)
    door.handle(ev.GatewayStarted(at=door.now, version="1"))
    assert door.standing(1) == before


# --- records, room ---------------------------------------------------------------------------------------


def test_sealed_records_are_kept_as_long_as_the_policy_says() -> None:
    door = Door(shop(log_days=60))
    door.let_in(1, record=b"sealed")
    door.later(MINUTE_MS)

    def kept() -> list[tuple[str, int | None, bytes]]:
        found = access_visits.records(door.tx.db, from_ms=0, to_ms=2**60, after=0, limit=10)
        return [(one.session, one.to_ms, one.sealed) for one in found]

    assert kept() == [("s1", None, b"sealed")]
    door.goes(1)
    ended_ms = door.at_ms
    assert kept() == [("s1", ended_ms, b"sealed")]
    door.later(60 * DAY_MS)
    door.ticks()
    assert kept() == [("s1", ended_ms, b"sealed")]
    door.later(1)
    door.state = ClockState.UNSET
    door.ticks()
    assert kept()
    door.state = ClockState.SYNCED
    door.ticks()
    assert kept() == []


def test_records_of_a_span() -> None:
    db = memory_tx().db
    for number, (start, end) in enumerate([(0, 10), (5, None), (20, 30)]):
        access_visits.keep_record(db, f"s{number}", b"", from_ms=start)
        if end is not None:
            access_visits.close_record(db, f"s{number}", to_ms=end)

    def of(start: int, end: int) -> str:
        return "".join(one.session[1] for one in access_visits.records(db, from_ms=start, to_ms=end, after=0, limit=9))

    assert (of(0, 4), of(10, 19), of(11, 19), of(30, 40), of(31, 40)) == ("0", "01", "1", "12", "1")


def test_a_full_outbox_keeps_no_guest_out_and_none_in() -> None:
    door = Door(shop(outbox_max_bytes=1))
    door.let_in(1)
    door.let_in(2)
    door.goes(1)
    door.later(3 * HOUR_MS)
    door.ticks()
    assert door.on() == set()
    assert not door.tx.db.execute("SELECT 1 FROM outbox").fetchone()


def test_a_tick_ends_a_bounded_number_and_the_next_goes_on() -> None:
    door = Door()
    for phone in range(access.PER_TICK + 5):
        door.let_in(phone)
    door.later(2 * HOUR_MS)
    door.ticks()
    assert len(door.on()) == 5
    door.ticks()
    assert door.on() == set()


def test_who_is_on_is_told_without_a_mac() -> None:
    door = Door()
    door.let_in(1)
    door.later(10)
    door.let_in(2)
    found = access.standings(door.tx.db)
    assert [one.holder for one in found] == ["wallet-2", "wallet-1"]
    assert mac(1).colons not in str(found)
    assert access.standing(door.tx.db, mac(3)) is None
