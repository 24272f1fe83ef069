"""reserve → commit | release as dialogues: every refusal, and the same answer for the same key."""

from __future__ import annotations

import pytest

from edge import telemetry as tm
from edge.clock import ClockState
from edge.coupon_answers import AnyAnswer, Redeemed, Refused, Released, Reserved, Why
from edge.shop import CouponKind, RiskClass, Shop
from tests.edge.coupons.given_coupons import DAY_MS, Dialogue, budget_campaign, campaign
from tests.given import NOON_MS


def why(answer: AnyAnswer) -> Why:
    assert isinstance(answer, Refused), answer
    return answer.why


def test_a_coupon_is_redeemed_once_and_the_cloud_is_told_once() -> None:
    shop = Dialogue.start()
    serial = shop.issued()
    held = shop.reserve(serial)
    assert isinstance(held, Reserved)
    assert held.until_ms == NOON_MS + 120_000
    assert held.terms.value == 300
    done = shop.commit(value_fen=300)
    assert done == Redeemed(key="t1/r1/1", serial=serial, campaign="milk", at_ms=NOON_MS, value_fen=300)
    assert shop.units() == {"unallocated": 990, "available": 9, "redeemed": 1}
    (news,) = shop.tx.news(tm.CouponRedeemed)
    assert news.ledger_hash == shop.book().head.hash  # type: ignore[attr-defined]


def test_the_same_key_hears_the_same_for_ever() -> None:
    shop = Dialogue.start()
    serial = shop.issued()
    answers = [shop.reserve(serial), shop.commit(value_fen=250)]
    shop.later(3 * DAY_MS)
    assert [shop.reserve(serial), shop.commit(value_fen=250)] == answers
    assert why(shop.commit(value_fen=251)) is Why.KEY_REUSED
    assert why(shop.reserve(shop.issued())) is Why.KEY_REUSED
    assert why(shop.reserve(serial, value_fen=1)) is Why.KEY_REUSED
    assert why(shop.reserve(serial, holder="member-x")) is Why.KEY_REUSED
    no = shop.reserve(serial, "t2/r9/1")
    assert no == Refused(why=Why.USED, at_ms=NOON_MS, place="t1")
    shop.later(DAY_MS)
    assert shop.reserve(serial, "t2/r9/1") == no
    assert shop.commit("t2/r9/1") == no


def test_while_one_till_holds_it_another_is_told_until_when() -> None:
    shop = Dialogue.start()
    serial = shop.issued()
    shop.reserve(serial)
    assert shop.reserve(serial, "t2/r1/1") == Refused(why=Why.RESERVED_ELSEWHERE, at_ms=NOON_MS + 120_000, place="t1")
    shop.release()
    assert isinstance(shop.reserve(serial, "t2/r1/2"), Reserved)


def test_release_gives_it_back_and_is_the_same_for_ever() -> None:
    shop = Dialogue.start()
    serial = shop.issued()
    shop.reserve(serial)
    released = shop.release()
    assert released == Released(key="t1/r1/1", at_ms=NOON_MS)
    shop.later(5000)
    assert shop.release() == released
    assert why(shop.commit()) is Why.RELEASED
    assert shop.reserve(serial) == Refused(why=Why.RELEASED, at_ms=NOON_MS)
    assert isinstance(shop.reserve(serial, "t1/r1/2"), Reserved)
    shop.commit("t1/r1/2")
    assert why(shop.release("t1/r1/2")) is Why.USED


@pytest.mark.parametrize("swept", [True, False])
def test_a_hold_lapses_and_a_late_commit_is_taken_if_nobody_took_the_coupon(*, swept: bool) -> None:
    shop = Dialogue.start()
    first, second = shop.issued(), shop.issued()
    shop.reserve(first, "t1/r1/1")
    shop.reserve(second, "t1/r2/1")
    if swept:
        shop.later(121_000)
    else:
        shop.at_ms += 121_000
    assert isinstance(shop.reserve(second, "t2/r1/1"), Reserved)
    assert isinstance(shop.commit("t1/r1/1"), Redeemed)
    assert why(shop.commit("t1/r2/1")) is Why.RESERVED_ELSEWHERE
    assert isinstance(shop.commit("t2/r1/1"), Redeemed)
    assert why(shop.commit("t1/r2/1")) is Why.USED
    assert shop.units()["redeemed"] == 2


def test_a_hold_outlives_a_reboot_by_the_wall_clock() -> None:
    shop = Dialogue.start()
    serial = shop.issued()
    shop.reserve(serial)
    shop.boot_id = "boot1"
    shop.later(60_000)
    assert why(shop.reserve(serial, "t2/r/1")) is Why.RESERVED_ELSEWHERE
    shop.later(61_000)
    assert isinstance(shop.reserve(serial, "t2/r/2"), Reserved)


def test_a_key_belongs_to_its_till() -> None:
    shop = Dialogue.start()
    shop.reserve(shop.issued())
    assert why(shop.commit("t2/r1/1")) is Why.RESERVATION_UNKNOWN
    assert why(shop.release("t9/r1/1")) is Why.RESERVATION_UNKNOWN


def test_dates_are_held_to() -> None:
    shop = Dialogue.start(campaign(starts_ms=NOON_MS + DAY_MS))
    serial = shop.issued()
    assert shop.reserve(serial, "t1/a/1") == Refused(why=Why.NOT_YET, at_ms=NOON_MS + DAY_MS)
    shop.later(DAY_MS)
    assert isinstance(shop.reserve(serial, "t1/a/2"), Reserved)
    shop.release("t1/a/2")
    shop.at_ms = NOON_MS + 31 * DAY_MS
    assert why(shop.reserve(serial, "t1/a/3")) is Why.EXPIRED
    shop.later(1)
    assert why(shop.reserve(serial, "t1/a/4")) is Why.EXPIRED
    assert shop.units() == {"unallocated": 999, "expired": 1}


def test_an_unset_clock_knows_what_is_past_but_not_what_is_future() -> None:
    one = campaign(starts_ms=NOON_MS + DAY_MS)
    shop = Dialogue.start(one)
    serial = shop.issued()
    shop.state = ClockState.UNSET
    assert why(shop.reserve(serial, "t1/a/1")) is Why.CLOCK_UNSURE
    shop.at_ms += DAY_MS
    assert isinstance(shop.reserve(serial, "t1/a/2"), Reserved)
    shop.release("t1/a/2")
    shop.tx.with_shop(unset_clock="refuse")
    assert why(shop.reserve(serial, "t1/a/3")) is Why.CLOCK_UNSURE
    shop.at_ms += 30 * DAY_MS
    assert why(shop.reserve(serial, "t1/a/4")) is Why.EXPIRED


def test_a_coupon_of_somebody_else_is_refused() -> None:
    shop = Dialogue.start()
    serial = shop.issued(holder="member-wang")
    assert why(shop.reserve(serial, "t1/a/1", holder="member-li")) is Why.WRONG_MEMBER
    assert isinstance(shop.reserve(serial, "t1/a/3", holder="member-wang"), Reserved)
    nameless = shop.issued(holder="wallet-7")
    assert isinstance(shop.reserve(nameless, "t1/a/4", holder="member-li"), Reserved), "a browser is nobody's name"


def test_a_campaign_that_was_removed_or_ended_takes_no_more() -> None:
    shop = Dialogue.start()
    first, second = shop.issued(), shop.issued()
    shop.reserve(first)
    shop.tx.with_shop(campaigns={})
    assert why(shop.reserve(second, "t1/a/2")) is Why.CAMPAIGN_OVER
    assert isinstance(shop.commit(value_fen=300), Redeemed), "the hold was given, so it stands"
    shop.tx.with_shop(campaigns={"milk": campaign(ends_ms=NOON_MS - 1)})
    assert why(shop.reserve(second, "t1/a/3")) is Why.CAMPAIGN_OVER
    shop.tx.with_shop(campaigns={"milk": campaign(risk=RiskClass.ONLINE)})
    assert why(shop.reserve(second, "t1/a/4")) is Why.ONLINE_ONLY


def test_no_more_is_taken_off_than_it_is_worth() -> None:
    shop = Dialogue.start()
    serial = shop.issued()
    assert why(shop.reserve(serial, "t1/a/1", value_fen=301)) is Why.VALUE_TOO_HIGH
    shop.reserve(serial, "t1/a/2")
    assert why(shop.commit("t1/a/2", value_fen=301)) is Why.VALUE_TOO_HIGH
    assert isinstance(shop.commit("t1/a/2", value_fen=300), Redeemed), "a refused commit changed nothing"


def test_percent_off_counts_against_the_cap_when_it_is_used() -> None:
    shop = Dialogue.start(campaign(kind=CouponKind.DISCOUNT, value=200), value_cap_fen=1000)
    serials = [shop.issued() for _ in range(3)]
    assert isinstance(shop.reserve(serials[0], "t1/a/1", value_fen=600), Reserved)
    assert why(shop.reserve(serials[1], "t1/a/2", value_fen=600)) is Why.BUDGET_SPENT
    assert isinstance(shop.commit("t1/a/1", value_fen=500), Redeemed)
    assert isinstance(shop.reserve(serials[1], "t1/a/3", value_fen=500), Reserved)
    assert why(shop.commit("t1/a/3", value_fen=501)) is Why.BUDGET_SPENT
    shop.release("t1/a/3")
    assert isinstance(shop.reserve(serials[2], "t1/a/4", value_fen=500), Reserved), "released money is free again"
    shop.later(121_000)
    assert isinstance(shop.reserve(serials[1], "t1/a/5", value_fen=500), Reserved), "so is lapsed money"


def foreign(shop: Dialogue, serial: str, key: str, **more: object) -> AnyAnswer:
    validity = {"from_ms": NOON_MS - DAY_MS, "to_ms": NOON_MS + DAY_MS}
    return shop.reserve(serial, key, **(validity | {"issued_here": False} | more))


def test_risk_class_a_is_good_only_at_home() -> None:
    shop = Dialogue.start()
    assert why(shop.reserve(shop.fresh(), "t1/a/1")) is Why.UNKNOWN
    assert why(foreign(shop, shop.fresh(), "t1/a/2")) is Why.WRONG_STORE
    assert why(foreign(shop, shop.fresh(), "t1/a/3", campaign="none")) is Why.WRONG_STORE


def test_risk_class_b_is_good_anywhere_until_the_offline_budget_is_spent() -> None:
    shop = Dialogue.start(budget_campaign())
    mine = shop.issued()
    first, second, third = shop.fresh(), shop.fresh(), shop.fresh()
    assert isinstance(foreign(shop, first, "t1/a/1"), Reserved)
    assert isinstance(shop.commit("t1/a/1", value_fen=300), Redeemed)
    assert why(foreign(shop, first, "t1/a/2")) is Why.USED
    assert isinstance(foreign(shop, second, "t1/a/3"), Reserved)
    assert why(foreign(shop, third, "t1/a/4")) is Why.BUDGET_SPENT, "a hold counts too"
    shop.release("t1/a/3")
    assert isinstance(foreign(shop, third, "t1/a/5"), Reserved)
    assert isinstance(shop.commit("t1/a/5", value_fen=300), Redeemed)
    assert why(foreign(shop, second, "t1/a/6")) is Why.BUDGET_SPENT
    assert isinstance(shop.reserve(mine, "t1/a/7"), Reserved), "the budget is for coupons of other shops"
    assert shop.units() == {"unallocated": 990, "available": 9, "outstanding": 1, "honoured": 2}


def test_risk_class_b_may_be_limited_in_money_too() -> None:
    shop = Dialogue.start(budget_campaign(budget_units=10, budget_fen=500))
    assert isinstance(foreign(shop, shop.fresh(), "t1/a/1", value_fen=300), Reserved)
    assert why(foreign(shop, shop.fresh(), "t1/a/2", value_fen=300)) is Why.BUDGET_SPENT
    shop.commit("t1/a/1", value_fen=300)
    assert isinstance(foreign(shop, shop.fresh(), "t1/a/3", value_fen=200), Reserved)
    assert why(foreign(shop, shop.fresh(), "t1/a/4", to_ms=NOON_MS - 1)) is Why.EXPIRED


def test_unset_reserve_time_comes_from_the_shop() -> None:
    one = campaign()
    shop = Dialogue.start(shop=Shop(campaigns={one.id: one}, reserve_s=10))
    held = shop.reserve(shop.issued())
    assert isinstance(held, Reserved)
    assert held.until_ms == NOON_MS + 10_000
