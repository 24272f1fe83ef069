"""Which page a shake gets, and who is told no: given these events, expect these answers, rows and news."""

from __future__ import annotations

import pytest

from edge import events as ev
from edge import telemetry as tm
from edge.events import Via
from edge.shake_answers import Outcome, Shaken, ShakeRefusal, ShakeWhy
from edge.shop import Bound, CarriedBy
from tests.edge.coupons.given_coupons import DAY_MS, HOUR_MS
from tests.edge.shake import auditor
from tests.edge.shake.given_shake import COOLDOWN_MS, Shakes, beacon, page, shop
from tests.given import NOON_MS

MIDNIGHT_MS = (NOON_MS + 8 * HOUR_MS) // DAY_MS * DAY_MS + DAY_MS - 8 * HOUR_MS
"""Of Shanghai, after NOON_MS."""


def test_the_nearest_beacon_with_a_page_wins() -> None:
    shake = Shakes.open()
    first = shake.shaken("door", "shelf")
    assert (first.beacon, first.zone, first.page, first.outcome) == ("door", "entrance", "welcome", Outcome.PAGE)
    assert first.ticket_to_ms == NOON_MS + 1_800_000
    assert shake.shaken("bare", "door").beacon == "door", "one without a page is passed over"
    assert shake.shaken("torn", "door").beacon == "door", "and so is one whose only page is gone"
    assert shake.shaken("cart", "shelf").beacon == "shelf", "and a cart, which is no place"
    assert shake.shaken("never-heard-of", "counter").beacon == "counter"


@pytest.mark.parametrize("heard", [("bare",), ("torn",), ("cart",), ("nobody-knows",), ()])
def test_a_place_without_a_page_has_nothing(heard: tuple[str, ...]) -> None:
    shake = Shakes.open()
    assert shake.why(*heard) is ShakeWhy.NOTHING_HERE
    assert shake.tx.news(tm.ShakeRefused) == [tm.ShakeRefused(why="nothing_here", via="beacon")]
    assert isinstance(shake.shake("door"), Shaken), "and costs no cool-down"


def test_a_zone_has_the_pages_of_what_hangs_in_it() -> None:
    shake = Shakes.open()
    seen = {shake.shaken(zone="dairy").page for _ in range(60)}
    assert seen == {"milk", "cheese", "wheel"}
    answer = shake.shaken(zone="till", via=Via.ZONE_CODE)
    assert (answer.beacon, answer.zone, answer.page) == (None, "till", "gift")
    assert shake.why(zone="roof") is ShakeWhy.NOTHING_HERE
    assert shake.why(zone="cellar") is ShakeWhy.NOTHING_HERE


def test_a_kiosk_without_a_zone_stands_for_the_whole_shop() -> None:
    shake = Shakes.open()
    answers = [shake.shaken(via=Via.KIOSK, station="kiosk-1") for _ in range(80)]
    assert {each.page for each in answers} == {"welcome", "milk", "cheese", "wheel", "gift"}
    assert {each.zone for each in answers} == {None}


def test_several_pages_come_by_their_weights() -> None:
    pages = (page("a"), page("b"), page("c"))
    bound = (Bound(page="a", weight=1), Bound(page="gone", weight=1000), Bound(page="b", weight=8), Bound(page="c"))
    shake = Shakes.open(shop(beacon("one", 1, *bound), pages=pages, shake_cooldown_s=0, shakes_per_day=0))
    seen = [shake.shaken("one").page for _ in range(1000)]
    assert 750 < seen.count("b") < 850
    assert 60 < seen.count("a") < 140
    assert auditor.faults([each.payload for each in shake.tx.told], shake.tx.shop) == []


def test_one_nonce_is_one_shake_for_ever() -> None:
    shake = Shakes.open()
    first = shake.shaken("counter", nonce="n1")
    assert first.coupon is not None
    told = len(shake.tx.told)
    shake.at_ms += 20 * DAY_MS
    for heard in (("counter",), ("door",), ()):  # it has moved meanwhile
        assert shake.shake(*heard, nonce="n1") == first
    assert len(shake.tx.told) == told
    assert shake.units()["outstanding"] == 1


def test_somebody_elses_nonce_is_replayed() -> None:
    shake = Shakes.open()
    first = shake.shaken("door", nonce="n1")
    assert shake.why("door", nonce="n1", shopper="bert") is ShakeWhy.REPLAYED
    assert shake.tx.news(tm.ShakeRefused) == [tm.ShakeRefused(why="replayed", via="beacon")]
    assert shake.shake("door", nonce="n1") == first
    assert isinstance(shake.shake("door", shopper="bert"), Shaken), "and Bert may shake for himself"


def test_cool_down_is_per_shopper_and_a_refusal_changes_nothing() -> None:
    shake = Shakes.open()
    shake.shaken("door", wait_ms=COOLDOWN_MS - 1)
    again = ShakeRefusal(why=ShakeWhy.TOO_SOON, again_ms=NOON_MS + COOLDOWN_MS)
    assert shake.shake("door", nonce="n2") == again
    assert isinstance(shake.shake("door", shopper="bert"), Shaken)
    shake.at_ms += 1
    assert isinstance(shake.shake("door", nonce="n2"), Shaken), "the nonce was not used up"
    assert len(shake.tx.news(tm.ShakeMade)) == 3


def test_a_day_of_the_shop_has_so_many_shakes_and_the_next_begins_at_its_midnight() -> None:
    shake = Shakes.open(shop(shakes_per_day=3, shake_cooldown_s=0))
    for _ in range(3):
        shake.shaken("door")
    assert shake.shake("door") == ShakeRefusal(why=ShakeWhy.DAY_FULL, again_ms=MIDNIGHT_MS)
    assert isinstance(shake.shake("door", shopper="bert"), Shaken)
    shake.at_ms = MIDNIGHT_MS - 1
    assert shake.why("door") is ShakeWhy.DAY_FULL
    shake.at_ms = MIDNIGHT_MS
    assert isinstance(shake.shake("door"), Shaken)


def test_no_limits_where_none_are_set() -> None:
    shake = Shakes.open(shop(shakes_per_day=0, shake_cooldown_s=0))
    for _ in range(300):
        shake.shaken("door", wait_ms=0)
    assert shake.count("shake") == 300


def test_what_the_cloud_hears_names_no_shopper() -> None:
    shake = Shakes.open()
    answer = shake.shaken("door", shopper="wallet-0123456789abcdef")
    (news,) = shake.tx.news(tm.ShakeMade)
    assert isinstance(news, tm.ShakeMade)
    assert (news.shake, news.beacon, news.zone, news.page, news.outcome) == (
        answer.shake, "door", "entrance", "welcome", "page",
    )  # fmt: skip
    assert "wallet-" not in repr(shake.tx.told)


def test_what_the_desk_refused_is_told() -> None:
    shake = Shakes.open()
    shake.say(ev.ShakeRefused(at=shake.now, why="forged", via=Via.BEACON))
    assert shake.tx.news(tm.ShakeRefused) == [tm.ShakeRefused(why="forged", via="beacon")]
    assert shake.count("shake") == 0


def test_documents_may_change_between_a_shake_and_its_repeat() -> None:
    shake = Shakes.open()
    first = shake.shaken("door", nonce="n1")
    shake.tx.with_shop(beacons={}, pages={}, draws={})
    assert shake.shake("door", nonce="n1") == first
    assert shake.open_page(first.shake) is True
    assert shake.why("door") is ShakeWhy.NOTHING_HERE


def test_a_beacon_that_began_to_be_carried_is_no_place_any_more() -> None:
    shake = Shakes.open()
    carried = beacon("door", 1, "welcome", zone="entrance", carried_by=CarriedBy.STAFF)
    shake.tx.with_shop(beacons={"door": carried})
    assert shake.why("door") is ShakeWhy.NOTHING_HERE
    assert shake.why(zone="entrance") is ShakeWhy.NOTHING_HERE
