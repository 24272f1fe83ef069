"""Vouchers: so many minutes from the first use on, so many bytes together, so many devices at once."""

from __future__ import annotations

from edge import events as ev
from edge import telemetry as tm
from edge.access_answers import AccessRefusal, AccessWhy, LeftReason, VoucherBatch, Way
from edge.clock import ClockState
from edge.shop import Limit
from edge.store import vouchers
from tests.edge.store.given_access import DAY_MS, HOUR_MS, MINUTE_MS, Door, shop
from tests.given import NOON_MS

MEGABYTE = 1_000_000


def test_minutes_run_from_the_first_use_on_whoever_is_on() -> None:
    door = Door(shop(limit=Limit(minutes=1, day_minutes=1, megabytes=1)))  # of other ways
    door.makes("a", "b", minutes=60)
    door.later(5 * HOUR_MS)
    answer = door.let_in(1, voucher="a")
    assert (answer.way, answer.to_ms, answer.left_bytes) == (Way.VOUCHER, door.at_ms + HOUR_MS, None)
    door.later(20 * MINUTE_MS)
    door.goes(1)
    door.later(20 * MINUTE_MS)
    assert door.let_in(2, voucher="a").to_ms == door.at_ms + 20 * MINUTE_MS
    door.later(20 * MINUTE_MS)
    door.ticks()
    assert door.on() == set()
    assert door.refused(2, voucher="a").why is AccessWhy.VOUCHER_OVER
    assert door.let_in(2, voucher="b").to_ms == door.at_ms + HOUR_MS


def test_one_that_nobody_made_is_unknown_and_one_that_was_not_used_in_time_is_over() -> None:
    door = Door()
    door.makes("a", days=1)
    assert door.refused(1, voucher="x").why is AccessWhy.VOUCHER_UNKNOWN
    door.later(DAY_MS + 1)
    assert door.refused(1, voucher="a").why is AccessWhy.VOUCHER_OVER


def test_bytes_are_of_all_its_sessions() -> None:
    door = Door()
    door.makes("a", megabytes=1, devices=2)
    assert door.let_in(1, voucher="a").left_bytes == MEGABYTE
    door.counts((1, 200_000, 200_000))
    door.goes(1)
    assert door.let_in(2, voucher="a").left_bytes == 600_000
    assert door.let_in(3, voucher="a").left_bytes == 600_000
    door.counts((2, 300_000, 0), (3, 299_999, 0))
    assert door.on() == {2, 3}
    door.counts((3, 300_000, 0))
    assert door.on() == set()
    assert [one.reason for one in door.tx.news(tm.GuestLeft)] == ["logout", "bytes", "bytes"]  # type: ignore[attr-defined]
    assert door.refused(1, voucher="a").why is AccessWhy.VOUCHER_OVER


def test_a_device_that_is_used_keeps_its_place_and_a_silent_one_loses_it() -> None:
    door = Door()
    door.makes("a")
    door.let_in(1, voucher="a")
    door.later(60_000)
    door.counts((1, 1, 1))
    door.later(10_000)
    no = door.refused(2, voucher="a")
    assert (no.why, no.again_ms) == (AccessWhy.VOUCHER_BUSY, door.at_ms + 20_000)
    assert door.let_in(1, voucher="a")
    door.later(30_000)
    door.let_in(2, voucher="a")  # the same phone with another MAC, say
    assert door.on() == {2}


def test_a_voided_batch_is_worth_nothing_and_who_is_on_is_out() -> None:
    door = Door()
    door.makes("a", "b", devices=2)
    door.makes("c")
    for phone, code in ((1, "a"), (2, "a"), (3, "c")):
        door.let_in(phone, voucher=code)
    answer = door.handle(ev.VouchersVoided(at=door.now, batch="b-a"))
    assert isinstance(answer, VoucherBatch)
    assert (answer.voided, answer.count, answer.used) == (True, 2, 1)
    assert door.on() == {3}
    assert door.refused(1, voucher="b").why is AccessWhy.VOUCHER_OVER
    no = door.handle(ev.VouchersVoided(at=door.now, batch="nothing"))
    assert no == AccessRefusal(why=AccessWhy.VOUCHER_UNKNOWN)


def test_a_full_house_does_not_use_one_up() -> None:
    door = Door(shop(most_guests=1))
    door.makes("a", minutes=10)
    door.let_in(1)
    assert door.refused(2, voucher="a").why is AccessWhy.FULL
    door.later(HOUR_MS)
    door.goes(1)
    assert door.let_in(2, voucher="a").to_ms == door.at_ms + 10 * MINUTE_MS


def test_making_is_told_once_and_bounded() -> None:
    door = Door()
    first = door.makes("a", "b", minutes=30, megabytes=5, devices=2)
    assert first == door.makes("a", "z")
    assert first == VoucherBatch(
        batch="b-a", made_ms=NOON_MS, count=2, used=0, minutes=30, megabytes=5, devices=2,
        valid_to_ms=NOON_MS + 30 * DAY_MS, voided=False,
    )  # fmt: skip
    (news,) = door.tx.news(tm.VouchersMade)
    assert news == tm.VouchersMade(
        batch="b-a", count=2, minutes=30, megabytes=5, devices=2, valid_to_ms=NOON_MS + 30 * DAY_MS
    )
    for number in range(vouchers.MAX_VOUCHERS // 5000 - 1):
        door.makes(*(f"{number}-{each}" for each in range(5000)))
    assert door.makes(*(f"last-{each}" for each in range(5000))) == AccessRefusal(why=AccessWhy.FULL)
    assert isinstance(door.makes("one"), VoucherBatch)


def test_a_clock_that_is_set_uses_up_no_voucher() -> None:
    door = Door()
    door.makes("a", minutes=60)
    door.state = ClockState.UNSET
    door.let_in(1, voucher="a")
    door.later(10 * MINUTE_MS)
    door.goes(1)
    door.jump(9 * HOUR_MS)
    door.state = ClockState.SYNCED
    door.handle(ev.ClockAdjusted(at=door.now, delta_ms=9 * HOUR_MS))
    assert door.let_in(1, voucher="a").to_ms == door.at_ms + 50 * MINUTE_MS
    door.goes(1)
    door.reboot(20 * MINUTE_MS)
    assert door.let_in(1, voucher="a").to_ms == door.at_ms + 30 * MINUTE_MS


def test_what_is_long_over_is_forgotten() -> None:
    door = Door()
    door.makes(*(f"a{each}" for each in range(700)), minutes=60, days=1)
    door.makes("b", days=365)
    door.let_in(1, voucher="a1")
    door.goes(1, LeftReason.LOGOUT)
    door.later(DAY_MS + HOUR_MS + vouchers.KEEP_MS)
    door.ticks()
    assert door.refused(1, voucher="a1").why is AccessWhy.VOUCHER_OVER
    door.later(1)
    door.ticks()
    door.ticks()
    door.ticks()
    assert [each.batch for each in vouchers.batches(door.tx.db)] == ["b-b"]
    assert door.refused(1, voucher="a1").why is AccessWhy.VOUCHER_UNKNOWN


def test_a_round_of_coming_and_going_costs_what_it_used() -> None:
    door = Door()
    door.makes("a", megabytes=2)
    for used in (900_000, 900_000):
        door.let_in(1, voucher="a")
        door.uses(1, used)
        door.goes(1)
    assert door.let_in(1, voucher="a").left_bytes == 200_000
    door.uses(1, 50_000_000)
    door.goes(1)
    assert door.refused(1, voucher="a").why is AccessWhy.VOUCHER_OVER


def test_what_the_other_device_used_unseen_ends_who_took_its_place() -> None:
    door = Door()
    door.makes("a", megabytes=2)
    door.let_in(1, voucher="a")
    door.later(31_000)
    door.uses(1, 5_000_000)
    door.comes(2, voucher="a")
    assert door.on() == set()
    assert door.refused(1, voucher="a").why is AccessWhy.VOUCHER_OVER


def test_to_go_on_by_another_way_leaves_the_voucher_what_was_used_by_it() -> None:
    door = Door()
    door.makes("a", megabytes=2)
    for _ in range(3):
        if isinstance(door.comes(1, voucher="a"), AccessRefusal):
            break
        door.uses(1, 1_000_000)
        door.let_in(1)
    assert door.on() == {1}
    assert door.refused(1, voucher="a").why is AccessWhy.VOUCHER_OVER
    assert door.standing(1).down_bytes == 0


def test_a_batch_that_is_voided_has_used_what_it_used() -> None:
    door = Door()
    door.makes("a", megabytes=2)
    door.let_in(1, voucher="a")
    door.uses(1, 1_500_000)
    door.handle(ev.VouchersVoided(at=door.now, batch="b-a"))
    found = vouchers.voucher(door.tx.db, "a")
    assert found is not None
    assert found.used_bytes == 1_500_000
