"""Lists of beacons as phones give them: three systems' shapes, tolerant of numbers, strict about ids."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.shake_desk import RawBeacon
from edge.web.guest.ranging import MAX_DISTANCE_M, MAX_ENTRIES, RangingError, ranged

UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
WX = {"uuid": UUID, "major": 10001, "minor": 7, "proximity": 2, "accuracy": 1.25, "rssi": -67}
ONE = RawBeacon(uuid=UUID, major=10001, minor=7, rssi_dbm=-67, accuracy_m=1.25, proximity=2)


@pytest.mark.parametrize(
    "entry",
    [
        WX,
        {**WX, "uuid": UUID.lower(), "major": "10001", "minor": "7", "accuracy": "1.25", "rssi": "-67"},
        {**WX, "uuid": UUID.replace("-", ""), "major": 10001.0, "minor": " 7 ", "rssi": -67.0, "heading": {"x": 1}},
        {**WX, "proximity": "near"},
        {
            "id1": UUID.lower(),
            "id2": "10001",
            "id3": "7",
            "distance": 1.25,
            "rssi": -67,
            "proximity": 2,
            "txPower": -59,
        },
    ],
)
def test_three_systems_say_the_same(entry: dict[str, object]) -> None:
    assert ranged([entry]) == (ONE,)


@pytest.mark.parametrize(
    ("changes", "distance_m", "rssi_dbm", "proximity"),
    [
        ({"accuracy": -1, "rssi": 0, "proximity": 0}, None, None, None),  # iOS: not known
        ({"accuracy": "-1.000", "rssi": "0", "proximity": "unknown"}, None, None, None),
        ({"accuracy": None, "rssi": None, "proximity": None}, None, None, None),
        ({"accuracy": "NaN", "rssi": "loud", "proximity": "close"}, None, None, None),
        ({"accuracy": [1], "rssi": {"dbm": 1}, "proximity": True}, None, None, None),
        ({"accuracy": 5e9, "rssi": -500, "proximity": 9}, MAX_DISTANCE_M, None, None),
        ({"accuracy": 0.0, "rssi": -67.4, "proximity": "Immediate"}, 0.0, -67, 1),
    ],
)
def test_what_makes_no_sense_of_a_guess_is_unknown(
    changes: dict[str, object], distance_m: float | None, rssi_dbm: int | None, proximity: int | None
) -> None:
    (found,) = ranged([WX | changes])
    assert (found.accuracy_m, found.rssi_dbm, found.proximity) == (distance_m, rssi_dbm, proximity)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"uuid": "FDA50693"}, "uuid: a UUID"),
        ({"uuid": 5}, "uuid: a UUID"),
        ({"uuid": UUID + "\n" * 9}, "uuid: a UUID"),
        ({"major": -1}, "major: 0 to 65535"),
        ({"minor": 65_536}, "minor: 0 to 65535"),
        ({"minor": 1.5}, "minor: 0 to 65535"),
        ({"minor": True}, "minor: 0 to 65535"),
        ({"minor": "0x10"}, "minor: 0 to 65535"),
        ({"minor": "٣"}, "minor: 0 to 65535"),  # a digit, but not one of ours
        ({"minor": None}, "minor: 0 to 65535"),
        ({"minor": 10**400}, "minor: 0 to 65535"),
        ({"minor": "9" * 5000}, "minor: 0 to 65535"),
        ({"id1": UUID}, "id2: 0 to 65535"),
    ],
)
def test_an_id_must_be_right(changes: dict[str, object], words: str) -> None:
    with pytest.raises(RangingError, match=words) as told:
        ranged([WX, WX | changes])
    assert "beacons[1]" in str(told.value)
    assert len(str(told.value)) < 80  # what was sent is not repeated


@pytest.mark.parametrize("items", [{}, "x", 5, None, [5], [[]], [None], [WX] * (MAX_ENTRIES + 1)])
def test_only_a_list_of_so_many_objects(items: object) -> None:
    with pytest.raises(RangingError):
        ranged(items)


def test_as_many_as_a_phone_ranges() -> None:
    assert len(ranged([WX] * MAX_ENTRIES)) == MAX_ENTRIES
    assert ranged([]) == ()


unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Other tests may have the machine."""
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@unhurried
@given(st.lists(st.dictionaries(st.sampled_from([*WX, "id1", "id2", "id3", "distance"]), junk, max_size=6), max_size=4))
def test_whatever_is_sent_it_is_beacons_or_one_error(items: list[dict[str, object]]) -> None:
    try:
        found = ranged(items)
    except RangingError:
        return
    assert all(0 <= beacon.minor <= 0xFFFF and len(beacon.uuid) == 36 for beacon in found)
    msgspec.json.encode(found)


@unhurried
@given(st.lists(st.fixed_dictionaries({name: st.just(value) | junk for name, value in WX.items()}), max_size=3))
def test_nearly_right_ones_too(items: list[dict[str, object]]) -> None:
    try:
        msgspec.json.encode(ranged(items))
    except RangingError:
        return
