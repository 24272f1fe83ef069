"""Given what the radios conclude, expect who is where, which problems are open, and what the cloud is told."""

from __future__ import annotations

import msgspec
import pytest

from edge import events as ev
from edge import telemetry as tm
from edge.clock import Stamp
from edge.events import BeaconProblem, Proximity
from edge.ids import BeaconId, DeviceId, ZoneId
from edge.shop import Beacon, CarriedBy, Shop
from edge.store import presence
from tests.given import NOON_MS, stamp
from tests.given_store import MemoryTx, memory_tx

UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"


def beacon(name: str, minor: int, carried_by: CarriedBy = CarriedBy.NOBODY) -> Beacon:
    until_ms = NOON_MS + 1 if carried_by is CarriedBy.PHONE else 0
    return Beacon(id=name, uuid=UUID, major=1, minor=minor, carried_by=carried_by, consent_to_ms=until_ms)


SHOP = Shop(
    beacons={
        one.id: one
        for one in (
            beacon("anna", 1, CarriedBy.STAFF),
            beacon("cart-7", 2, CarriedBy.CART),
            beacon("phone-9", 3, CarriedBy.PHONE),
            beacon("shelf", 4),
        )
    }
)


def later(s: float) -> Stamp:
    return stamp(NOON_MS + round(s * 1000))


def enters(name: str, zone: str, s: float = 0) -> ev.ZoneEntered:
    return ev.ZoneEntered(
        at=later(s), beacon=BeaconId(name), zone=ZoneId(zone), proximity=Proximity.NEAR, confidence=0.9
    )


def leaves(name: str, zone: str, s: float = 0, reason: str = "silent") -> ev.ZoneLeft:
    return ev.ZoneLeft(at=later(s), beacon=BeaconId(name), zone=ZoneId(zone), reason=reason)


def health(problem: BeaconProblem, *, wrong: bool = True, name: str = "shelf") -> ev.BeaconHealthChanged:
    return ev.BeaconHealthChanged(
        at=later(0), beacon=BeaconId(name), problem=problem, wrong=wrong, radio=DeviceId("hci0"), rssi_dbm=-80.5
    )


def told(tx: MemoryTx) -> list[tuple[object, ...]]:
    return [
        (type(one.payload).__name__, one.payload.zone, getattr(one.payload, "reason", ""))
        for one in tx.told
        if isinstance(one.payload, tm.ZoneEntered | tm.ZoneLeft)
    ]


def test_coming_into_another_zone_leaves_the_first_and_a_repeat_tells_nothing() -> None:
    tx = memory_tx(SHOP)
    tx.handle(enters("anna", "door"))
    tx.handle(enters("anna", "door", 5))
    tx.handle(enters("anna", "till", 90))
    tx.handle(leaves("anna", "till", 100, "weak"))
    tx.handle(leaves("anna", "till", 101))
    assert told(tx) == [
        ("ZoneEntered", "door", ""),
        ("ZoneLeft", "door", "moved"),
        ("ZoneEntered", "till", ""),
        ("ZoneLeft", "till", "weak"),
    ]
    assert [news.stayed_s for news in tx.news(tm.ZoneLeft)] == [90.0, 10.0]  # type: ignore[attr-defined]


def test_a_coming_that_was_never_told_does_not_keep_somebody_where_they_were() -> None:
    tx = memory_tx(SHOP)
    tx.handle(enters("anna", "door"))
    tx.handle(leaves("anna", "till", 60))
    assert told(tx)[-1] == ("ZoneLeft", "door", "silent")


def test_of_a_phone_is_told_that_it_came_never_which() -> None:
    tx = memory_tx(SHOP)
    tx.handle(enters("phone-9", "door"))
    tx.handle(leaves("phone-9", "door", 3))
    tx.handle(health(BeaconProblem.BATTERY_LOW, name="phone-9"))
    assert [one.subject for one in tx.told] == ["door", "door"]
    assert all(b"phone-9" not in msgspec.json.encode(one.payload) for one in tx.told)
    assert [(one.carried_by, one.beacon) for one in tx.news(tm.ZoneEntered)] == [("phone", None)]  # type: ignore[attr-defined]


def test_what_hangs_or_is_not_the_shops_is_in_no_zone() -> None:
    tx = memory_tx(SHOP)
    tx.handle(enters("shelf", "door"))
    tx.handle(enters("stranger", "door"))
    tx.handle(leaves("stranger", "door"))
    assert tx.told == []


def test_a_restart_leaves_everybody_and_counts_only_the_time_that_is_known() -> None:
    tx = memory_tx(SHOP)
    tx.handle(enters("anna", "door"))
    tx.handle(enters("cart-7", "door"))
    tx.handle(ev.TimePassed(at=later(61)))
    tx.handle(ev.TimePassed(at=later(65)))
    tx.handle(ev.GatewayStarted(at=later(90_000), version="2.0"))
    lefts = tx.news(tm.ZoneLeft)
    assert [(one.beacon, one.reason, one.stayed_s) for one in lefts] == [  # type: ignore[attr-defined]
        ("anna", "restarted", 61.0),
        ("cart-7", "restarted", 61.0),
    ]
    tx.handle(enters("anna", "door", 90_010))
    assert told(tx)[-1] == ("ZoneEntered", "door", "")


def test_more_than_fit_are_not_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "MAX_PRESENT", 1)
    tx = memory_tx(SHOP)
    tx.handle(enters("anna", "door"))
    tx.handle(enters("cart-7", "door"))
    tx.handle(enters("anna", "till"))
    assert [zone for _, zone, _ in told(tx)] == ["door", "door", "till"]


def test_a_problem_begins_once_and_ends_once() -> None:
    tx = memory_tx(SHOP)
    for wrong in (False, True, True, False, False):
        tx.handle(health(BeaconProblem.WEAK, wrong=wrong))
        tx.handle(health(BeaconProblem.MOVED))
    assert [(one.problem, one.wrong) for one in tx.news(tm.BeaconHealth)] == [  # type: ignore[attr-defined]
        ("moved", True),
        ("weak", True),
        ("weak", False),
    ]
    (still,) = presence.open_problems(tx.db)
    assert (still.beacon, still.problem, still.radio, still.rssi_dbm) == ("shelf", "moved", "hci0", -80.5)


def test_a_problem_of_a_beacon_that_is_gone_can_end_but_not_begin() -> None:
    tx = memory_tx(SHOP)
    tx.handle(health(BeaconProblem.SILENT))
    tx.with_shop(beacons={})
    tx.handle(health(BeaconProblem.WEAK))
    tx.handle(health(BeaconProblem.SILENT, wrong=False))
    assert presence.open_problems(tx.db) == ()
    assert [one.problem for one in tx.news(tm.BeaconHealth)] == ["silent", "silent"]  # type: ignore[attr-defined]


def test_a_restart_ends_the_problems_of_beacons_that_were_taken_out_meanwhile_and_no_other() -> None:
    tx = memory_tx(SHOP)
    tx.handle(health(BeaconProblem.SILENT))
    tx.handle(health(BeaconProblem.BATTERY_LOW, name="cart-7"))
    tx.with_shop(beacons={"cart-7": SHOP.beacons["cart-7"]})
    tx.handle(ev.GatewayStarted(at=later(60), version="2.0"))
    assert [one.beacon for one in presence.open_problems(tx.db)] == ["cart-7"]
    last = tx.news(tm.BeaconHealth)[-1]
    assert (last.beacon, last.problem, last.wrong) == ("shelf", "silent", False)  # type: ignore[attr-defined]


def test_noise_goes_to_the_cloud_with_its_coverage() -> None:
    tx = memory_tx(SHOP)
    tx.handle(
        ev.PresenceCounted(
            at=later(0),
            radio=DeviceId("hci0"),
            zone=ZoneId("door"),
            interval_s=900.0,
            covered_s=450.0,
            coverage_basis="known",
            presence_s=3000.0,
            sources_low=6,
            sources_high=40,
            adverts=12_000,
        )
    )
    (news,) = tx.news(tm.PresenceCounted)
    assert (news.coverage, news.coverage_basis, news.sources_low) == (0.5, "known", 6)  # type: ignore[attr-defined]


def test_facts_of_radios_and_settings_are_told_as_they_are() -> None:
    tx = memory_tx(SHOP)
    tx.handle(
        ev.BeaconConfigured(at=later(0), beacon=BeaconId("shelf"), profile="kkm-kbeacon", ok=False, step="unlock")
    )
    step = ev.RadioStep.POWER_CYCLE
    tx.handle(ev.RadioChanged(at=later(0), radio=DeviceId("hci0"), step=step, reason="stalled", attempt=2))
    tx.handle(
        ev.RadioMeasured(at=later(0), radio=DeviceId("hci0"), expected_per_s=9.0, heard_per_s=1.0, dedup_suspected=True)
    )
    assert [(type(one.payload).__name__, one.subject) for one in tx.told] == [
        ("BeaconConfigured", "shelf"),
        ("RadioRecovered", "hci0"),
        ("RadioMeasured", "hci0"),
    ]
