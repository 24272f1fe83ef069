"""Coupons and draws: limits, chance, stock; and an auditor who computes all of it again."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import telemetry as tm
from edge.clock import ClockState
from edge.shake_answers import Outcome, Shaken, WhyEmpty
from edge.shop import Prize, RiskClass, Shop
from edge.store import draws
from tests.edge.coupons.given_coupons import DAY_MS, campaign
from tests.edge.shake import auditor
from tests.edge.shake.given_shake import Shakes, draw, shop
from tests.given import NOON_MS

SURE = (Prize(campaign="milk", chance_ppm=1_000_000),)


def box(**changes: object) -> Shop:
    """A draw that all win, unless told otherwise; no cool-down."""
    return shop(draws=(draw(**({"prizes": SURE} | changes)),), shake_cooldown_s=0, shakes_per_day=0)


def empty(answer: Shaken) -> WhyEmpty | None:
    assert answer.outcome is Outcome.EMPTY, answer
    assert answer.coupon is None
    return answer.why_empty


def test_a_page_with_a_campaign_brings_its_coupon() -> None:
    shake = Shakes.open()
    answer = shake.shaken("counter", shopper="anna")
    assert answer.outcome is Outcome.COUPON
    assert answer.coupon is not None
    holder, key = shake.tx.db.execute("SELECT holder, request_key FROM coupon").fetchone()
    assert (holder, key) == ("anna", f"shake/{answer.shake}")
    (issued,) = shake.tx.news(tm.CouponIssued)
    assert isinstance(issued, tm.CouponIssued)
    assert (issued.via, issued.serial) == ("shake", answer.coupon.serial)
    assert shake.tx.news(tm.DrawWon) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"stock": 0}, WhyEmpty.SOLD_OUT),
        ({"per_member": 1}, WhyEmpty.LIMIT_REACHED),
        ({"ends_ms": NOON_MS - 1}, WhyEmpty.CAMPAIGN_OVER),
        ({"risk": RiskClass.ONLINE}, WhyEmpty.OTHER),
        ({"id": "another"}, WhyEmpty.OTHER),
    ],
)
def test_a_coupon_that_cant_be_given_is_empty_and_costs_no_unit(changes: dict[str, object], why: WhyEmpty) -> None:
    units = 0 if "stock" in changes else 10
    shake = Shakes.open(units=units)
    if units:
        shake.shaken("counter", shopper="anna")
    before = shake.units()
    one = campaign(**({"per_member": 0} | changes))
    shake.tx.with_shop(campaigns={one.id: one})
    assert empty(shake.shaken("counter", shopper="anna")) is why
    assert shake.units() == before


def test_the_prizes_chances_lie_end_to_end() -> None:
    shake = Shakes.open(box(prizes=draw().prizes), units=1000)
    answers = [shake.shaken("wall", shopper=f"s{number}", wait_ms=0) for number in range(800)]
    seen = Counter(each.coupon.campaign if each.coupon else str(each.outcome) for each in answers)
    assert 120 < seen["milk"] < 200, seen
    assert 190 < seen["bread"] < 290, seen
    assert 350 < seen["lost"] < 450, seen
    news = [each.payload for each in shake.tx.told]
    assert auditor.faults(news, shake.tx.shop) == []
    wins = [each for each in news if isinstance(each, tm.DrawWon)]
    assert {each.below_ppm for each in wins} == {200_000, 500_000}
    assert shake.units("milk")["outstanding"] == seen["milk"]


def test_a_roll_wins_below_its_chance_and_not_at_it() -> None:
    seed = "ab" * 32
    roll = auditor.number(seed, "draw/lucky", 1_000_000)
    assert draws.won_in(draw(prizes=(Prize(campaign="milk", chance_ppm=roll),)), seed) is None
    just = draw(prizes=(Prize(campaign="milk", chance_ppm=roll), Prize(campaign="bread", chance_ppm=1)))
    assert draws.won_in(just, seed) == ("bread", roll, roll + 1)


def test_the_auditor_sees_what_is_not_honest() -> None:
    shake = Shakes.open(box(prizes=draw().prizes), units=1000)
    for number in range(60):
        shake.shaken("wall", shopper=f"s{number}", wait_ms=0)
    news = [each.payload for each in shake.tx.told if isinstance(each.payload, tm.ShakeMade | tm.DrawWon)]
    made = [each for each in news if isinstance(each, tm.ShakeMade)]
    lost, won = (next(each for each in made if each.outcome == how) for how in ("lost", "won"))
    told = next(each for each in news if isinstance(each, tm.DrawWon))
    for old, wrong in (
        (won, msgspec.structs.replace(won, outcome="lost")),
        (lost, msgspec.structs.replace(lost, outcome="won")),
        (won, msgspec.structs.replace(won, page="milk")),
        (won, msgspec.structs.replace(won, salt=won.salt + "!", secret=lost.secret)),
        (told, msgspec.structs.replace(told, roll_ppm=told.roll_ppm + 1)),
        (told, msgspec.structs.replace(told, shake="0" * 32)),
    ):
        assert auditor.faults([wrong if each is old else each for each in news], shake.tx.shop), wrong
    assert auditor.faults(list(news), shake.tx.shop, {won.shake: "00" * 32})
    assert auditor.faults(list(news), shake.tx.shop) == []


@pytest.mark.parametrize(
    "changes", [{"on": False}, {"starts_ms": NOON_MS + 1}, {"ends_ms": NOON_MS - 1}, {"id": "another"}]
)
def test_a_draw_that_is_closed_or_gone(changes: dict[str, object]) -> None:
    shake = Shakes.open(box(**changes))
    assert empty(shake.shaken("wall")) is WhyEmpty.DRAW_CLOSED
    assert shake.count("draw_try") == 0


def test_a_draw_opens_and_ends_at_its_moments() -> None:
    shake = Shakes.open(box(starts_ms=NOON_MS, ends_ms=NOON_MS + 1000))
    assert shake.shaken("wall", wait_ms=1000).outcome is Outcome.WON
    assert shake.shaken("wall", wait_ms=1).outcome is Outcome.WON
    assert empty(shake.shaken("wall")) is WhyEmpty.DRAW_CLOSED


def test_tries_of_a_day_and_only_of_who_took_part() -> None:
    shake = Shakes.open(box(tries_per_shopper_day=3, prizes=()))
    assert [shake.shaken("wall").outcome for _ in range(3)] == [Outcome.LOST] * 3
    assert empty(shake.shaken("wall")) is WhyEmpty.TRIES_USED
    assert shake.shaken("wall", shopper="bert").outcome is Outcome.LOST
    shake.at_ms += DAY_MS
    assert shake.shaken("wall").outcome is Outcome.LOST


def test_wins_of_a_shopper_are_remembered_longer_than_shakes() -> None:
    shake = Shakes.open(box(wins_per_shopper=3, ends_ms=NOON_MS + 90 * DAY_MS), units=5)
    assert [shake.shaken("wall").outcome for _ in range(3)] == [Outcome.WON] * 3
    assert empty(shake.shaken("wall")) is WhyEmpty.WINS_USED
    assert shake.shaken("wall", shopper="bert").outcome is Outcome.WON
    shake.later(40 * DAY_MS, ticks=2)
    assert shake.count("shake") == 0
    assert empty(shake.shaken("wall")) is WhyEmpty.WINS_USED


def test_wins_of_a_day_and_in_all() -> None:
    shake = Shakes.open(box(wins_per_day=2, wins=3))
    ask = iter(range(100))
    outcomes = [shake.shaken("wall", shopper=f"s{next(ask)}").outcome for _ in range(3)]
    assert outcomes == [Outcome.WON, Outcome.WON, Outcome.EMPTY]
    shake.at_ms += DAY_MS
    assert shake.shaken("wall", shopper=f"s{next(ask)}").outcome is Outcome.WON
    assert empty(shake.shaken("wall", shopper=f"s{next(ask)}")) is WhyEmpty.SOLD_OUT
    shake.at_ms += DAY_MS
    assert empty(shake.shaken("wall", shopper=f"s{next(ask)}")) is WhyEmpty.SOLD_OUT


def test_a_prize_that_is_out_is_no_win_and_no_other_prize() -> None:
    shake = Shakes.open(box(), units=2)
    outcomes = [shake.shaken("wall", shopper=f"s{number}").outcome for number in range(4)]
    assert outcomes == [Outcome.WON, Outcome.WON, Outcome.EMPTY, Outcome.EMPTY]
    assert len(shake.tx.news(tm.DrawWon)) == 2
    assert shake.units() == {"unallocated": 998, "outstanding": 2}
    shake.grant(units=1, seq=2)
    assert shake.shaken("wall", shopper="late").outcome is Outcome.WON, "who found it empty had not used the win up"
    assert shake.book().ok


def test_a_prize_whose_campaign_is_gone_is_empty() -> None:
    shake = Shakes.open(box(prizes=(Prize(campaign="gone", chance_ppm=1_000_000),)))
    assert empty(shake.shaken("wall")) is WhyEmpty.OTHER


def test_an_unset_clock_gives_no_dated_prize_where_the_shop_says_so() -> None:
    shake = Shakes.open(msgspec.structs.replace(box(), unset_clock="refuse"))
    shake.state = ClockState.UNSET
    assert empty(shake.shaken("wall")) is WhyEmpty.OTHER
    shake.state = ClockState.SYNCED
    assert shake.shaken("wall").outcome is Outcome.WON


@given(
    stock=st.integers(0, 12),
    chances=st.lists(st.integers(1, 500_000), min_size=1, max_size=2),
    wins=st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 6), st.integers(0, 3)),
    who=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["wall", "counter"])), max_size=40),
)
def test_whatever_is_shaken_stock_and_limits_hold(
    stock: int, chances: list[int], wins: tuple[int, int, int, int], who: list[tuple[str, str]]
) -> None:
    per_shopper, per_day, in_all, tries = wins
    prizes = tuple(Prize(campaign=name, chance_ppm=ppm) for name, ppm in zip(("milk", "bread"), chances, strict=False))
    limits = {"wins_per_shopper": per_shopper, "wins_per_day": per_day, "wins": in_all, "tries_per_shopper_day": tries}
    shake = Shakes.open(box(prizes=prizes, **limits), units=stock)
    answers = [(name, shake.shaken(at, shopper=name, wait_ms=0)) for name, at in who]
    winners = Counter(name for name, each in answers if each.outcome is Outcome.WON)
    assert winners.total() == len(shake.tx.news(tm.DrawWon)) <= (min(per_day or 99, in_all or 99))
    assert max(winners.values(), default=0) <= (per_shopper or 99)
    took_part = Counter(name for name, each in answers if each.outcome in {Outcome.WON, Outcome.LOST})
    assert max(took_part.values(), default=0) <= (tries or 99)
    report = shake.book()
    assert report.ok, report.faults
    given_out = Counter(each.coupon.campaign for _, each in answers if each.coupon)
    for name in ("milk", "bread"):
        assert shake.units(name).get("outstanding", 0) == given_out[name] <= stock
    assert auditor.faults([each.payload for each in shake.tx.told], shake.tx.shop) == []
    shake.tx.close()
