"""The portal's document: one a shop, and nothing in it that would keep phones from finding it."""

from __future__ import annotations

import pytest

from edge.documents import check
from edge.errors import DocumentError
from edge.shop.portals import Portal, doubts

PORTAL = {"id": "main", "name_zh": "店", "name_en": "Shop"}


def test_a_shop_has_one_portal() -> None:
    assert check("portals", [PORTAL])
    with pytest.raises(DocumentError, match="one portal") as caught:
        check("portals", [PORTAL, {**PORTAL, "id": "second"}, {**PORTAL, "id": "third"}])
    assert [mistake.path for mistake in caught.value.mistakes] == ["[1]", "[2]"]
    assert check("zones", [{"id": name, "name_zh": "门", "name_en": "Door"} for name in "abc"])


@pytest.mark.parametrize(
    "change",
    [
        {"ways": ["pass"]},
        {"ways": ["click", "click"]},
        {"ways": []},
        {"garden": ["captive.apple.com"]},
        {"garden": ["*.com"]},
        {"garden": ["a.b.gstatic.com"]},
        {"landing": "javascript:alert(1)"},
        {"hours": [{"days": [8], "opens": "09:00", "closes": "21:00"}]},
        {"hours": [{"days": [1], "opens": "9:00", "closes": "21:00"}]},
        {"hours": [{"days": [1], "opens": "09:00", "closes": "24:30"}]},
        {"limits": {"telepathy": {}}},
        {"limit": {"minutes": 1441}},
        {"colour": "red"},
    ],
)
def test_what_can_not_be_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(DocumentError):
        check("portals", [{**PORTAL, **change}])


def told(change: dict[str, object]) -> dict[str, str]:
    with pytest.raises(DocumentError) as caught:
        check("portals", [{**PORTAL, **change}])
    return {mistake.path: str(mistake).partition(": ")[2] for mistake in caught.value.mistakes}


def test_mistakes_name_what_may_stand_there_all_at_once() -> None:
    found = told(
        {
            "ways": ["Click", "pass", "sms"],
            "limits": {"SMS": {}},
            "garden": ["pay.example.com", "https://pay.example.com"],
            "hours": [{"days": [1], "opens": "9:00", "closes": "21:00"}],
        }
    )
    ways = "click, voucher, member, sms, wechat, staff"
    assert found == {
        "[0].ways[0]": f"got 'Click', wanted one of {ways} — did you mean 'click'?",
        "[0].ways[1]": f"got 'pass', wanted one of {ways}",
        "[0].limits.SMS": f"got 'SMS', wanted one of {ways} — did you mean 'sms'?",
        "[0].garden[1]": "got 'https://pay.example.com', wanted a host like pay.example.com, or *.example.com for all"
        " below it",
        "[0].hours[0].opens": "got '9:00', wanted a time like 08:30",
    }
    found = told({"ways": ["click", "click"], "landing": "javascript:x", "garden": ["g.cn", "apple.com"]})
    assert all(word in found["[0]"] for word in ("click stands there twice", "landing", "g.cn", "apple.com"))
    assert "length" in told({"ways": []})["[0].ways"]


def doubted(**change: object) -> dict[str, str]:
    (portal,) = check("portals", [{**PORTAL, **change}])
    assert isinstance(portal, Portal)
    return {doubt.path: doubt.problem for doubt in doubts(portal)}


def hours(days: list[int], opens: str, closes: str) -> dict[str, object]:
    return {"days": days, "opens": opens, "closes": closes}


def test_a_limit_that_the_rules_do_not_look_at_is_doubted() -> None:
    found = doubted(ways=["click", "voucher", "staff"], limits={"click": {}, "voucher": {"minutes": 5}, "staff": {}})
    assert set(found) == {"limits.voucher", "limits.staff"}
    assert "made with" in found["limits.voucher"]


def test_what_was_probably_not_meant() -> None:
    assert set(doubted(limits={"sms": {}, "click": {}})) == {"limits.sms"}
    assert "a whole day" in doubted(hours=[hours([1], "09:00", "09:00")])["hours[0]"]
    assert doubted(hours=[hours([1, 2], "09:00", "12:00"), hours([1, 2], "12:00", "24:00")]) == {}
    assert set(doubted(hours=[hours([1], "09:00", "13:00"), hours([1], "12:00", "24:00")])) == {"hours[1]"}
    assert set(doubted(hours=[hours([7], "20:00", "02:00"), hours([1], "01:00", "05:00")])) == {"hours[1]"}
    assert doubted(hours=[hours([7], "20:00", "02:00"), hours([1], "02:00", "05:00")]) == {}
