"""Pure: which of our own pictures stands for a product, what its stock is counted in, how old its price is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo

from edge.catalogue.images import content_type

ICONS: Mapping[str, tuple[str, ...]] = {
    "alcohol": ("酒", "beer", "wine", "liquor", "spirit", "alcohol"),
    "dairy": ("奶", "乳", "milk", "dairy", "yogurt", "yoghurt", "cheese"),
    "water": ("水饮", "矿泉", "water"),
    "drink": ("饮", "可乐", "汽水", "果汁", "茶", "咖啡", "drink", "beverage", "soda", "juice", "tea", "coffee"),
    "noodle": ("面食", "方便", "面条", "粉丝", "速食", "noodle", "instant"),
    "snack": (
        "零食",
        "饼干",
        "薯片",
        "糖",
        "巧克力",
        "坚果",
        "膨化",
        "休闲",
        "snack",
        "chip",
        "cookie",
        "biscuit",
        "candy",
        "nut",
    ),
    "bakery": ("面包", "烘焙", "糕", "bread", "bakery", "cake"),
    "fruit": ("果", "fruit"),
    "vegetable": ("菜", "蔬", "vegetable", "produce"),
    "meat": ("肉", "禽", "蛋", "meat", "poultry", "egg"),
    "fish": ("鱼", "海鲜", "水产", "虾", "fish", "seafood"),
    "staple": ("粮", "米", "油", "调味", "酱", "醋", "rice", "grain", "oil", "sauce", "season", "staple", "condiment"),
    "frozen": ("冻", "冰", "frozen", "ice"),
    "paper": ("纸", "paper", "tissue"),
    "clean": ("清洁", "洗衣", "家清", "日用", "家居", "百货", "clean", "laundry", "household", "detergent"),
    "care": ("洗护", "个护", "护肤", "牙", "洗发", "沐浴", "化妆", "care", "shampoo", "beauty", "tooth", "hygiene"),
    "baby": ("母婴", "婴", "baby", "infant"),
    "pet": ("宠物", "pet"),
}
"""Icon → parts of a category's or product's name, first match wins."""


def icon_of(category: str, name: str = "", image: str = "") -> str:
    """The icon that stands for it; `box` when nothing fits. A catalogue may name one of ours as its image."""
    if image in ICONS:
        return image
    for text in (category.lower(), name.lower()):
        for icon, parts in ICONS.items():
            if any(part in text for part in parts):
                return icon
    return "box"


def is_picture(image: str) -> bool:
    """Whether a catalogue's image is a file below the pictures' folder that a kiosk may show."""
    return bool(content_type(image))


def counted_in(unit: str) -> str:
    """The unit as a word after a number: `5 包`, `5 kg`. Empty where it is a size: nobody says `5 500g`."""
    return "" if any(letter.isdigit() for letter in unit) else unit


class Local(TypedDict):
    """Where and when a time is read."""

    now_ms: int
    timezone: str
    language: str


def when(at_ms: int, *, now_ms: int, timezone: str, language: str) -> str:
    """Local time of a price: `14:05` today, `昨天 14:05`, else `11-03 14:05`; empty when unknown."""
    if at_ms <= 0:
        return ""
    zone = ZoneInfo(timezone)
    at, now = (datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone) for ms in (at_ms, now_ms))
    if at.date() == now.date():
        return f"{at:%H:%M}"
    if at.date() == now.date() - timedelta(days=1):
        return f"{at:%H:%M} yesterday" if language == "en" else f"昨天 {at:%H:%M}"
    return f"{at:%m-%d %H:%M}" if at.year == now.year else f"{at:%Y-%m-%d}"
