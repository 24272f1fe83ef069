"""A shop with radios and beacons as the status page meets them: all kinds of well and unwell."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.board import State
from edge.config import Config, RadioSection
from tests.edge.web.given_admin import Admin, config

UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
ZONES = (
    ("door", "大门", "Front door", 0, 6, 6, 3),
    ("till", "收银区", "Tills", 8, 6, 6, 3),
    ("fresh", "生鲜区", "Fresh food", 0, 0, 4.5, 4),
    ("drinks", "饮料区", "Drinks", 5, 0, 4.5, 4),
    ("snacks", "零食区", "Snacks", 10, 0, 4, 4),
)


def radio_config(state: Path) -> Config:
    radios = (RadioSection(adapter="hci0", zone="door"), RadioSection(adapter="hci1", zone="drinks", scan="passive"))
    return config(state, radios=radios)


async def furnish(gateway: Admin, *, many: int = 0) -> None:
    """Zones, beacons (some carried, some unwell; `many`: so many of them), and what two radios say."""
    keys = ("id", "name_zh", "name_en", "x_m", "y_m", "width_m", "depth_m")
    await gateway.documents.put("zones", [dict(zip(keys, zone, strict=True)) for zone in ZONES], by="cli")
    fixed: list[dict[str, object]] = [
        {"id": "fresh-1", "zone": "fresh", "x_m": 2.2, "y_m": 1.6},
        {"id": "drinks-1", "zone": "drinks", "x_m": 6.4, "y_m": 2.2},
        {"id": "drinks-2", "zone": "drinks", "x_m": 8.6, "y_m": 3.0},
        {"id": "snacks-1", "zone": "snacks", "x_m": 12.0, "y_m": 1.6},
        {"id": "till-1", "zone": "till", "x_m": 11.0, "y_m": 7.6, "rotating": True},
        {"id": "gateway-1", "zone": "door", "x_m": 2.0, "y_m": 7.8, "profile": "gateway"},
        {"id": "somewhere", "zone": "snacks"},
    ]
    fixed += [
        {"id": f"shelf-{n}", "x_m": n % 20 * 0.7 + 0.3, "y_m": n // 20 * 0.55 + 0.3, "zone": "fresh"}
        for n in range(many)
    ]
    carried = [("staff-1", "staff"), ("cart-1", "cart"), ("cart-2", "cart")]
    fixed += [{"id": name, "carried_by": who} for name, who in carried]
    fixed.append({"id": "phone-1", "carried_by": "phone", "consent_to_ms": 9_000_000_000_000})
    beacons = [{"uuid": UUID, "major": 10001, "minor": minor, **each} for minor, each in enumerate(fixed)]
    await gateway.documents.put("beacons", list(beacons), by="cli")
    _hear(gateway, many)


def _hear(gateway: Admin, many: int) -> None:
    board, now = gateway.board, gateway.clock.now()
    strengths = {"fresh-1": -61, "drinks-1": -74, "drinks-2": -88, "till-1": -70, "gateway-1": -55, "staff-1": -66}
    strengths |= {"cart-1": -72, "cart-2": -79} | {f"shelf-{n}": -55 - n % 40 for n in range(many)}
    for name, dbm in strengths.items():
        seen = board.beacon(name)
        seen.seen, seen.rssi_dbm, seen.radio, seen.per_s = now, float(dbm), "hci0", 1.9
    board.beacon("staff-1").zone = "till"
    board.beacon("cart-1").zone = board.beacon("cart-2").zone = "drinks"
    board.beacon("till-1").problems = ("cloned",)
    old = board.beacon("snacks-1")
    old.seen = msgspec.structs.replace(now, at_ms=now.at_ms - 3_000_000, monotonic_ms=now.monotonic_ms - 3_000_000)
    old.problems, old.battery_percent = ("silent", "battery_low"), 4
    board.beacon("fresh-1").battery_percent = 87
    well, ill = board.radio("hci0"), board.radio("hci1")
    well.state, well.scan, well.adverts_per_s, well.zone = State.UP, "active", 41.3, "door"
    well.coverage, well.coverage_basis, well.sends, well.wanted, well.instances = 0.98, "heartbeat", 1, 1, 1
    ill.state, ill.scan, ill.zone, ill.steps = State.WAITING, "passive", "drinks", 3
    ill.coverage, ill.coverage_basis = 0.31, "known"
    ill.problem, ill.hint = "hci1: it hears nothing any more", "unplug it and plug it in again"
