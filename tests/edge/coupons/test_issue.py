"""Grants and issuing: given these events, expect these answers and this book."""

from __future__ import annotations

import pytest

from edge import telemetry as tm
from edge.clock import ClockState
from edge.coupon_answers import AnyAnswer, Granted, Issued, Refused, Voided, Why
from edge.shop import CouponKind, RiskClass, Shop
from tests.edge.coupons.given_coupons import DAY_MS, Dialogue, campaign
from tests.given import NOON_MS


def why(answer: AnyAnswer) -> Why:
    assert isinstance(answer, Refused), answer
    return answer.why


def test_a_grant_moves_units_and_a_repeat_moves_none() -> None:
    shop = Dialogue.start(units=0)
    first = shop.grant(units=7)
    assert first == Granted(grant_id="g-milk-1", campaign="milk", units=7, available=7)
    assert shop.grant(units=7) == first
    assert shop.units() == {"unallocated": 993, "available": 7}


def test_a_grant_that_is_not_right_moves_nothing() -> None:
    shop = Dialogue.start()
    assert why(shop.grant(campaign="none", units=1)) is Why.CAMPAIGN_UNKNOWN
    assert why(shop.grant(units=9)) is Why.GRANT_CHANGED
    assert why(shop.grant(units=9, grant_id="other")) is Why.GRANT_CHANGED
    assert why(shop.grant(units=991, seq=2)) is Why.GRANT_OVER_STOCK
    assert why(shop.grant(units=1, seq=2, not_after_ms=NOON_MS - 1)) is Why.GRANT_EXPIRED
    assert shop.units() == {"unallocated": 990, "available": 10}


def test_a_coupon_is_issued_once_for_one_request() -> None:
    shop = Dialogue.start()
    first = shop.ask("k1", holder="h")
    assert isinstance(first, Issued)
    shop.later(DAY_MS)
    assert shop.ask("k1", holder="h") == first
    assert why(shop.ask("k1", holder="another")) is Why.KEY_REUSED
    assert shop.units()["outstanding"] == 1
    assert len(shop.tx.news(tm.CouponIssued)) == 1


def test_a_holder_gets_no_more_than_the_campaign_says_and_a_voided_one_does_not_count() -> None:
    shop = Dialogue.start()
    first = shop.issued(holder="h")
    shop.issued(holder="h")
    assert why(shop.ask(holder="h")) is Why.LIMIT_REACHED
    assert isinstance(shop.ask(holder="another"), Issued)
    shop.void(first)
    assert isinstance(shop.ask(holder="h"), Issued)


def test_no_more_are_issued_than_granted() -> None:
    shop = Dialogue.start(units=2)
    shop.issued()
    shop.issued()
    assert why(shop.ask()) is Why.NONE_LEFT
    assert isinstance(shop.grant(units=1, seq=2), Granted)
    shop.issued()
    assert shop.units() == {"unallocated": 997, "outstanding": 3}


def test_a_cash_coupon_takes_its_value_from_the_cap() -> None:
    shop = Dialogue.start(value_cap_fen=700)
    shop.issued()
    shop.issued()
    assert why(shop.ask()) is Why.BUDGET_SPENT


@pytest.mark.parametrize(
    ("changes", "via", "expected"),
    [
        ({"self_serve": False}, "wallet", Why.NOT_SELF_SERVE),
        ({"starts_ms": 1, "ends_ms": NOON_MS - 1}, "cli", Why.CAMPAIGN_OVER),
        ({"risk": RiskClass.ONLINE}, "cli", Why.ONLINE_ONLY),
    ],
)
def test_what_is_not_issued(changes: dict[str, object], via: str, expected: Why) -> None:
    shop = Dialogue.start(campaign(**changes))
    assert why(shop.ask(via=via)) is expected
    assert why(shop.ask(campaign="none")) is Why.CAMPAIGN_UNKNOWN
    refused = shop.tx.news(tm.CouponRefused)
    assert [each.reason for each in refused] == [expected, Why.CAMPAIGN_UNKNOWN]  # type: ignore[attr-defined]


def test_an_unset_clock_issues_only_where_the_shop_says_so() -> None:
    one = campaign()
    careful = Dialogue.start(shop=Shop(campaigns={one.id: one}, unset_clock="refuse"))
    careful.state = ClockState.UNSET
    assert why(careful.ask()) is Why.CLOCK_UNSURE
    relaxed = Dialogue.start()
    relaxed.state = ClockState.UNSET
    assert isinstance(relaxed.ask(), Issued)


def test_a_coupons_days_end_with_a_day_of_the_shop_and_never_after_the_campaign() -> None:
    # NOON_MS is 2026-11-18 23:06:40 UTC+8
    week = Dialogue.start(campaign(valid_days=7)).ask()
    assert isinstance(week, Issued)
    assert week.from_ms == NOON_MS
    assert (week.to_ms + 1 + 8 * 3_600_000) % DAY_MS == 0
    assert 7 * DAY_MS < week.to_ms - NOON_MS <= 8 * DAY_MS
    long = Dialogue.start(campaign(valid_days=300)).ask()
    assert isinstance(long, Issued)
    assert long.to_ms == NOON_MS + 30 * DAY_MS


def test_what_was_not_issued_in_time_is_the_clouds_again() -> None:
    shop = Dialogue.start(not_after_ms=NOON_MS + 1000)
    shop.issued()
    shop.later(2000)
    assert shop.units() == {"unallocated": 999, "outstanding": 1}
    assert why(shop.ask()) is Why.NONE_LEFT


def test_one_serial_is_withdrawn_at_once() -> None:
    shop = Dialogue.start()
    serial = shop.issued()
    assert shop.void(serial) == Voided(campaign="milk", units=1)
    assert shop.void(serial) == Voided(campaign="milk", units=1)
    assert why(shop.reserve(serial)) is Why.VOIDED
    assert shop.units() == {"unallocated": 990, "available": 9, "voided": 1}


def test_a_whole_campaign_is_refused_at_once_and_ends_little_by_little() -> None:
    shop = Dialogue.start(campaign(per_member=0), units=300)
    serials = [shop.issued() for _ in range(250)]
    shop.reserve(serials[3])
    assert shop.void() == Voided(campaign="milk", units=250)
    assert why(shop.reserve(serials[-1], "t2/r/1")) is Why.VOIDED
    assert why(shop.commit()) is Why.VOIDED
    shop.later(1000)
    assert shop.units()["voided"] == 100
    shop.later(1000, ticks=2)
    assert shop.units() == {"unallocated": 700, "available": 50, "voided": 250}
    assert isinstance(shop.reserve(shop.issued(), "t3/r/1"), object)
    assert not isinstance(shop.reserve(shop.issued(), "t4/r/1"), Refused)


def test_a_serial_of_another_shop_can_be_withdrawn_here_too() -> None:
    shop = Dialogue.start()
    serial = shop.fresh()
    shop.void(serial)
    assert why(shop.reserve(serial, issued_here=False)) is Why.VOIDED
    assert shop.units() == {"unallocated": 990, "available": 10}


def test_coupons_expire_a_hundred_a_tick() -> None:
    shop = Dialogue.start(campaign(per_member=0, kind=CouponKind.GIFT, value=0), units=150)
    for _ in range(150):
        shop.issued()
    shop.later(31 * DAY_MS)
    assert shop.units()["expired"] == 100
    shop.later(1000)
    assert shop.units() == {"unallocated": 850, "expired": 150}
    assert len(shop.tx.news(tm.CouponEnded)) == 150
