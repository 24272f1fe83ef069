"""After a shake: its page is opened, its ticket exchanged, figures are asked for, and it is forgotten."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge import events as ev
from edge import telemetry as tm
from edge.shake_answers import Exchanged, TicketWrong
from edge.store import shake as rules
from edge.store import shake_rows, shake_stats
from tests.edge.coupons.given_coupons import DAY_MS, HOUR_MS
from tests.edge.shake.given_shake import Shakes, beacon, shop
from tests.edge.shake.test_rules import MIDNIGHT_MS

TODAY = date(2026, 11, 18)


def test_a_page_is_shown_once_a_shake() -> None:
    shake = Shakes.open()
    made = shake.shaken("door")
    assert shake.open_page("0" * 32) is False
    assert [shake.open_page(made.shake) for _ in range(3)] == [True] * 3
    assert shake.tx.news(tm.PageShown) == [
        tm.PageShown(shake=made.shake, page="welcome", beacon="door", zone="entrance")
    ]
    (stat,) = shake_stats.page(shake.tx.db, "welcome", TODAY, TODAY)
    assert (stat.shake_pv, stat.shake_uv, stat.click_pv, stat.click_uv) == (1, 1, 1, 1)


def test_a_ticket_is_exchanged_once_and_again_for_a_minute() -> None:
    shake = Shakes.open()
    made_ms = shake.at_ms
    made = shake.shaken("bare", "door", shopper="anna")
    told = Exchanged(page="welcome", beacon="door", zone="entrance", distance_m=2.5, shopper="anna", at_ms=made_ms)
    assert shake.exchange(made.shake) == told
    shake.at_ms += 60_000
    assert shake.exchange(made.shake) == told
    shake.at_ms += 1
    assert shake.exchange(made.shake) == TicketWrong()
    assert shake.exchange("0" * 32) == TicketWrong()


def test_a_ticket_has_its_time() -> None:
    shake = Shakes.open(shop(ticket_s=600, shake_cooldown_s=0))
    first, second = shake.shaken("door", wait_ms=0), shake.shaken("door", wait_ms=0)
    shake.at_ms += 600_000
    assert isinstance(shake.exchange(first.shake), Exchanged)
    shake.at_ms += 1
    assert shake.exchange(second.shake) == TicketWrong()
    assert isinstance(shake.exchange(first.shake), Exchanged), "its first answer may have been lost"


def test_figures_are_of_the_shops_day() -> None:
    shake = Shakes.open()
    shake.at_ms = MIDNIGHT_MS - 1
    made = shake.shaken("door", wait_ms=1)
    shake.open_page(made.shake)
    shake.shaken("door", shopper="bert")
    first, second = shake_stats.device(shake.tx.db, "door", TODAY, TODAY + timedelta(days=1))
    assert (first.day, first.shake_pv, first.click_pv) == (TODAY, 1, 0)
    assert (second.day, second.shake_pv, second.click_pv) == (TODAY + timedelta(days=1), 1, 1)
    assert shake_stats.device(shake.tx.db, "door", TODAY, TODAY) == (first,)
    assert shake_stats.device(shake.tx.db, "shelf", TODAY, TODAY) == ()


def test_lists_of_a_day_have_pages_the_most_shaken_first() -> None:
    beacons = tuple(beacon(f"b{number:03}", number, "welcome") for number in range(120))
    shake = Shakes.open(shop(*beacons, shake_cooldown_s=0, shakes_per_day=0))
    for number, one in enumerate(beacons):
        for shopper in range(1 + number % 3):
            shake.shaken(one.id, shopper=f"s{shopper}", wait_ms=0)
    lists = [shake_stats.devices(shake.tx.db, TODAY, index) for index in (1, 2, 3, 4)]
    assert [len(each.rows) for each in lists] == [50, 50, 20, 0]
    assert {each.total_count for each in lists} == {120}
    uv = [row.shake_uv for each in lists for row in each.rows]
    assert uv == sorted(uv, reverse=True)
    assert len({row.name for each in lists for row in each.rows}) == 120
    (only,) = shake_stats.pages(shake.tx.db, TODAY).rows
    assert (only.name, only.shake_pv, only.shake_uv) == ("welcome", 240, 3)
    assert shake_stats.pages(shake.tx.db, TODAY - timedelta(days=1)).rows == ()
    assert shake_stats.devices(shake.tx.db, TODAY, 0) == shake_stats.devices(shake.tx.db, TODAY, -7)


STEPS = st.one_of(
    st.tuples(st.just("shake"), st.sampled_from("abc"), st.sampled_from(["door", "shelf", "wall", "", "bare"])),
    st.tuples(st.just("open"), st.integers(0, 30), st.integers(1, 2)),
    st.tuples(st.just("again"), st.integers(0, 30), st.just(0)),
    st.tuples(st.just("later"), st.sampled_from([1, 3, 11, 30]), st.integers(0, 3)),
    st.tuples(st.just("fault"), st.integers(0, 1), st.just(0)),
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(STEPS, max_size=60))
def test_figures_are_exact_whatever_comes_in_whatever_order(steps: list[tuple[str, object, object]]) -> None:
    """Against a plain account of what was answered; also what failed half way and what was asked twice."""
    shake = Shakes.open(shop(shake_cooldown_s=0, shakes_per_day=0))
    account: dict[tuple[date, str, str | None], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    made: list[tuple[ev.ShakeMade, str, str | None, str]] = []
    opened: set[str] = set()

    def note(what: str, holder: str, at: str | None, page_id: str) -> None:
        day = shake_stats.day_of(shake.at_ms, "Asia/Shanghai")
        account[day, "page", page_id][what].append(holder)
        if at is not None:
            account[day, "beacon", at][what].append(holder)

    for kind, first, second in steps:
        if kind == "shake":
            where = {"heard": (second,)} if second else {"zone": "dairy"}
            event = shake.made(shopper=str(first), **where)  # type: ignore[arg-type]
            answer = shake.say(event)
            if second != "bare":
                made.append((event, answer.shake, answer.beacon, answer.page))  # type: ignore[union-attr]
                note("shake", str(first), answer.beacon, answer.page)  # type: ignore[union-attr]
        elif kind == "later":
            shake.later(int(first) * HOUR_MS, ticks=int(second))  # type: ignore[call-overload]
        elif kind == "fault":
            fails_half_way(shake, click=bool(first) and bool(made), known=made[0][1] if made else "")
        elif made:
            event, name, at, page_id = made[int(first) % len(made)]  # type: ignore[call-overload]
            if kind == "again":
                shake.say(event)
                continue
            for _ in range(int(second)):  # type: ignore[call-overload]
                shake.open_page(name)
            if name not in opened:
                opened.add(name)
                note("click", event.shopper, at, page_id)
    for (day, what, name), seen in account.items():
        query = shake_stats.device if what == "beacon" else shake_stats.page
        (stat,) = query(shake.tx.db, str(name), day, day)
        assert (stat.shake_pv, stat.shake_uv) == (len(seen["shake"]), len(set(seen["shake"])))
        assert (stat.click_pv, stat.click_uv) == (len(seen["click"]), len(set(seen["click"])))
    assert shake.count("shake_stat") == len(account)
    shake.tx.close()


def fails_half_way(shake: Shakes, *, click: bool, known: str) -> None:
    """An event whose last row can't be written leaves none of the others."""
    event = ev.PageOpened(at=shake.now, shake=known) if click else shake.made(heard=("door",))
    room, shake.tx.outbox.tell = shake.tx.outbox.tell, no_room  # type: ignore[method-assign]
    try:
        shake.tx.handle(event)
    except OSError:
        pass
    finally:
        shake.tx.outbox.tell = room  # type: ignore[method-assign]


def no_room(*_: object, **__: object) -> int:
    raise OSError(28, "full")


def test_old_shakes_go_in_small_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "PER_TICK", 10)
    shake = Shakes.open(shop(shake_cooldown_s=0, shakes_per_day=0))
    for number in range(25):
        shake.shaken("wall", shopper=f"s{number}", wait_ms=0)
    tables = ("shake", "shake_shopper", "draw_try", "shake_seen")
    assert [shake.count(table) for table in tables] == [25, 25, 25, 50]
    shake.later(DAY_MS)
    assert [shake.count(table) for table in tables] == [25, 25, 25, 50], "yesterday is kept"
    shake.later(DAY_MS)
    assert [shake.count(table) for table in tables] == [25, 15, 15, 40]
    shake.later(0, ticks=4)
    assert [shake.count(table) for table in tables] == [25, 0, 0, 0]
    shake.shaken("door")
    shake.later(29 * DAY_MS, ticks=3)
    assert shake.count("shake") == 1, "one of 29 days stays, those of 31 are gone"
    assert shake.count("shake_stat") == 4
    shake.later(69 * DAY_MS, ticks=3)
    assert shake.count("shake_stat") == 4, "figures stay a hundred days"
    shake.later(DAY_MS, ticks=3)
    assert shake.count("shake_stat") == 2


def test_a_flood_is_bounded_and_gives_nobody_a_second_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shake_rows, "MAX_SHAKES", 20)
    shake = Shakes.open(shop(shake_cooldown_s=0, shakes_per_day=50))
    first = shake.made(heard=("door",))
    shake.say(first)
    for _ in range(49):
        shake.shaken("door", wait_ms=0)
    shake.later(1000, ticks=3)
    assert shake.count("shake") == 50, "young ones may be repeated, and stay"
    assert shake.say(first).shake == shake.say(first).shake  # type: ignore[union-attr]
    shake.later(HOUR_MS, ticks=3)
    assert shake.count("shake") == 20
    assert shake.why("door") == "day_full"


def test_a_fact_of_before_midnight_that_is_decided_after_it_counts_its_holder_once() -> None:
    shake = Shakes.open()
    shake.at_ms = MIDNIGHT_MS - 10_000
    shake.shaken("door", wait_ms=9_999)
    late = shake.made(heard=("door",))
    shake.later(1)
    shake.say(late)
    (stat,) = shake_stats.device(shake.tx.db, "door", TODAY, TODAY)
    assert (stat.shake_pv, stat.shake_uv) == (2, 1)
