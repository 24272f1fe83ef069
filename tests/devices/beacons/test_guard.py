"""What goes wrong with beacons is noticed, once, and what is only air is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from devices.beacons.advert import APPLE, EDDYSTONE, Advert
from devices.beacons.frames import KKM, percent_of_mv
from edge.clock import ClockState
from edge.events import BeaconHealthChanged, BeaconProblem, Event
from edge.rotation import epoch_of, minor_of
from edge.shop import Beacon, CarriedBy
from tests.devices.beacons.given_presence import (
    KEY,
    ROTATE_S,
    Air,
    Distance,
    Voice,
    advert,
    at,
    beacon,
    frame,
    moment,
    presence_of,
    shop_of,
    stranger,
    uid_advert,
    walk,
)
from tests.given import NOON_MS

ALICE, MALLORY = "C1:00:00:00:00:0A", "C1:00:00:00:00:0B"


def wrongs(events: list[Event]) -> list[str]:
    """`+moved`, `-moved` in order."""
    return [
        f"{'+' if event.wrong else '-'}{event.problem}" for event in events if isinstance(event, BeaconHealthChanged)
    ]


def hung(shelf: Beacon, metres: Distance | None = None, **changes: object) -> tuple[Air, Voice]:
    voice = Voice(shelf, {"hci0": metres or at(3)}, address=ALICE)._replace(**changes)  # type: ignore[arg-type]
    return Air(presence_of(shelf), voice), voice


def with_noise(air: Air, seconds: int) -> list[Event]:
    """Something else is heard too, so the radio is known to listen."""
    events: list[Event] = []
    for _ in range(seconds):
        for tenth in range(0, 10, 2):
            air.presence.heard(stranger("D0:00:00:00:00:09", air.s + tenth / 10))
        events += air.play(1)
    return events


def test_a_shops_day_in_which_nothing_is_wrong() -> None:
    shelf = beacon("shelf", interval_ms=1000)
    shadows = lambda s: (s // 600) % 7 == 0 and s % 600 < 60  # noqa: E731
    air, _ = hung(shelf, body=shadows)
    assert wrongs(air.play(10 * 3600)) == []


def test_two_that_say_one_id_are_a_clone() -> None:
    shelf = beacon("shelf")
    voices = Voice(shelf, {"hci0": at(3)}, address=ALICE), Voice(shelf, {"hci0": walk((0, None), (60, 6), (200, None))})
    air = Air(presence_of(shelf), voices[0], voices[1]._replace(address=MALLORY))
    assert wrongs(air.play(60)) == []
    assert wrongs(air.play(30)) == ["+cloned"]
    assert wrongs(air.play(110 + 200)) == []
    assert wrongs(air.play(300)) == ["-cloned"]


def test_a_new_address_now_and_then_is_no_clone() -> None:
    shelf = beacon("shelf")
    presence = presence_of(shelf, zones=("door", "till"))
    events = []
    for tenth in range(36_000):
        s = tenth / 10
        address = f"C1:00:00:00:{tenth // 9000:02}:01"
        late = f"C1:00:00:00:{max(0, tenth - 3) // 9000:02}:01"  # the other radio's queue
        presence.heard(advert(1, s, address=address))
        presence.heard(advert(1, s, address=late, radio="hci1"))
        if tenth % 10 == 9:
            events += presence.tick(moment(s))
    assert wrongs(events) == []


def test_a_clone_that_changes_its_address_each_time_is_one_too() -> None:
    presence = presence_of(beacon("shelf"))
    events = []
    for s in range(30):
        presence.heard(advert(1, s + 0.1, address=ALICE))
        presence.heard(advert(1, s + 0.6, address=f"C1:00:00:00:00:{s + 16:02X}"))
        events += presence.tick(moment(s + 1))
    assert wrongs(events) == ["+cloned"]
    assert len(presence._voices.speaking) == 1


def test_a_clone_with_the_same_address_shows_two_strengths() -> None:
    shelf = beacon("shelf", interval_ms=500)
    near, far = Voice(shelf, {"hci0": at(1)}, lost=0.05), Voice(shelf, {"hci0": at(12)}, lost=0.05)
    air = Air(presence_of(shelf), near)
    assert wrongs(air.play(300)) == []
    both = Air(presence_of(shelf), near, far)
    assert "+cloned" in wrongs(both.play(300))


def test_the_radio_that_sends_an_id_does_not_hear_itself() -> None:
    own = beacon("own", profile="gateway")
    air = Air(presence_of(own), Voice(own, {"hci0": at(3)}))
    assert wrongs(air.play(30)) == ["+cloned"]


def spoken(s: float, index: int = 7) -> int:
    return minor_of(KEY, epoch=epoch_of(NOON_MS + round(s * 1000), rotate_s=ROTATE_S), index=index)


def rotating_for(
    seconds: int, extra: Callable[[float], int | None], state: ClockState = ClockState.SYNCED
) -> list[str]:
    """A rotating beacon, and beside it whatever `extra` says."""
    shelf = beacon("shelf", 7, rotating=True)
    presence = presence_of(shelf, state=state)
    events = []
    for tenth in range(0, seconds * 10, 5):
        s = tenth / 10
        presence.heard(advert(spoken(s), s, address=ALICE))
        if (minor := extra(s)) is not None:
            presence.heard(advert(minor, s + 0.2, address=MALLORY))
        if tenth % 10 == 0:
            presence.documents(shop_of(shelf), moment(s, state))
            presence.work()
            events += presence.tick(moment(s + 0.3, state))
    return wrongs(events)


def test_an_id_of_an_hour_ago_is_a_recording() -> None:
    said = rotating_for(2400, lambda s: spoken(-3600) if 300 <= s < 600 else None)
    assert said == ["+replayed", "-replayed"]


def test_ids_of_now_strangers_and_single_packets_are_none() -> None:
    assert rotating_for(1200, lambda _s: None) == []
    assert rotating_for(300, lambda _s: 4711) == []
    assert rotating_for(300, lambda s: spoken(-3600) if s == 100 else None) == []


def test_without_a_time_no_recording_is_recognised() -> None:
    assert rotating_for(300, lambda _s: spoken(-3600), ClockState.UNSET) == []


def test_a_beacon_with_a_slow_clock_replays_nothing() -> None:
    shelf = beacon("shelf", 7, rotating=True, address=ALICE)
    air = Air(presence_of(shelf), Voice(shelf, {"hci0": at(2)}, address=ALICE, minor=lambda s: spoken(s - 7200)))
    assert wrongs(air.play(100)) == []


def test_a_beacon_that_was_carried_off_has_moved() -> None:
    air, _ = hung(beacon("shelf"), walk((0, 2), (3600, 2), (3610, 9), (7200, 9), (7210, 2)))
    assert wrongs(air.play(3600 + 600)) == []
    assert wrongs(air.play(600)) == ["+moved"]
    assert wrongs(air.play(2400)) == []
    assert wrongs(air.play(900)) == ["-moved"]


def test_an_hour_behind_a_pallet_is_no_move_but_a_day_is_where_it_belongs() -> None:
    air, _ = hung(beacon("shelf", interval_ms=1000), walk((0, 2), (3600, 2), (3601, 9), (10**6, 9)))
    events = air.play(27 * 3600)
    assert wrongs(events) == ["+moved", "-moved"]
    ended = [event for event in events if isinstance(event, BeaconHealthChanged)][1]
    assert ended.at.at_ms - NOON_MS > 24 * 3600 * 1000


def test_another_id_from_its_address_is_reprogramming() -> None:
    shelf = beacon("shelf", address=ALICE.lower())
    presence = presence_of(shelf, beacon("other", 5))
    events: list[Event] = []

    def say(minor: int, from_s: int, to_s: int) -> list[str]:
        told: list[Event] = []
        for s in range(from_s, to_s):
            presence.heard(advert(minor, s + 0.5, address=ALICE))
            told += presence.tick(moment(s + 1))
        events.extend(told)
        return wrongs(told)

    assert say(1, 0, 100) == []
    assert say(9, 100, 180) == ["+reprogrammed"]
    assert say(1, 180, 220) == ["-reprogrammed"]
    assert say(5, 220, 300) == ["+reprogrammed"]  # to the id of another of the shop's
    assert {event.beacon for event in events if isinstance(event, BeaconHealthChanged)} == {"shelf"}


def test_two_slots_of_one_beacon_are_not() -> None:
    presence = presence_of(beacon("shelf", address=ALICE))
    events = []
    for s in range(300):
        presence.heard(advert(1, s + 0.2, address=ALICE))
        presence.heard(advert(77, s + 0.7, address=ALICE))
        events += presence.tick(moment(s + 1))
    assert wrongs(events) == []


def test_a_faint_beacon_is_weak_and_recovers() -> None:
    air, _ = hung(beacon("shelf", measured_power_dbm=-75), walk((0, 1), (700, 1), (701, 6), (1600, 6), (1601, 1)))
    assert wrongs(air.play(700)) == []
    assert "+weak" in wrongs(air.play(900))
    assert "-weak" in wrongs(air.play(900))


def test_far_fewer_packets_than_usual_are_weak_too() -> None:
    shelf = beacon("shelf")
    presence = presence_of(shelf)
    air = Air(presence, Voice(shelf, {"hci0": at(2)}))
    with_noise(air, 700)
    air.voices = (air.voices[0]._replace(lost=0.9),)
    assert wrongs(with_noise(air, 900)) == ["+weak"]


def test_silence_counts_only_while_the_radio_listens() -> None:
    air, _ = hung(beacon("shelf"), walk((0, 2), (120, None)))
    with_noise(air, 120)
    air.deaf.add("hci0")
    assert wrongs(air.play(3600)) == []
    air.deaf.clear()
    told = with_noise(air, 70)
    assert wrongs(told) == ["+silent"]
    (event,) = [event for event in told if isinstance(event, BeaconHealthChanged)]
    assert event.silent_s is not None
    assert event.silent_s > 3600
    air.voices = (air.voices[0]._replace(metres={"hci0": at(2)}),)
    assert wrongs(with_noise(air, 20)) == ["-silent"]


def test_what_was_never_heard_is_not_called_silent() -> None:
    air, _ = hung(beacon("shelf"), at(10_000))
    assert wrongs(with_noise(air, 600)) == []


@pytest.mark.parametrize("percent", [3, 15])
def test_a_low_battery_behind_the_frame(percent: int) -> None:
    presence = presence_of(beacon("cart", carried_by=CarriedBy.CART))
    events = []
    for s in range(200):
        left = percent if s < 100 else 90
        presence.heard(advert(1, s + 0.5, extra=bytes([left])))
        events += presence.tick(moment(s + 1))
    assert wrongs(events) == ["+battery_low", "-battery_low"]


@pytest.mark.parametrize(
    ("data", "percent"),
    [
        (b"\x20\x00\x08\x34" + bytes(10), percent_of_mv(2100)),
        (b"\x20\x00\x0b\xb8" + bytes(10), 100),
        (b"\x20\x00\x00\x00" + bytes(10), None),  # does not measure it
        (b"\x20\x00\x0b\xb8", None),  # cut off
        (b"\x20\x01\x08\x34" + bytes(14), None),  # encrypted
        (b"", None),
    ],
)
def test_a_battery_in_eddystones_telemetry(data: bytes, percent: int | None) -> None:
    presence = presence_of(beacon("shelf"))
    presence.heard(advert(1, 0.5, address=ALICE))
    presence.heard(stranger(ALICE, 0.6)._replace(manufacturer={}, service_data={EDDYSTONE: data}))
    assert presence.tracks["shelf"].guard.evidence.battery_percent == percent


def test_a_phone_has_no_health() -> None:
    phone = beacon("phone", carried_by=CarriedBy.PHONE, consent_to_ms=NOON_MS + 10**9)
    presence = presence_of(phone)
    events = []
    for s in range(100):
        presence.heard(advert(1, s + 0.2, address=ALICE, extra=b"\x01"))
        presence.heard(advert(1, s + 0.7, address=MALLORY))
        events += presence.tick(moment(s + 1))
    assert wrongs(events) == []


def test_a_problem_told_before_the_start_ends_when_it_is_over() -> None:
    shelf = beacon("shelf")
    presence = presence_of(shelf)
    presence.remember("shelf", BeaconProblem.SILENT)
    presence.remember("gone", BeaconProblem.WEAK)
    air = Air(presence)
    assert wrongs(with_noise(air, 100)) == []
    air = Air(presence, Voice(shelf, {"hci0": at(2)}))
    air.s = 100
    air._next = [100.0]
    assert wrongs(air.play(30)) == ["-silent"]


def test_a_move_is_not_over_because_the_gateway_began_anew() -> None:
    """Where it hangs now is not where it belongs: that was told before the start, and is not learned anew."""
    shelf = beacon("shelf", interval_ms=500)
    presence = presence_of(shelf, zones=("door", "till"))
    presence.remember("shelf", BeaconProblem.MOVED, radio="hci0", usual_rssi_dbm=-62.0)
    air = Air(presence, Voice(shelf, {"hci0": walk((0, 14), (5000, 14), (5001, 1.3)), "hci1": at(3)}, lost=0.05))
    assert wrongs(air.play(5000)) == []
    assert wrongs(air.play(600)) == ["-moved"]


def test_a_move_from_an_unknown_place_is_learned_anew() -> None:
    shelf = beacon("shelf")
    presence = presence_of(shelf)
    for radio, usual_dbm in (("hci0", None), ("hci7", -60.0)):
        presence.remember("shelf", BeaconProblem.MOVED, radio=radio, usual_rssi_dbm=usual_dbm)
    assert wrongs(with_noise(Air(presence), 100)) == []
    air = Air(presence, Voice(shelf, {"hci0": at(5)}))
    air.s, air._next = 100, [100.0]
    assert wrongs(air.play(1000)) == ["-moved"]


def test_a_move_is_told_by_the_radio_that_noticed_it() -> None:
    shelf = beacon("shelf", interval_ms=500)
    away = walk((0, 2), (3600, 2), (3601, 12))
    air = Air(presence_of(shelf, zones=("door", "till")), Voice(shelf, {"hci0": away, "hci1": at(1)}))
    (event,) = [event for event in air.play(5400) if isinstance(event, BeaconHealthChanged)]
    assert (event.problem, event.radio) == (BeaconProblem.MOVED, "hci0")
    assert event.usual_rssi_dbm == pytest.approx(-67, abs=4)
    assert event.rssi_dbm == pytest.approx(-88, abs=6)


def test_a_reprogramming_is_not_over_before_its_own_id_is_heard() -> None:
    presence = presence_of(beacon("shelf", address=ALICE))
    presence.remember("shelf", BeaconProblem.REPROGRAMMED)
    events = []
    for s in range(200):
        if s >= 20:
            presence.heard(advert(9 if s < 120 else 1, s + 0.5, address=ALICE))
        events += presence.tick(moment(s + 1))
        assert s < 120 or events == [] or wrongs(events) == ["-reprogrammed"]
    assert wrongs(events) == ["-reprogrammed"]


def test_another_uid_from_its_address_is_reprogramming_too() -> None:
    presence = presence_of(beacon("shelf", address=ALICE))
    events = []
    for s in range(200):
        presence.heard(uid_advert(1 if s < 100 else 9, s + 0.5, address=ALICE))
        events += presence.tick(moment(s + 1))
    assert wrongs(events) == ["+reprogrammed"]


KKM_SYSTEM = bytes.fromhex("22 03 07 BC5729000001 0102")


@pytest.mark.parametrize(
    "said",
    [
        stranger(ALICE, 0.6)._replace(manufacturer={KKM: KKM_SYSTEM}),
        advert(1, 0.6, address=ALICE)._replace(manufacturer={APPLE: frame(), KKM: KKM_SYSTEM}),
        uid_advert(1, 0.6, address=ALICE)._replace(manufacturer={KKM: KKM_SYSTEM}),
        stranger(MALLORY, 0.6)._replace(manufacturer={KKM: KKM_SYSTEM}),
    ],
    ids=["alone", "beside its id", "beside a uid", "from the address of its document"],
)
def test_a_battery_in_a_makers_own_data(said: Advert) -> None:
    presence = presence_of(beacon("shelf", address=MALLORY))
    presence.heard(advert(1, 0.5, address=ALICE))
    presence.heard(said)
    assert presence.tracks["shelf"].guard.evidence.battery_percent == 7
    assert presence.ears["hci0"].noise.take(2000).adverts == 0


def test_a_document_that_goes_ends_its_problems() -> None:
    presence = presence_of(beacon("shelf"))
    for s in range(30):
        presence.heard(advert(1, s + 0.1, address=ALICE))
        presence.heard(advert(1, s + 0.6, address=MALLORY))
        presence.tick(moment(s + 1))
    presence.documents(shop_of(), moment(31))
    assert wrongs(presence.tick(moment(31))) == ["-cloned"]
    assert not presence._voices.speaking
