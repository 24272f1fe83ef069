"""Ids of documents, and of rotating beacons in the epochs around now."""

from __future__ import annotations

import time

import pytest

from devices.beacons.frames import eddystone
from devices.beacons.frames.ibeacon import id_of
from devices.beacons.presence import known as module
from devices.beacons.presence.known import Known
from edge.rotation import minor_of
from edge.shop import Beacon
from tests.devices.beacons.given_presence import KEY, ROTATE_S, UUID, beacon

EPOCH = 5_983_333


def spoken(index: int, epoch: int, major: int = 1) -> bytes:
    return id_of(UUID, major, minor_of(KEY, epoch=epoch, index=index))


def of(*beacons: Beacon, epoch: int | None = EPOCH) -> Known[str]:
    known: Known[str] = Known(KEY, rotate_s=ROTATE_S)
    known.epoch(epoch)
    known.documents((one, one.id) for one in beacons)
    ready(known)
    return known


def ready(known: Known[str]) -> None:
    while not known.work():
        pass


def test_a_fixed_id_is_twenty_bytes() -> None:
    known = of(beacon("shelf", 258, major=3))
    one, _ = known.ids
    assert one.hex() == "fda50693a4e24fb1afcfc6eb0764782500030102"
    assert known.ids[one] == "shelf"
    assert known.regions == frozenset()


def test_a_fixed_one_is_known_by_eddystone_too_unless_two_would_be_meant() -> None:
    uid = eddystone.uid_of(UUID, 3, 258)
    assert of(beacon("shelf", 258, major=3)).ids[uid] == "shelf"
    assert uid not in of(beacon("shelf", 258, major=3, rotating=True)).ids
    other = UUID.replace("-A4E2-4FB1-", "-0000-0000-")  # the frame has no room for these bytes
    assert uid not in of(beacon("shelf", 258, major=3), beacon("till", 258, major=3, uuid=other)).ids


@pytest.mark.parametrize("count", [50, 130, 150, 199, 250])
def test_what_is_said_to_be_known_is_known(count: int) -> None:
    """Portions end anywhere in an epoch."""
    known: Known[str] = Known(KEY, rotate_s=ROTATE_S)
    known.epoch(EPOCH)
    known.documents((beacon(f"b{index}", index, rotating=True), f"b{index}") for index in range(count))
    worked = 0
    while not known.work():
        worked += module.PORTION
        assert worked < count or spoken(count - 1, EPOCH) in known.ids
    for step in (-1, 0, 1):
        assert all(spoken(index, EPOCH + step) in known.ids for index in range(count)), step


def test_a_rotating_one_is_known_in_three_epochs() -> None:
    known = of(beacon("shelf", 7, rotating=True))
    heard = {step: known.ids.get(spoken(7, EPOCH + step)) for step in range(-2, 3)}
    assert heard == {-2: None, -1: "shelf", 0: "shelf", 1: "shelf", 2: None}
    assert id_of(UUID, 1, 7) not in known.ids  # its index never goes on the air


def test_the_next_epoch_is_ready_before_it_begins() -> None:
    known = of(*(beacon(f"b{index}", index, rotating=True) for index in range(300)))
    while known._missing:
        known.work()
    known.epoch(EPOCH + 1)
    assert known.work()
    assert known.ids[spoken(299, EPOCH + 2)] == "b299"
    assert spoken(299, EPOCH - 1) not in known.ids or spoken(299, EPOCH - 1) in known.shared


def test_this_epoch_comes_first_and_in_portions() -> None:
    known: Known[str] = Known(KEY, rotate_s=ROTATE_S)
    known.epoch(EPOCH)
    known.documents((beacon(f"b{index}", index, rotating=True), f"b{index}") for index in range(1000))
    took_s = []
    for _ in range(10):
        began_s = time.perf_counter()
        known.work()
        took_s.append(time.perf_counter() - began_s)
    assert all(spoken(index, EPOCH) in known.ids for index in range(1000))
    assert spoken(3, EPOCH - 1) not in known.ids
    assert min(took_s) < 0.01
    ready(known)
    assert spoken(3, EPOCH - 1) in known.ids


def test_changed_documents_work_out_only_what_is_new() -> None:
    beacons = [beacon(f"b{index}", index, rotating=True) for index in range(200)]
    known = of(*beacons)
    while known._missing:
        known.work()
    known.documents((one, one.id) for one in (*beacons[:150], beacon("new", 900, rotating=True)))
    assert len(known._missing) == 4
    ready(known)
    assert known.ids[spoken(900, EPOCH)] == "new"
    assert "b199" not in known.ids.values()


def test_two_that_share_a_minor_across_epochs_this_epochs_owner_is_meant() -> None:
    known = of(*(beacon(f"b{index}", index, rotating=True) for index in range(2000)))
    assert known.shared  # with so many it is certain
    for one in known.shared:
        index = int(known.ids[one][1:])
        assert one == spoken(index, EPOCH) or all(one != spoken(other, EPOCH) for other in range(0, 2000, 97))


def test_without_a_time_nothing_rotating_is_known() -> None:
    known = of(beacon("shelf", 7, rotating=True), beacon("fixed", 8), epoch=None)
    assert set(known.ids.values()) == {"fixed"}
    assert known.expired(spoken(7, EPOCH - 5)) is None
    known.epoch(EPOCH)
    ready(known)
    assert spoken(7, EPOCH) in known.ids


def test_an_old_epochs_id_is_found_a_day_back_and_nothing_else_is() -> None:
    known = of(beacon("shelf", 7, rotating=True), beacon("other", 7, rotating=True, major=2))
    assert known.expired(spoken(7, EPOCH - 2)) == "shelf"
    assert known.expired(spoken(7, EPOCH - 280, major=2)) == "other"
    assert known.expired(spoken(7, EPOCH - 300)) is None
    assert known.expired(spoken(8, EPOCH - 5)) is None
    assert known.expired(id_of(UUID, 9, 1)) is None


@pytest.mark.parametrize("count", [10, 100, 1000])
def test_strangers_are_seldom_taken_for_replays_however_many_rotate(count: int) -> None:
    known = of(*(beacon(f"b{index}", index, rotating=True) for index in range(count)))
    strangers = [minor for minor in range(0, 0x10000, 331) if id_of(UUID, 1, minor) not in known.ids]
    accused = [minor for minor in strangers if known.expired(id_of(UUID, 1, minor))]
    assert len(accused) / len(strangers) < 2 * module.CHANCE
