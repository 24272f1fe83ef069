from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import places
from edge.ids import StationId
from tests.given import NOON_MS

KEY = b"p" * 32
KIOSKS = (StationId("kiosk-1"), StationId("kiosk-2"))
MINUTE_MS = 60_000


def test_a_kiosks_code_changes_each_minute_and_is_taken_a_minute_longer() -> None:
    at_ms = NOON_MS // MINUTE_MS * MINUTE_MS
    code = places.kiosk_code(KEY, "kiosk-2", at_ms=at_ms)
    assert code == places.kiosk_code(KEY, "kiosk-2", at_ms=at_ms + MINUTE_MS - 1)
    assert code != places.kiosk_code(KEY, "kiosk-2", at_ms=at_ms + MINUTE_MS)
    for shift_ms in (-MINUTE_MS, 0, MINUTE_MS, 2 * MINUTE_MS - 1):
        assert places.station_of(KEY, code, KIOSKS, at_ms=at_ms + shift_ms) == "kiosk-2"
    for shift_ms in (-MINUTE_MS - 1, 2 * MINUTE_MS):
        assert places.station_of(KEY, code, KIOSKS, at_ms=at_ms + shift_ms) is None
    assert places.station_of(KEY, code, KIOSKS[:1], at_ms=at_ms) is None
    assert places.station_of(b"x" * 32, code, KIOSKS, at_ms=at_ms) is None


def test_people_type_as_they_like() -> None:
    code = places.kiosk_code(KEY, "kiosk-1", at_ms=NOON_MS)
    for typed in (code.lower(), f" {code[:3]} {code[3:]}\n", f"{code[:3]}-{code[3:].lower()}"):
        assert places.station_of(KEY, typed, KIOSKS, at_ms=NOON_MS) == "kiosk-1"


def test_codes_have_no_look_alikes() -> None:
    codes = "".join(places.kiosk_code(KEY, "k", at_ms=minute * MINUTE_MS) for minute in range(500))
    assert set(codes) == set(places.ALPHABET)
    assert not set("01ILO") & set(codes)


@given(st.text(max_size=200))
def test_any_text_is_a_code_or_not(text: str) -> None:
    assert places.station_of(KEY, text, KIOSKS, at_ms=NOON_MS) is None
    assert places.zone_of(KEY, text) is None


def test_a_zone_code_says_its_zone_and_cant_be_made_up() -> None:
    code = places.zone_code(KEY, "dairy")
    assert code.startswith("dairy.")
    assert places.zone_of(KEY, code) == places.zone_of(KEY, f" {code.upper()}\n") == "dairy"
    assert places.zone_of(KEY, code.replace("dairy", "cash")) is None
    assert places.zone_of(KEY, code[:-1]) is None
    assert places.zone_of(b"x" * 32, code) is None
    longest = places.zone_code(KEY, "z" * 32)
    assert len(longest) <= places.MAX_CHARS
    assert places.zone_of(KEY, longest) == "z" * 32


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("10.64.9.1", True),
        ("10.65.0.1", False),
        ("::ffff:10.64.9.1", True),
        ("fd00::1", True),
        ("fe80::1%wlan0", False),
        ("fd00::1%eth0", True),
        ("", False),
        ("unknown", False),
        ("10.64.9.1.1", False),
    ],
)
def test_who_is_on_the_wifi(address: str, inside: bool) -> None:
    assert places.is_in(address, places.networks(["10.64.3.3/16", "fd00::/8"])) is inside
    assert not places.is_in(address, ())
