"""People and carts that carry a beacon, in a modelled air: they come once, go once, and do not flap."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.beacons.advert import EDDYSTONE, Advert
from devices.beacons.presence.track import ZONE_DB
from edge.clock import ClockState
from edge.events import Event, ZoneEntered, ZoneLeft
from edge.rotation import epoch_of, minor_of
from edge.shop import CarriedBy
from tests.devices.beacons.given_presence import (
    KEY,
    ROTATE_S,
    Air,
    Voice,
    advert,
    at,
    beacon,
    frame,
    moment,
    presence_of,
    shop_of,
    stranger,
    walk,
)
from tests.given import NOON_MS

STAFF = CarriedBy.STAFF
FAR_M = 10 ** (ZONE_DB / 27)
"""Where a zone ends."""


def moves(events: list[Event]) -> list[str]:
    """`+door`, `-door silent` in order."""
    words = []
    for event in events:
        if isinstance(event, ZoneEntered):
            words.append(f"+{event.zone}")
        elif isinstance(event, ZoneLeft):
            words.append(f"-{event.zone} {event.reason}")
    return words


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("interval_ms", [100, 350, 1000])
def test_somebody_comes_stays_and_goes_once(interval_ms: int, seed: int) -> None:
    anna = beacon("anna", 1, STAFF, interval_ms=interval_ms)
    way = walk((0, 30), (30, 2), (300, 2), (301, 4), (600, 3), (630, 40), (700, None))
    shadow = lambda s: 100 < s < 115 or 350 < s < 362  # noqa: E731
    air = Air(presence_of(anna), Voice(anna, {"hci0": way}, body=shadow), seed=seed)
    assert moves(air.play(720)) in (["+door", "-door weak"], ["+door", "-door silent"])


@pytest.mark.parametrize("interval_ms", [100, 1000])
def test_coming_and_going_are_noticed_soon(interval_ms: int) -> None:
    anna = beacon("anna", 1, STAFF, interval_ms=interval_ms)
    air = Air(presence_of(anna), Voice(anna, {"hci0": walk((0, None), (20, 2), (120, None))}, lost=0.1))
    assert moves(air.play(20)) == []
    assert moves(air.play(5)) == ["+door"]
    assert moves(air.play(94)) == []
    hears_a_stranger(air, 16)
    assert moves(air.events) == ["+door", "-door silent"]


def hears_a_stranger(air: Air, seconds: int) -> None:
    """The radio has something else to hear, so it knows that it listens."""
    for _ in range(seconds):
        air.presence.heard(stranger("D0:00:00:00:00:09", air.s + 0.5))
        air.play(1)


@pytest.mark.parametrize("seed", range(2))
def test_eight_hours_on_the_border_do_not_flap(seed: int) -> None:
    anna = beacon("anna", 1, STAFF, interval_ms=500)
    air = Air(presence_of(anna), Voice(anna, {"hci0": at(FAR_M)}, lost=0.3), seed=seed)
    assert len(moves(air.play(8 * 3600))) <= 1


@pytest.mark.parametrize("seed", range(2))
def test_eight_hours_between_two_radios_do_not_flap(seed: int) -> None:
    anna = beacon("anna", 1, STAFF, interval_ms=500)
    air = Air(
        presence_of(anna, zones=("door", "till")), Voice(anna, {"hci0": at(4), "hci1": at(4)}, lost=0.3), seed=seed
    )
    assert len(moves(air.play(8 * 3600))) == 1


@pytest.mark.parametrize("interval_ms", [100, 1000])
def test_whoever_walks_over_is_in_the_other_zone_within_seconds(interval_ms: int) -> None:
    anna = beacon("anna", 1, STAFF, interval_ms=interval_ms)
    there, here = walk((0, 1), (60, 1), (66, 9)), walk((0, 9), (60, 9), (66, 1))
    air = Air(presence_of(anna, zones=("door", "till")), Voice(anna, {"hci0": there, "hci1": here}), seed=3)
    assert moves(air.play(66)) == ["+door"]
    assert moves(air.play(12)) == ["+till"]
    assert moves(air.play(300)) == []


def test_a_controller_that_drops_duplicates_makes_nobody_flap() -> None:
    """BlueZ reports one packet every ten seconds or so then."""
    anna = beacon("anna", 1, STAFF, interval_ms=350)
    presence, random, events = presence_of(anna), Random(3), []
    due_s = 0.0
    for s in range(3600):
        if s >= due_s:
            presence.heard(advert(1, s + 0.5, rssi_dbm=random.randint(-70, -60)))
            due_s = s + random.uniform(8, 12)
        presence.heard(stranger("D0:00:00:00:00:09", s + 0.6))
        events += presence.tick(moment(s + 1))
    assert len(moves(events)) <= 3  # until its pace is known
    assert moves(events)[-1] == "+door"


def test_two_radios_of_one_zone_are_one_zone() -> None:
    anna = beacon("anna", 1, STAFF)
    there, here = walk((0, 1), (60, 1), (66, 9)), walk((0, 9), (60, 9), (66, 1))
    air = Air(presence_of(anna, zones=("door", "door")), Voice(anna, {"hci0": there, "hci1": here}))
    assert moves(air.play(200)) == ["+door"]


def test_a_radio_without_a_zone_puts_nobody_anywhere() -> None:
    anna = beacon("anna", 1, STAFF)
    air = Air(presence_of(anna, zones=("",)), Voice(anna, {"hci0": at(1)}))
    assert air.play(60) == []


def test_single_reflections_and_fades_move_nobody() -> None:
    anna = beacon("anna", 1, STAFF)
    presence = presence_of(anna, zones=("door", "till"))
    events = []
    for number in range(600):
        s = number * 0.5
        fade = number % 20 == 0
        presence.heard(advert(1, s, rssi_dbm=-95 if fade else -62))
        presence.heard(advert(1, s + 0.01, radio="hci1", rssi_dbm=-50 if fade else -80))
        if number % 2:
            events += presence.tick(moment(s + 0.4))
    assert moves(events) == ["+door"]


def test_one_stray_packet_is_not_somebody() -> None:
    presence = presence_of(beacon("anna", 1, STAFF))
    presence.heard(advert(1, 0.1, rssi_dbm=-50))
    assert [moves(presence.tick(moment(s))) for s in range(1, 15)] == [[]] * 14


def test_what_hangs_is_in_no_zone() -> None:
    shelf = beacon("shelf")
    assert moves(Air(presence_of(shelf), Voice(shelf, {"hci0": at(1)})).play(60)) == []


def test_a_deaf_radio_does_not_send_people_away_at_once() -> None:
    anna = beacon("anna", 1, STAFF)
    air = Air(presence_of(anna), Voice(anna, {"hci0": at(2)}))
    air.play(60)
    air.deaf.add("hci0")
    assert moves(air.play(40)) == []  # it is known of no one
    air.deaf.clear()
    assert moves(air.play(20)) == []
    air.deaf.add("hci0")
    assert moves(air.play(70)) == ["-door stopped"]
    air.deaf.clear()
    assert moves(air.play(10)) == ["+door"]


def test_at_the_end_nobody_is_known_to_be_anywhere() -> None:
    anna = beacon("anna", 1, STAFF)
    air = Air(presence_of(anna), Voice(anna, {"hci0": at(2)}))
    air.play(10)
    assert moves(air.presence.stop(moment(11))) == ["-door stopped"]
    assert moves(air.presence.stop(moment(12))) == []


def test_a_document_that_goes_takes_its_carrier_along() -> None:
    anna = beacon("anna", 1, STAFF)
    air = Air(presence_of(anna), Voice(anna, {"hci0": at(2)}))
    air.play(10)
    air.presence.documents(shop_of(), moment(10))
    assert moves(air.play(1)) == ["-door forgotten"]
    assert moves(air.play(30)) == []


def test_a_document_that_changes_its_pages_or_power_keeps_what_is_known() -> None:
    anna = beacon("anna", 1, STAFF)
    air = Air(presence_of(anna), Voice(anna, {"hci0": at(2)}))
    air.play(10)
    air.presence.documents(shop_of(beacon("anna", 1, STAFF, comment="new")), moment(10))
    assert moves(air.play(30)) == []
    air.presence.documents(shop_of(beacon("anna", 2, STAFF)), moment(40))
    assert moves(air.play(1)) == ["-door forgotten"]


def test_a_phone_is_noticed_only_while_its_owner_agreed() -> None:
    phone = beacon("phone-1", 1, CarriedBy.PHONE, consent_to_ms=NOON_MS + 30_500)
    presence = presence_of(phone, interval_s=120)
    air = Air(presence, Voice(phone, {"hci0": at(2)}, address="D2:00:00:00:00:02"))

    def seconds(count: int) -> list[Event]:
        events: list[Event] = []
        for _ in range(count):
            presence.documents(shop, moment(air.s))
            events += air.play(1)
        return events

    shop = shop_of(phone)
    assert moves(seconds(30)) == ["+door"]
    assert moves(seconds(5)) == ["-door forgotten"]
    assert moves(seconds(40)) == []
    assert not presence.tracks
    assert presence.ears["hci0"].noise.take(2000).sources == 1  # a stranger's now


def test_while_no_time_is_known_a_phone_is_a_strangers_and_rotating_ids_say_nothing() -> None:
    phone = beacon("phone-1", 1, CarriedBy.PHONE, consent_to_ms=NOON_MS + 10**9)
    shelf = beacon("shelf", 7, rotating=True)
    presence = presence_of(phone, shelf, state=ClockState.UNSET)
    minor = minor_of(KEY, epoch=epoch_of(NOON_MS, rotate_s=ROTATE_S), index=7)
    air = Air(
        presence,
        Voice(phone, {"hci0": at(2)}, address="D2:00:00:00:00:02"),
        Voice(shelf, {"hci0": at(3)}, minor=lambda _s: minor),
    )
    events = air.play(400, state=ClockState.UNSET)
    assert events == []
    assert not presence.tracks["shelf"].hearings
    presence.documents(shop_of(phone, shelf), moment(400))
    while not presence.work():
        pass
    assert set(presence.tracks) == {"phone-1", "shelf"}


def test_a_rotating_beacon_on_a_cart_stays_one_cart() -> None:
    cart = beacon("cart", 300, CarriedBy.CART, rotating=True, interval_ms=200)
    presence = presence_of(cart)

    def minor(s: float) -> int:
        return minor_of(KEY, epoch=epoch_of(NOON_MS + round((s - 4) * 1000), rotate_s=ROTATE_S), index=300)

    air = Air(presence, Voice(cart, {"hci0": at(2)}, minor=minor))  # its clock is four seconds late
    for _ in range(3 * ROTATE_S):
        presence.documents(shop_of(cart), moment(air.s))
        presence.work()
        air.play(1)
    assert moves(air.events) == ["+door"]


def test_nonsense_from_the_air_is_nobody() -> None:
    presence = presence_of(beacon("anna", 1, STAFF))
    for data in (b"", b"\x02", b"\x02\x15", b"\x02\x15" + b"\x00" * 20, b"\x10\x05" + b"\xff" * 40):
        presence.heard(advert(1, 0.5)._replace(manufacturer={0x004C: data}, address="D9:00:00:00:00:01"))
    presence.heard(advert(1, 0.5, radio="hci9"))
    for rssi_dbm in (127, -127, 21, -200):
        presence.heard(advert(1, 0.6, rssi_dbm=rssi_dbm))
    assert [presence.tick(moment(s)) for s in range(1, 8)] == [[]] * 7


@given(
    st.dictionaries(st.sampled_from([0x004C, 6]), st.binary(max_size=40), max_size=2),
    st.dictionaries(st.sampled_from([EDDYSTONE, "x"]), st.binary(max_size=20), max_size=2),
    st.integers(-200, 200),
    st.binary(max_size=8),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
)
@example({0x004C: b"\x02\x15"}, {}, 0, b"", 0.0)
def test_the_air_can_say_what_it_wants(
    manufacturer: dict[int, bytes], services: dict[str, bytes], rssi_dbm: int, more: bytes, at_s: float
) -> None:
    presence = presence_of(beacon("anna", 1, STAFF), beacon("shelf", 7, rotating=True, address="D9:00:00:00:00:01"))
    for data in (manufacturer, {0x004C: frame(minor=1, extra=more)}, {0x004C: frame(minor=9, extra=more)}):
        presence.heard(Advert("hci0", "D9:00:00:00:00:01", rssi_dbm, at_s, data, services))
    presence.tick(moment(1))
    presence.tick(moment(100))


@pytest.mark.parametrize("seed", range(4))
def test_whoever_strolls_about_is_in_one_zone_at_a_time(seed: int) -> None:
    """And is never told twice to be where they are, nor to leave where they were not."""
    stroll, anna = Random(seed), beacon("anna", 1, STAFF)
    ways = [walk(*((s * 20, stroll.choice([1, 3, 6, 12, 40])) for s in range(180))) for _ in range(3)]
    voice = Voice(anna, {f"hci{number}": way for number, way in enumerate(ways)}, lost=0.3)
    air, inside = Air(presence_of(anna, zones=("door", "till", "drinks")), voice, seed=seed), ""
    for word in moves(air.play(3600)):
        zone = word[1:].split()[0]
        assert (zone != inside) if word[0] == "+" else (zone == inside)
        inside = zone if word[0] == "+" else ""
    assert 5 < len(moves(air.events)) < 200
