"""The shop's floor: where zones, beacons and radios are, how its people walk, and how strong they hear one another.

Pure and seeded. Metres from the upper left corner; strengths by the log-distance model with a person's shadow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random

import msgspec

UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
MAJOR = 10001
PATH_LOSS = 2.4
HEARD_DBM = -96.0
"""Weaker than this nobody hears anything."""
WALK_M_S = 1.1


class Place(msgspec.Struct, frozen=True):
    x_m: float
    y_m: float


class Fixed(msgspec.Struct, frozen=True, kw_only=True):
    """A beacon that hangs in the shop."""

    id: str
    minor: int
    zone: str
    at: Place
    page: str
    address: str
    interval_ms: int = 500


ZONES: tuple[dict[str, object], ...] = (
    {"id": "door", "name_zh": "大门", "name_en": "Door", "x_m": 0.0, "y_m": 6.0, "width_m": 6.0, "depth_m": 3.0},
    {"id": "till", "name_zh": "收银区", "name_en": "Tills", "x_m": 8.0, "y_m": 6.0, "width_m": 6.0, "depth_m": 3.0},
    {
        "id": "fresh",
        "name_zh": "生鲜区",
        "name_en": "Fresh food",
        "x_m": 0.0,
        "y_m": 0.0,
        "width_m": 4.5,
        "depth_m": 4.0,
    },
    {"id": "drinks", "name_zh": "饮料区", "name_en": "Drinks", "x_m": 5.0, "y_m": 0.0, "width_m": 4.5, "depth_m": 4.0},
    {"id": "snacks", "name_zh": "零食区", "name_en": "Snacks", "x_m": 10.0, "y_m": 0.0, "width_m": 4.0, "depth_m": 4.0},
)
FIXED = (
    Fixed(id="fresh-1", minor=1, zone="fresh", at=Place(2.2, 0.6), page="fresh", address="C1:00:00:00:00:01"),
    Fixed(id="drinks-1", minor=2, zone="drinks", at=Place(6.4, 1.2), page="drinks", address="C1:00:00:00:00:02"),
    Fixed(id="snacks-1", minor=3, zone="snacks", at=Place(12.0, 0.6), page="snacks", address="C1:00:00:00:00:03"),
    Fixed(id="till-1", minor=4, zone="till", at=Place(11.0, 7.6), page="wheel", address="C1:00:00:00:00:04"),
)
OWN = "gateway-1"
OWN_AT = Place(2.0, 8.2)
RADIOS = {"hci0": ("door", OWN_AT), "hci1": ("drinks", Place(7.5, 0.5))}
"""Adapter → its zone and place."""
CARRIED = (
    ("staff-1", "staff", 101, "C1:00:00:00:01:01"),
    ("cart-1", "cart", 201, "C1:00:00:00:02:01"),
    ("cart-2", "cart", 202, "C1:00:00:00:02:02"),
)
STOPS = (Place(2.0, 7.5), Place(2.2, 2.0), Place(7.2, 1.5), Place(12.0, 2.0), Place(11.0, 7.0))
CLONE_ADDRESS = "D6:66:66:66:66:66"
"""Somebody's phone that plays till-1's id at the door."""


def strength_dbm(sender: Place, hearer: Place, *, power_dbm: int = -59) -> float:
    """Mean strength at a distance."""
    distance_m = max(0.3, math.dist((sender.x_m, sender.y_m), (hearer.x_m, hearer.y_m)))
    return power_dbm - 10 * PATH_LOSS * math.log10(distance_m)


def walk(random: Random, *, step_s: float) -> Iterator[Place]:
    """Where somebody is, every `step_s`: from stop to stop, standing a while at each."""
    at = random.choice(STOPS)
    while True:
        to = random.choice([stop for stop in STOPS if stop != at])
        steps = max(1, round(math.dist((at.x_m, at.y_m), (to.x_m, to.y_m)) / (WALK_M_S * step_s)))
        for number in range(1, steps + 1):
            share = number / steps
            yield Place(at.x_m + (to.x_m - at.x_m) * share, at.y_m + (to.y_m - at.y_m) * share)
        at = to
        for _ in range(round(random.uniform(8, 20) / step_s)):
            yield at


def heard_at(place: Place, random: Random, *, own_minor: int | None) -> list[dict[str, object]]:
    """What a phone there tells its app: the shop's beacons, as `wx.onBeaconUpdate` lists them."""
    senders = [(fixed.minor, fixed.at) for fixed in FIXED]
    if own_minor is not None:
        senders.append((own_minor, OWN_AT))
    found: list[dict[str, object]] = []
    for minor, at in senders:
        rssi = round(strength_dbm(at, place) + random.gauss(0, 3))
        if rssi > HEARD_DBM:
            accuracy = round(10 ** ((-59 - rssi) / (10 * PATH_LOSS)), 2)
            near = 1 if accuracy < 0.5 else 2 if accuracy < 4 else 3
            found.append(
                {"uuid": UUID, "major": MAJOR, "minor": minor, "proximity": near, "accuracy": accuracy, "rssi": rssi}
            )
    return sorted(found, key=lambda beacon: float(str(beacon["accuracy"])))


def documents(*, runs: dict[str, object]) -> dict[str, list[dict[str, object]]]:
    """Zones, beacons, pages and the draw; `runs` is what a campaign or draw needs of dates."""
    dates = {name: runs[name] for name in ("starts_ms", "ends_ms")}
    common: dict[str, object] = {"uuid": UUID, "major": MAJOR}
    beacons: list[dict[str, object]] = [
        common
        | {"id": each.id, "minor": each.minor, "zone": each.zone, "x_m": each.at.x_m, "y_m": each.at.y_m}
        | {"address": each.address, "interval_ms": each.interval_ms, "pages": [{"page": each.page}]}
        for each in FIXED
    ]
    beacons += [
        common | {"id": name, "minor": minor, "carried_by": by, "address": address, "interval_ms": 500}
        for name, by, minor, address in CARRIED
    ]
    own: dict[str, object] = {"id": OWN, "minor": 7, "rotating": True, "profile": "gateway", "radio": "hci0"}
    own |= {"zone": "door", "x_m": OWN_AT.x_m, "y_m": OWN_AT.y_m, "interval_ms": 200, "pages": [{"page": "welcome"}]}
    beacons.append(common | own)
    return {
        "zones": [dict(zone) for zone in ZONES],
        "beacons": beacons,
        "pages": [
            _page("welcome", "欢迎光临", "Welcome", "摇一摇，今日新品先知道", "Shake to see what is new today"),
            _page("fresh", "今日鲜蔬", "Fresh today", "云南直采，早上刚到", "Straight from Yunnan, in since morning"),
            _page("drinks", "饮料满减", "Drinks for less", "满15减3元", "¥3 off from ¥15")
            | {"campaign": "drinks-3-off"},
            _page("snacks", "零食上新", "New snacks", "非遗手作麻花", "Hand-made mahua"),
            _page("wheel", "摇一摇抽奖", "Shake to win", "奖品摇出来", "Every shake is a try") | {"draw": "wheel"},
        ],
        "draws": [
            dates
            | {"id": "wheel", "name_zh": "收银台抽奖", "name_en": "Draw at the tills", "wins_per_shopper": 2}
            | {
                "prizes": [
                    {"campaign": "tea-egg", "chance_ppm": 300_000},
                    {"campaign": "bakery-20", "chance_ppm": 200_000},
                ]
            }
        ],
    }


def _page(name: str, zh: str, en: str, text_zh: str, text_en: str) -> dict[str, object]:
    title: dict[str, object] = {"id": name, "title_zh": zh, "title_en": en, "page_url": "/wallet"}
    return title | {"description_zh": text_zh, "description_en": text_en}
