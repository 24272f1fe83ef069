"""A visit's life: touched, wished, shown, ended; nothing of it stays."""

from __future__ import annotations

import pytest

from edge.events import Code, CodeKind
from edge.ids import Gtin, StationId
from edge.web.shop.visits import (
    SLACK_MS,
    Attract,
    Coupon,
    Goods,
    Limits,
    Looked,
    Notice,
    Search,
    View,
    Visits,
    Wishes,
    view_of_scan,
    view_unrecorded,
)

ONE = StationId("kiosk-1")
GTIN = Gtin("06901028075770")


def visits() -> Visits:
    return Visits({ONE: Limits(idle_ms=45_000, warn_ms=10_000)}, language="zh-CN", run="run")


def test_nobody_is_here_at_first() -> None:
    assert visits().view_of(ONE) == Attract()
    assert visits().id_of(ONE) == "run"


def test_a_touch_begins_a_visit_with_a_new_id_each_time() -> None:
    kept = visits()
    first = kept.touch(ONE, 1000)
    assert kept.touch(ONE, 2000) is first
    assert (first.started_ms, first.touched_ms) == (1000, 2000)
    kept.end(ONE)
    assert kept.touch(ONE, 3000).id != first.id


def test_only_configured_stations_have_visits() -> None:
    with pytest.raises(KeyError):
        visits().touch(StationId("elsewhere"), 0)


def test_wishes_hold_for_the_visit_only() -> None:
    kept = visits()
    kept.wish(ONE, {"language": "en", "contrast": "high", "text": "huge", "color": "red"}, 0)
    assert kept.wishes_of(ONE) == Wishes(language="en", contrast="high")
    kept.end(ONE)
    assert kept.wishes_of(ONE) == Wishes(language="zh-CN")


def test_an_ended_visit_leaves_nothing() -> None:
    kept = visits()
    visit = kept.show(ONE, Search(words="secret"), 0)
    visit.looked = Looked(letters=6, hits=1, took_ms=1.0)
    kept.end(ONE)
    again = kept.touch(ONE, 1)
    assert (again.view, again.looked, again.views) == (Attract(), None, 0)


def test_product_pages_are_counted() -> None:
    kept = visits()
    for view in (Goods(GTIN, "scan"), Search(), Goods(GTIN, "search")):
        kept.show(ONE, view, 0)
    assert kept.touch(ONE, 0).views == 2


@pytest.mark.parametrize(("after_ms", "over"), [(0, 0), (55_000 + SLACK_MS, 0), (55_001 + SLACK_MS, 1)])
def test_a_page_that_died_does_not_keep_a_visit(after_ms: int, over: int) -> None:
    kept = visits()
    kept.touch(ONE, 1000)
    assert len(list(kept.over(1000 + after_ms))) == over


SCANS = [
    (Code(kind=CodeKind.GTIN, value=GTIN, gtin=GTIN), Goods),
    (Code(kind=CodeKind.EMBEDDED, value="2120001", item="20001", price_fen=1234), Goods),
    (Code(kind=CodeKind.GS1, value="(01)06901028075770", gtin=GTIN, expires="2026-12-01"), Goods),
    (Code(kind=CodeKind.GS1, value="(00)106141412345678908"), Notice),
    (Code(kind=CodeKind.COUPON, value="TOKEN"), Coupon),
    (Code(kind=CodeKind.UNKNOWN, value="x" * 500), Notice),
    (Code(kind=CodeKind.MEMBER, value="SGM1SECRET"), Notice),
    (Code(kind=CodeKind.PAYMENT), Notice),
]


@pytest.mark.parametrize(("code", "kind"), SCANS)
def test_where_a_scan_takes_the_screen(code: Code, kind: type[View]) -> None:
    assert isinstance(view_of_scan(code), kind)


@pytest.mark.parametrize(("code", "kind"), SCANS)
def test_what_needs_no_journal_is_shown_without_one(code: Code, kind: type[View]) -> None:
    served = kind is Goods or code.kind is CodeKind.PAYMENT
    assert view_unrecorded(code) == (view_of_scan(code) if served else Notice(about="again"))


def test_an_unknown_code_is_shown_short() -> None:
    assert view_of_scan(Code(kind=CodeKind.UNKNOWN, value="x" * 500)) == Notice(about="unknown", text="x" * 64)


@pytest.mark.parametrize("kind", [CodeKind.MEMBER, CodeKind.CART, CodeKind.PICKUP, CodeKind.PAYMENT])
def test_personal_codes_are_never_shown(kind: CodeKind) -> None:
    assert view_of_scan(Code(kind=kind, value="SECRET")) == Notice(about=kind.value)
