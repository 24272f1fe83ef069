"""Given guests who come, go, use up and are counted, expect who is on, and what the cloud is told."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from edge import events as ev
from edge import telemetry as tm
from edge.access_answers import AccessWhy, LeftReason, Way
from edge.clock import ClockState
from edge.shop import Hours, Limit
from edge.store import access, access_ended, access_rows, access_visits
from tests.edge.store.given_access import DAY_MS, HOUR_MS, MINUTE_MS, Door, mac, shop
from tests.given import NOON_MS
from tests.given_store import memory_tx

MEGABYTE = 1_000_000


def local(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo("Asia/Shanghai")).strftime("%H:%M")


def left(door: Door) -> list[tuple[str, str, int]]:
    return [(one.session, one.reason, one.seconds) for one in door.tx.news(tm.GuestLeft)]  # type: ignore[attr-defined]


def came(door: Door) -> list[tuple[bool, int | None, int]]:
    return [(one.returning, one.days_since, one.visits_today) for one in door.tx.news(tm.GuestAdmitted)]  # type: ignore[attr-defined]


# --- in and out ------------------------------------------------------------------------------------------


def test_a_guest_comes_in_and_is_out_at_the_end() -> None:
    door = Door(shop(limit=Limit(minutes=30, megabytes=5)))
    answer = door.let_in(1)
    assert (answer.way, answer.to_ms, answer.left_bytes) == (Way.CLICK, NOON_MS + 30 * MINUTE_MS, 5 * MEGABYTE)
    assert door.on() == {1}
    door.later(30 * MINUTE_MS - 1)
    door.ticks()
    assert door.on() == {1}
    door.later(1)
    door.ticks()
    assert door.on() == set()
    assert left(door) == [("s1", "time", 1800)]


def test_terms_that_are_not_in_force_let_nobody_in() -> None:
    door = Door()
    assert door.refused(1, consent="none/0").why is AccessWhy.NO_CONSENT
    assert door.refused(1, way=Way.STAFF, consent="").why is AccessWhy.NO_CONSENT
    assert door.on() == set()
    assert not door.tx.told


def test_who_asks_again_goes_on_as_they_were_and_is_told_once() -> None:
    door = Door()
    first = door.let_in(1)
    door.later(10 * MINUTE_MS)
    assert door.let_in(1) == first
    assert len(door.tx.told) == 1


def test_another_way_replaces_the_session_and_flows_go_on() -> None:
    door = Door()
    door.let_in(1)
    mark = door.standing(1).mark
    door.counts((1, 100, 1000))
    door.later(5000)
    door.let_in(1, "staff-a", way=Way.STAFF)
    assert left(door) == [("s1", "moved", 5)]
    assert (door.standing(1).mark, door.standing(1).way, door.standing(1).down_bytes) == (mark, Way.STAFF, 0)
    door.counts((1, 150, 1500))
    assert (door.standing(1).up_bytes, door.standing(1).down_bytes) == (50, 500)
    assert door.on() == {1}


def test_the_oldest_device_of_too_many_is_out() -> None:
    door = Door(shop(guest_devices=2))
    for phone in (1, 2, 3):
        door.let_in(phone, "wallet-a")
        door.later(1000)
    assert door.on() == {2, 3}
    assert left(door) == [("s1", "moved", 2)]
    door.let_in(4, "wallet-b")
    assert door.on() == {2, 3, 4}


def test_a_way_may_have_devices_of_its_own() -> None:
    door = Door(shop(guest_devices=3, limit=Limit(devices=1)))
    door.let_in(1, "wallet-a")
    door.let_in(2, "wallet-a")
    assert door.on() == {2}


def test_a_full_house_takes_nobody_but_staff_and_who_is_in() -> None:
    door = Door(shop(most_guests=2, guest_devices=1))
    door.let_in(1)
    door.let_in(2)
    assert door.refused(3).why is AccessWhy.FULL
    door.let_in(4, "wallet-2")  # their old phone makes room
    door.let_in(1, "wallet-9")  # the same phone
    door.let_in(5, "staff-a", way=Way.STAFF)
    assert door.on() == {1, 4, 5}


def test_marks_are_not_given_again() -> None:
    door = Door()
    marks = []
    for phone in range(5):
        door.let_in(phone)
        marks.append(door.standing(phone).mark)
        door.goes(phone)
    assert len(set(marks)) == 5
    door.tx.db.execute("UPDATE access_mark SET last = ?", (access_rows.MAX_MARK - 1,))
    door.let_in(7)
    door.let_in(8)
    assert (door.standing(7).mark, door.standing(8).mark) == (access_rows.MAX_MARK, 1)


def test_staff_have_no_limits() -> None:
    night = Hours(days=(1, 2, 3, 4, 5, 6, 7), opens="08:00", closes="08:01")
    door = Door(
        shop(hours=(night,), limit=Limit(minutes=1, megabytes=1, day_minutes=1), guest_devices=1, most_guests=1)
    )
    door.jump(8 * HOUR_MS)
    assert door.refused(1).why is AccessWhy.CLOSED
    for phone in range(1, 6):
        answer = door.let_in(phone, "staff-a", way=Way.STAFF)
        assert (answer.to_ms, answer.left_bytes) == (door.at_ms + DAY_MS, None)
    door.counts((1, 10**12, 10**12))
    door.later(HOUR_MS)
    door.ticks()
    assert door.on() == {1, 2, 3, 4, 5}


def test_gone_is_gone_once() -> None:
    door = Door()
    door.let_in(1)
    mark = door.standing(1).mark
    door.later(40_000)
    door.counts((1, 5, 6))
    door.later(2_000_000)
    gone = ev.GuestGone(at=door.now, mark=mark, reason=LeftReason.IDLE, idle_s=1800.0)
    door.handle(gone)
    door.handle(gone)
    door.handle(ev.GuestGone(at=door.now, mark=999, reason=LeftReason.LOGOUT))
    assert left(door) == [("s1", "idle", 240)]
    news = door.tx.news(tm.GuestLeft)[0]
    assert (news.up_bytes, news.down_bytes, news.visitor) == (5, 6, "v-wallet-1")  # type: ignore[attr-defined]
    assert door.on() == set()


def test_who_came_in_again_meanwhile_is_not_gone_for_silence() -> None:
    door = Door()
    door.let_in(1)
    mark = door.standing(1).mark
    door.later(30 * MINUTE_MS)
    door.let_in(1)
    door.handle(ev.GuestGone(at=door.now, mark=mark, reason=LeftReason.IDLE, idle_s=1800.0))
    assert door.on() == {1}


@pytest.mark.parametrize("reason", [LeftReason.TIME, LeftReason.LOST])
def test_whose_time_is_said_to_be_over_and_is_not_stays(reason: LeftReason) -> None:
    door = Door()
    door.let_in(1)
    mark = door.standing(1).mark
    door.later(MINUTE_MS)
    door.jump(9 * HOUR_MS)  # the clock was set, and rows were not moved yet
    door.gate.clear()
    door.handle(ev.GuestGone(at=door.now, mark=mark, reason=reason))
    assert door.on() == {1}
    door.later(119 * MINUTE_MS - access.EARLY_MS)
    door.handle(ev.GuestGone(at=door.now, mark=mark, reason=reason))
    assert door.on() == set()


# --- bytes -----------------------------------------------------------------------------------------------


def test_bytes_are_counted_over_runs_of_the_counters_and_run_out() -> None:
    door = Door(shop(limit=Limit(megabytes=1)))
    door.let_in(1)
    door.counts((1, 300_000, 100_000))
    door.counts((1, 300_000, 100_000))
    door.counts((1, 100_000, 0), run="r2")
    assert (door.standing(1).up_bytes, door.standing(1).down_bytes) == (400_000, 100_000)
    assert door.let_in(1).left_bytes == 500_000
    door.counts((1, 100_000, 499_999), run="r2")
    assert door.on() == {1}
    door.counts((1, 100_001, 499_999), run="r2")
    assert door.on() == set()
    assert left(door)[0][1] == "bytes"


def test_a_counter_that_fell_began_anew_and_counts_of_nobody_are_nothing() -> None:
    door = Door()
    door.let_in(1)
    door.counts((1, 100, 100))
    door.counts((1, 10, 20))
    assert (door.standing(1).up_bytes, door.standing(1).down_bytes) == (110, 120)
    stray = ev.SessionCount(mark=77, up_bytes=1, down_bytes=1, run="r1")
    door.handle(ev.GuestsCounted(at=door.now, counts=(stray,)))


def test_bytes_of_a_day_are_of_all_sessions_ways_and_devices_together() -> None:
    door = Door(shop(limit=Limit(megabytes=2, day_megabytes=5), guest_devices=2))
    assert door.let_in(1, "wallet-a").left_bytes == 2 * MEGABYTE
    door.uses(1, 1_500_000)
    door.goes(1)
    assert door.let_in(1, "wallet-b", way=Way.CLICK).left_bytes == 2 * MEGABYTE
    door.uses(1, 1_500_000)
    door.let_in(1, "wallet-a")
    door.let_in(2, "wallet-a")
    door.uses(1, 600_000)
    door.goes(1)
    door.uses(2, 1_300_000)
    door.goes(2)
    assert door.let_in(1, "wallet-c").left_bytes == 1_400_000  # the phone's 3.6 of 5
    assert door.let_in(2, "wallet-a").left_bytes == 1_600_000  # the shopper's 3.4
    door.uses(2, 1_600_000)
    door.goes(2)
    no = door.refused(2, "wallet-a")
    assert (no.why, no.again_ms is not None) == (AccessWhy.DAY_USED, True)
    door.later(DAY_MS)
    door.ticks()
    assert door.let_in(2, "wallet-a").left_bytes == 2 * MEGABYTE


def test_whose_day_is_used_up_by_one_device_is_out_with_all() -> None:
    door = Door(shop(limit=Limit(day_megabytes=3), guest_devices=2))
    door.let_in(1, "wallet-a")
    door.let_in(2, "wallet-a")
    door.let_in(3, "wallet-b")
    door.counts((1, 0, 1_000_000), (2, 0, 1_999_999))
    assert door.on() == {1, 2, 3}
    door.counts((1, 0, 1_000_001))
    assert door.on() == {3}


def test_bytes_that_nobody_counted_yet_are_of_the_session_that_used_them() -> None:
    door = Door()
    door.let_in(1)
    door.counts((1, 100, 1000))
    door.uses(1, 5_000)
    door.goes(1)
    door.let_in(1)
    door.uses(1, 70)
    door.goes(1)
    told = [(one.up_bytes, one.down_bytes) for one in door.tx.news(tm.GuestLeft)]  # type: ignore[attr-defined]
    assert told == [(100, 6_000), (0, 70)]


def test_while_the_gate_is_down_the_last_count_is_waited_for_and_not_for_ever() -> None:
    door = Door()
    door.let_in(1)
    door.let_in(2)
    door.uses(1, 500)
    marks = [door.standing(phone).mark for phone in (1, 2)]
    door.answers = False
    door.goes(1)
    door.goes(2)
    door.later(access_ended.WAIT_MS - 1)
    door.ticks()
    assert left(door) == []
    door.handle(ev.GuestsCounted(at=door.now, counts=(door.count_of(marks[0]),), over=(marks[0],)))
    assert [one.down_bytes for one in door.tx.news(tm.GuestLeft)] == [500]  # type: ignore[attr-defined]
    door.later(1)
    door.ticks()
    door.handle(ev.GuestsCounted(at=door.now, counts=(), over=tuple(marks)))
    assert [(one.session, one.reason) for one in door.tx.news(tm.GuestLeft)] == [("s1", "logout"), ("s2", "logout")]  # type: ignore[attr-defined]


def test_a_restart_of_the_machine_waits_for_no_count() -> None:
    door = Door()
    door.let_in(1)
    door.answers = False
    door.goes(1)
    door.reboot(1000)
    assert len(left(door)) == 1


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
