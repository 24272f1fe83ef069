from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import rotation
from edge.clock import ClockState
from edge.events import MAX_HEARD
from edge.shake_answers import ShakeWhy
from edge.shake_heard import MAX_TRIED, Ears, RawBeacon, distance_m
from edge.shop import Beacon, CarriedBy
from tests.edge.shake.given_shake import UUID, beacon
from tests.given import NOON_MS, stamp

KEY = b"r" * 32
ROTATE_S = 300
EPOCH = NOON_MS // (ROTATE_S * 1000)
SHOP: dict[str, Beacon] = {
    "door": beacon("door", 1),
    "turn": beacon("turn", 40_000, rotating=True),
    "spin": beacon("spin", 7, rotating=True, measured_power_dbm=-65),
    "cart": beacon("cart", 2, carried_by=CarriedBy.CART),
    "lone": beacon("lone", 9, major=2),
}
EARS = Ears(KEY, rotate_s=ROTATE_S)


def raw(minor: int, *, uuid: str = UUID, major: int = 1, **more: object) -> RawBeacon:
    return RawBeacon(uuid=uuid, major=major, minor=minor, **more)  # type: ignore[arg-type]


def turning(index: int, epoch: int = EPOCH, **more: object) -> RawBeacon:
    return raw(rotation.minor_of(KEY, epoch=epoch, index=index), **more)


def names(*raws: RawBeacon, state: ClockState = ClockState.SYNCED) -> list[str]:
    return [each.beacon for each in EARS.hear(raws, SHOP, now=stamp(state=state)).heard]


def why(*raws: RawBeacon, state: ClockState = ClockState.SYNCED) -> ShakeWhy | None:
    resolved = EARS.hear(raws, SHOP, now=stamp(state=state))
    assert resolved.heard == ()
    return resolved.why


def test_fixed_and_rotating_ids_become_the_shops_beacons() -> None:
    assert names(raw(1), turning(40_000), turning(7)) == ["door", "turn", "spin"]
    assert names(raw(1, uuid=UUID.lower())) == ["door"]
    assert names(turning(7, EPOCH - 1), turning(7, EPOCH + 1)) == ["spin"], "once, though it was heard in two epochs"


@pytest.mark.parametrize("minor", [0, 65_535])
def test_the_first_and_the_last_minor_are_as_good_as_any(minor: int) -> None:
    for shift, wanted in ((0, None), (-2, ShakeWhy.OLD)):
        index = rotation.index_of(KEY, epoch=EPOCH + shift, minor=minor)
        known = {"one": beacon("one", index, rotating=True)}
        resolved = Ears(KEY, rotate_s=ROTATE_S).hear([raw(minor)], known, now=stamp())
        assert resolved.why is wanted
        assert len(resolved.heard) == (wanted is None)


def test_old_forged_and_strange_ids() -> None:
    assert why(turning(7, EPOCH - 2)) is ShakeWhy.OLD
    assert why(turning(7, EPOCH - 288)) is ShakeWhy.OLD
    assert why(turning(7, EPOCH - 289)) is ShakeWhy.FORGED
    assert why(turning(7, EPOCH + 2)) is ShakeWhy.FORGED
    assert why(turning(8)) is ShakeWhy.FORGED, "an index that no document has"
    assert why(raw(7)) is ShakeWhy.FORGED, "an index never goes on the air"
    assert why(raw(70_000)) is ShakeWhy.FORGED
    assert why(raw(-1)) is ShakeWhy.FORGED
    assert why(raw(5, major=3)) is None, "a stranger's"
    assert why(raw(8, major=2)) is None, "no rotating beacon has that major: nothing to forge"
    assert why() is None


def test_the_nearest_of_what_is_wrong_is_told() -> None:
    far, near = turning(7, EPOCH - 5, accuracy_m=9.0), turning(8, accuracy_m=0.5)
    assert why(far, near) is why(near, far) is ShakeWhy.FORGED
    assert names(near, raw(1)) == ["door"], "beside a good one, a bad one is nothing"


def test_an_unset_clock_knows_no_epoch_but_every_fixed_id() -> None:
    assert why(turning(7), state=ClockState.UNSET) is ShakeWhy.CLOCK_UNSURE
    assert names(turning(7), raw(1), state=ClockState.UNSET) == ["door"]


def test_what_is_carried_is_no_place() -> None:
    assert why(raw(2)) is None
    assert names(raw(2, accuracy_m=0.1), raw(1, accuracy_m=20.0)) == ["door"]


def test_nearest_first_by_whatever_the_phone_gives() -> None:
    by_ios = [
        raw(1, accuracy_m=-1.0, rssi_dbm=0, proximity=0),
        raw(9, major=2, accuracy_m=3.0),
        turning(7, accuracy_m=0.4),
    ]
    assert names(*by_ios) == ["spin", "lone", "door"]
    assert names(raw(1, rssi_dbm=-80), raw(9, major=2, rssi_dbm=-60)) == ["lone", "door"]
    assert names(turning(7, rssi_dbm=-70), raw(1, rssi_dbm=-68)) == ["spin", "door"], "weaker, but it sends weaker too"
    assert names(raw(1, proximity=3), raw(9, major=2, proximity=1)) == ["lone", "door"]
    assert names(raw(1), raw(9, major=2, accuracy_m=500.0)) == ["lone", "door"], "unknown is last"


def test_distances() -> None:
    assert distance_m(raw(1, accuracy_m=1.25, rssi_dbm=-90), -59) == 1.25
    assert distance_m(raw(1, rssi_dbm=-59), -59) == 1.0
    assert distance_m(raw(1, rssi_dbm=-86), -59) == 10.0
    assert distance_m(raw(1, rssi_dbm=-80), 0) is None, "not calibrated"
    for unknown in (
        {},
        {"rssi_dbm": 0},
        {"rssi_dbm": 127},
        {"accuracy_m": 0.0},
        {"accuracy_m": math.nan},
        {"accuracy_m": math.inf},
    ):
        assert distance_m(raw(1, **unknown), -59) is None
    assert distance_m(raw(1, accuracy_m=1e9), -59) == 1000.0


def test_no_more_than_an_event_may_have() -> None:
    many = {f"b{number}": beacon(f"b{number}", number) for number in range(300)}
    raws = [raw(number, accuracy_m=300.0 - number) for number in range(300)]
    heard = EARS.hear(raws, many, now=stamp()).heard
    assert len(heard) == MAX_HEARD
    assert heard[0].beacon == "b299", "the nearest of all"


def test_a_list_of_made_up_ids_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    index_of = rotation.index_of

    def counted(key: bytes, *, epoch: int, minor: int) -> int:
        tried.append(minor)
        return index_of(key, epoch=epoch, minor=minor)

    monkeypatch.setattr(rotation, "index_of", counted)
    ears = Ears(KEY, rotate_s=ROTATE_S)
    raws = [raw(number * 7 % 65_536, accuracy_m=1.0) for number in range(50_000)]
    assert ears.forged(raws, SHOP, now=stamp()) == MAX_TRIED
    assert len(tried) <= MAX_TRIED * len(rotation.ACCEPT)
    ears.hear(raws, SHOP, now=stamp())
    assert len(tried) <= MAX_TRIED * len(rotation.ACCEPT) + 288, "tried once, and the nearest for the last day"
    for start in range(0, 30_000, 20):
        ears.forged([raw(minor) for minor in range(start, start + 20)], SHOP, now=stamp())
    assert ears._index_again.cache_info().currsize <= 4096  # type: ignore[attr-defined]


def test_forged_ids_are_counted_and_nothing_else() -> None:
    def forged(*raws: RawBeacon, state: ClockState = ClockState.SYNCED) -> int:
        return EARS.forged(raws, SHOP, now=stamp(state=state))

    assert forged(raw(1), turning(7), turning(40_000, EPOCH + 1), raw(5, major=3), raw(8, major=2)) == 0
    assert forged(turning(8), turning(9), raw(1)) == 2
    assert forged(turning(8), turning(8, accuracy_m=0.1)) == 1, "the same one again is the same guess"
    assert forged(turning(7, EPOCH - 2)) == 1, "old ones too: a guess may look old by chance"
    assert forged(turning(8), state=ClockState.UNSET) == 0


def test_the_nearest_are_tried_whatever_else_is_in_the_list() -> None:
    strangers = [raw(number, major=3, accuracy_m=0.1) for number in range(500)]
    fakes = [turning(1000 + number, accuracy_m=5.0) for number in range(500)]
    assert names(*strangers, *fakes, turning(7, accuracy_m=2.0)) == ["spin"]


@given(st.integers(0, 65_535), st.integers(-1, 1))
def test_every_index_is_known_in_the_epochs_in_force(index: int, shift: int) -> None:
    known = {"one": beacon("one", index, rotating=True)}
    heard = Ears(KEY, rotate_s=ROTATE_S).hear([turning(index, EPOCH + shift)], known, now=stamp()).heard
    assert [each.beacon for each in heard] == ["one"]


@pytest.mark.parametrize("uuid", ["", "x" * 5000, "\0", UUID + " "])
def test_odd_uuids_are_strangers(uuid: str) -> None:
    assert why(raw(1, uuid=uuid)) is None
