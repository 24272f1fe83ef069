from __future__ import annotations

from pathlib import Path

import pytest

from edge.web.shop.art import ICONS, counted_in, icon_of, is_picture, when
from tests.given import NOON_MS

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("category", "name", "icon"),
    [
        ("饮料", "", "drink"),
        ("乳品", "", "dairy"),
        ("水果", "", "fruit"),
        ("Beverages", "", "drink"),
        ("", "", "box"),
        ("其他", "纯牛奶", "dairy"),
    ],
)
def test_a_kind_has_a_picture(category: str, name: str, icon: str) -> None:
    assert icon_of(category, name) == icon


def test_every_icon_is_drawn() -> None:
    drawn = Path("edge/web/shop/templates/icons.jinja").read_text("utf-8")
    assert [icon for icon in ICONS if f'name == "{icon}"' not in drawn] == []


@pytest.mark.parametrize(
    ("before_ms", "language", "text"),
    [
        (0, "zh-CN", "19:06"),
        (3_600_000, "en", "18:06"),
        (DAY_MS, "zh-CN", "昨天 19:06"),
        (DAY_MS, "en", "19:06 yesterday"),
        (3 * DAY_MS, "zh-CN", "11-15 19:06"),
        (365 * DAY_MS, "en", "2025-11-18"),
        (NOON_MS, "en", ""),
    ],
)
def test_the_time_of_a_price(before_ms: int, language: str, text: str) -> None:
    assert when(NOON_MS - before_ms, now_ms=NOON_MS, timezone="Asia/Shanghai", language=language) == text


def test_a_catalogue_may_name_one_of_our_icons() -> None:
    assert icon_of("饮料", "", "paper") == "paper"


@pytest.mark.parametrize(("unit", "word"), [("包", "包"), ("kg", "kg"), ("500g", ""), ("6×330ml", ""), ("", "")])
def test_what_stock_is_counted_in(unit: str, word: str) -> None:
    assert counted_in(unit) == word


@pytest.mark.parametrize(
    ("image", "yes"),
    [
        ("cola.png", True),
        ("drinks/cola.JPG", True),
        ("a/b/c/cola.webp", True),
        ("饮料/可乐.webp", True),
        ("a/b/c/d/cola.webp", False),
        ("a/.hidden/cola.webp", False),
        ("a/./cola.webp", False),
        ("a\\..\\cola.webp", False),
        ("a/cola.webp/", False),
        ("a\x00.png", False),
        (f"{'a' * 200}.png", False),
        ("", False),
        ("paper", False),
        ("../secret.png", False),
        ("/etc/x.png", False),
        ("a//b.png", False),
        ("http://x/a.png", False),
        ("evil.svg", False),
        ("a.png\n", False),
    ],
)
def test_which_images_are_shown(image: str, yes: bool) -> None:
    assert is_picture(image) is yes
