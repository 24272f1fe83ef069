"""Given guests who come, go, use up and are counted, expect who is on, and what the cloud is told."""

from __future__ import annotations

import pytest

from edge import events as ev
from edge import telemetry as tm
from edge.access_answers import AccessWhy, LeftReason, Way
from edge.shop import Hours, Limit
from edge.store import access, access_ended, access_rows
from tests.edge.store.given_access import DAY_MS, HOUR_MS, MINUTE_MS, Door, left, shop
from tests.given import NOON_MS

MEGABYTE = 1_000_000


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
