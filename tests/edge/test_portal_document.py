"""The portal's document: one a shop, and nothing in it that would keep phones from finding it."""

from __future__ import annotations

import pytest

from edge.documents import check
from edge.errors import DocumentError

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
