"""Which profile an advert fits, and how sure that is."""

from __future__ import annotations

from devices.beacons.advert import Advert
from devices.beacons.profile import BeaconProfile, Confidence, Match
from devices.beacons.provisioning.matching import Sureness, best, fits
from tests.devices.beacons.given_gatt import PROFILES, profile


def heard(*services: str, name: str = "", data: dict[str, bytes] | None = None) -> Advert:
    return Advert("hci0", "C1:00:00:00:00:01", -60, 0.0, {}, data or {}, services, name)


def names(advert: Advert) -> list[str]:
    return [fit.name for fit in best(PROFILES, advert)]


def test_a_service_of_its_own_is_sure() -> None:
    assert fits(profile("nordic-beacon-kit"), heard("955A1523-0FE2-F5AA-A094-84B8D4F3E8AD")) is Sureness.SURE
    assert names(heard("955a1523-0fe2-f5aa-a094-84b8d4f3e8ad")) == ["nordic-beacon-kit"]
    assert names(heard("6e400001-b5a3-f393-e0a9-e50e24dcca9e")) == []  # a Nordic UART is anybody's: the name decides
    assert names(heard("6e400001-b5a3-f393-e0a9-e50e24dcca9e", name="Puck.js 1a2b")) == ["espruino"]


def test_what_asks_for_more_comes_first() -> None:
    service = "a3c87500-8ed3-4bdf-8a39-a01bebede295"
    assert names(heard(service)) == ["eddystone-gatt"]
    assert names(heard(service, name="iBKS Plus")) == ["ibks-card", "eddystone-gatt"]


def test_a_service_that_others_use_too_is_not_sure() -> None:
    fff0 = "0000fff0-0000-1000-8000-00805f9b34fb"
    assert names(heard(fff0)) == []
    (fit,) = best(PROFILES, heard(fff0, name="iBKS105"))
    assert (fit.name, fit.sureness, fit.confidence) == ("ibks-105", Sureness.LIKELY, Confidence.UNSURE)
    (fit,) = best(PROFILES, heard(name="Kontakt"))
    assert fit.sureness is Sureness.MAYBE


def test_service_data_counts_as_a_service() -> None:
    assert names(heard(data={"00002080-0000-1000-8000-00805f9b34fb": b"\x22"})) == ["kkm-kbeacon"]


def test_a_company_is_a_hint_and_a_profile_without_marks_fits_nothing() -> None:
    company = BeaconProfile(
        vendor="Acme", model="X", dialect="gateway", confidence=Confidence.MANUAL, source="its manual, 2020",
        match=Match(companies=(0x0A53,)),
    )  # fmt: skip
    assert fits(company, heard()._replace(manufacturer={0x0A53: b"1"})) is Sureness.MAYBE
    assert fits(company, heard()) is None
    assert names(heard()) == []
    assert fits(profile("gateway"), heard(name="gateway")) is None
