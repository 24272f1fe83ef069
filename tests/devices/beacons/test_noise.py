"""Strangers: seconds and a range, bounded whatever the air brings, and never an address."""

from __future__ import annotations

import gc
import random
import tracemalloc

import msgspec
import pytest

from devices.beacons.advert import EDDYSTONE
from devices.beacons.presence.noise import MAX_SOURCES, SALT_S, Noise
from edge.events import Event, PresenceCounted, ZoneEntered
from edge.shop import Beacon, CarriedBy
from tests.devices.beacons.given_presence import (
    START_S,
    Air,
    Voice,
    advert,
    at,
    beacon,
    moment,
    presence_of,
    stranger,
    uid_advert,
    uid_frame,
)


def address(number: int) -> str:
    return ":".join(f"{number >> shift & 0xFF:02X}" for shift in (40, 32, 24, 16, 8, 0))


def test_presence_is_the_time_sources_were_heard() -> None:
    noise = Noise(random.Random(1).randbytes, at_s=0)
    for s in range(101):
        noise.heard("D0:00:00:00:00:01", float(s))
        if s <= 50:
            noise.heard("D0:00:00:00:00:02", s + 0.5)
    noise.heard("D0:00:00:00:00:02", 200.0)  # it was away
    assert noise.take(300.0) == (150.0, 2, 153, 0)
    assert noise.take(600.0) == (0.0, 0, 0, 0)


def test_a_changed_address_hardly_changes_presence_but_the_upper_count() -> None:
    noise = Noise(random.Random(1).randbytes, at_s=0)
    for s in range(0, 900, 2):
        noise.heard(f"D0:00:00:00:00:{s // 300:02}", float(s))
    counts = noise.take(900.0)
    assert counts.sources == 3
    assert counts.presence_s == pytest.approx(900, rel=0.02)


def test_a_source_that_stays_counts_in_each_interval() -> None:
    noise = Noise(random.Random(1).randbytes, at_s=0)
    for s in range(0, 300, 10):
        noise.heard("D0:00:00:00:00:01", float(s))
        if s % 100 == 90:
            assert noise.take(s + 5.0).sources == 1


def test_what_could_not_be_told_is_in_the_next_interval() -> None:
    noise = Noise(random.Random(1).randbytes, at_s=0)
    noise.heard("D0:00:00:00:00:01", 1.0)
    noise.heard("D0:00:00:00:00:01", 5.0)
    noise.put_back(noise.take(10.0))
    assert noise.take(20.0) == (4.0, 1, 2, 0)


def test_nobody_was_present_while_the_radio_was_deaf() -> None:
    """Ten sources, deaf for 40 s in the middle: they were heard for 60 s each."""
    presence = presence_of(interval_s=100)
    events: list[Event] = []
    for s in range(100):
        for source in range(10):
            if not 30 <= s < 70:
                presence.heard(stranger(f"D0:00:00:00:00:0{source}", s + source / 10))
        events += presence.tick(moment(s + 0.95))
    (counted,) = [event for event in (*events, *presence.stop(moment(100))) if isinstance(event, PresenceCounted)]
    assert counted.covered_s == pytest.approx(60, abs=2)
    assert counted.presence_s == pytest.approx(600, abs=20)
    assert (counted.sources_low, counted.sources_high) == (10, 10)


def test_the_salt_is_another_one_every_day_and_each_radios_own() -> None:
    noise = Noise(random.Random(1).randbytes, at_s=0)
    salts = []
    for hour in range(50):
        noise.heard("D0:00:00:00:00:01", hour * 3600.0 + 1)
        noise.take((hour + 1) * 3600.0)
        salts.append(noise._salt)
    assert len(set(salts)) == 3
    assert max(salts.count(salt) for salt in salts) * 3600 <= SALT_S + 3600
    presence = presence_of(zones=("door", "till"))
    assert len({ear.noise._salt for ear in presence.ears.values()}) == 2


def test_a_flood_of_addresses_fills_its_share_of_memory_and_no_more() -> None:
    """100,000 random addresses in a minute, while Anna comes and goes and a beacon hangs there."""
    anna, shelf = beacon("anna", 1, CarriedBy.STAFF), beacon("shelf", 2)
    presence = presence_of(anna, shelf, interval_s=60)
    events: list[Event] = []
    flood = random.Random(9)
    air = Air(presence, Voice(anna, {"hci0": at(2)}, address="C1:00:00:00:00:0A"), Voice(shelf, {"hci0": at(3)}))
    events += air.play(20)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    known = presence.ears["hci0"].coverage.known
    for _ in range(50):
        for number in range(2000):
            presence.heard(stranger(address(flood.getrandbits(48)), air.s + number / 2000))
        events += air.play(1)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1_500_000
    assert len(presence.ears["hci0"].noise._last_s) <= MAX_SOURCES
    assert [type(event) for event in events if isinstance(event, ZoneEntered)] == [ZoneEntered]
    heard = presence.ears["hci0"].coverage.known - known
    assert heard == sum(one.hearings["hci0"].window.heard for one in presence.tracks.values()) - known
    counts = [event for event in (*events, *presence.stop(moment(70.5))) if isinstance(event, PresenceCounted)]
    assert sum(one.adverts for one in counts) == 100_000
    assert sum(one.overflowed + one.sources_high for one in counts) == 100_000
    assert all(one.sources_low <= one.sources_high <= MAX_SOURCES for one in counts)


def test_no_address_is_in_any_event_or_representation() -> None:
    anna = beacon("anna", 1, CarriedBy.STAFF, address="C1:00:00:00:00:0A")
    presence = presence_of(anna, beacon("shelf", 2, address="C1:00:00:00:00:0B"), interval_s=30)
    events: list[Event] = []
    for s in range(300):
        presence.heard(advert(1, s + 0.1, address="C1:00:00:00:00:0A", rssi_dbm=-60))
        presence.heard(advert(1, s + 0.2, address="C1:00:00:00:00:0C", rssi_dbm=-61))  # a clone
        presence.heard(advert(9, s + 0.3, address="C1:00:00:00:00:0B"))  # re-programmed
        presence.heard(stranger("D0:00:00:00:00:77", s + 0.4))
        events += presence.tick(moment(s + 1))
    text = msgspec.json.encode(events).decode() + repr(events)
    assert {type(event).__name__ for event in events} == {"ZoneEntered", "PresenceCounted", "BeaconHealthChanged"}
    for part in ("C1:00", "D0:00", "c100", "d000", "C100", "D000", "0:77"):
        assert part not in text
    assert all(len(source) == 8 for source in presence.ears["hci0"].noise._last_s)


def test_the_range_of_an_interval() -> None:
    presence = presence_of(interval_s=100)  # it ends on a round time
    events: list[Event] = []
    for tenth in range(3000):
        s = tenth / 10
        presence.heard(stranger(f"D0:00:00:00:00:0{tenth % 4}", s))
        if tenth % 10 == 9:
            events += presence.tick(moment(s + 0.05))
    whole = [event for event in events if isinstance(event, PresenceCounted) and event.interval_s > 99]
    for one in whole:
        assert (one.zone, one.sources_low, one.sources_high, one.overflowed) == ("door", 4, 4, 0)
        assert one.covered_s == pytest.approx(100, abs=1.5)
        assert one.coverage_basis == "any"
        assert one.presence_s == pytest.approx(400, rel=0.02)
    assert len(whole) >= 2


def test_the_shops_own_beacons_are_not_noise_whatever_else_they_say() -> None:
    presence = presence_of(beacon("shelf", 1))
    presence.heard(advert(1, 0.1, address="C1:00:00:00:00:0A"))
    presence.heard(stranger("C1:00:00:00:00:0A", 0.2))
    presence.heard(stranger("D0:00:00:00:00:01", 0.3))
    assert presence.ears["hci0"].noise.take(START_S + 1).adverts == 1


def test_who_says_a_uid_of_ours_is_ours() -> None:
    """A model that only speaks Eddystone: known by its document, in time heard, and no stranger."""
    shelf = beacon("shelf", 5, profile="eddystone-gatt", interval_ms=500)
    presence = presence_of(shelf)
    for half in range(240):
        presence.heard(uid_advert(5, half / 2, address="C1:00:00:00:00:0A"))
        if half % 2:
            assert presence.tick(moment(half / 2 + 0.4)) == []
    track = presence.tracks["shelf"]
    assert (track.best() or ("", None))[0] == "hci0"
    assert track.hearings["hci0"].usual.per_s == pytest.approx(2, rel=0.1)
    assert presence.ears["hci0"].coverage.basis == "known"
    assert presence.ears["hci0"].noise.take(START_S + 200).adverts == 0


def test_other_frames_of_the_same_kind_are_nobodys() -> None:
    presence = presence_of(beacon("shelf", 5), beacon("turns", 6, rotating=True))
    for number, data in enumerate((uid_frame(9), uid_frame(6), uid_frame(5)[:17], b"", b"\0", b"\x20" + bytes(13))):
        one = stranger(f"D0:00:00:00:00:0{number}", 1.0)
        presence.heard(one._replace(manufacturer={}, service_data={EDDYSTONE: data}))
    assert presence.ears["hci0"].noise.take(START_S + 200).adverts == 6
    assert presence.ears["hci0"].coverage.known == 0


def test_an_id_in_eddystone_is_found_beside_a_strangers_ibeacon() -> None:
    presence = presence_of(beacon("shelf", 5))
    presence.heard(advert(77, 0.5, service_data={EDDYSTONE: uid_frame(5)}))
    assert presence.tracks["shelf"].hearings["hci0"].window.heard == 1


@pytest.mark.parametrize("others", [(), (beacon("twin", 8, address="c1:00:00:00:00:0a"),)])
def test_an_address_that_a_document_names_is_no_stranger_whatever_it_says(others: tuple[Beacon, ...]) -> None:
    presence = presence_of(beacon("shelf", 5, address="C1:00:00:00:00:0A"), *others)
    presence.heard(stranger("C1:00:00:00:00:0A", 0.1))
    presence.heard(advert(99, 0.2, address="C1:00:00:00:00:0A"))
    presence.heard(uid_advert(99, 0.3, address="C1:00:00:00:00:0A"))
    assert presence.ears["hci0"].noise.take(START_S + 200).adverts == 0
