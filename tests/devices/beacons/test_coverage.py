"""A radio is only believed as far as it proved that it listened."""

from __future__ import annotations

import pytest

from devices.beacons.presence.coverage import Coverage, Listened, Measured, Sample, measured
from devices.beacons.presence.presence import Presence
from edge.config import RadioSection
from edge.events import PresenceCounted, RadioMeasured
from tests.devices.beacons.given_presence import Air, Voice, at, beacon, moment, presence_of, stranger


def play(
    coverage: Coverage, times: list[float], to_s: int, *, known: bool = False, beat_s: float | None = None
) -> None:
    due = sorted(times)
    for s in range(1, to_s + 1):
        while due and due[0] < s:
            coverage.known += known
            coverage.heard(due.pop(0))
        coverage.tick(float(s), heartbeat_s=beat_s)


def every(step_s: float, from_s: float, to_s: float) -> list[float]:
    return [from_s + number * step_s for number in range(int((to_s - from_s) / step_s))]


def test_nothing_heard_is_nothing_known() -> None:
    coverage = Coverage(0.0)
    play(coverage, [], 600)
    assert (coverage.take(), coverage.lately(600.0)) == (Listened(0.0, "none"), None)


def test_a_quiet_shop_is_covered_as_long_as_anything_is_heard() -> None:
    coverage = Coverage(0.0)
    play(coverage, every(20, 1, 300), 300)
    covered_s, basis = coverage.take()
    assert (covered_s, basis) == (pytest.approx(260), "any")


def test_known_beacons_shorten_the_silence_that_is_believed() -> None:
    """Three a second: a gap of 20 s in the middle is no silence but a deaf radio."""
    coverage = Coverage(0.0)
    play(coverage, every(1 / 3, 0, 100) + every(1 / 3, 120, 200), 200, known=True)
    covered_s, basis = coverage.take()
    assert basis == "known"
    assert covered_s == pytest.approx(180, abs=2)


def test_the_heartbeat_is_the_shortest_of_all() -> None:
    coverage = Coverage(0.0)
    play(coverage, every(0.3, 0, 50) + every(0.3, 55, 100), 100, beat_s=0.3)
    covered_s, basis = coverage.take()
    assert basis == "heartbeat"
    assert covered_s == pytest.approx(95, abs=3)
    assert coverage.lately(100.0) == pytest.approx(0.95, abs=0.04)


def test_the_expected_rate_is_learned_and_survives_deafness() -> None:
    coverage = Coverage(0.0)
    play(coverage, every(0.25, 0, 300), 900, known=True)
    assert coverage.expected_per_s == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("beat_s", [None, 0.1])
def test_ticks_that_come_late_make_nothing_deaf(beat_s: float | None) -> None:
    """Each gap is judged by itself: ten adverts a second, while now and then the loop's tick is three seconds late."""
    coverage, due = Coverage(0.0), every(0.1, 0, 120)
    for start in range(0, 120, 5):
        for tick_s in (start + 1, start + 2, start + 5):
            while due and due[0] < tick_s:
                coverage.known += 1
                coverage.heard(due.pop(0))
            coverage.tick(float(tick_s), heartbeat_s=beat_s)
    covered_s, basis = coverage.take()
    assert (covered_s, basis) == (pytest.approx(120, abs=0.3), "heartbeat" if beat_s else "known")
    assert coverage.expected_per_s == pytest.approx(10, rel=0.05)


def test_a_late_tick_does_not_hide_a_deaf_radio() -> None:
    coverage = Coverage(0.0)
    play(coverage, every(0.1, 0, 60), 60, known=True)
    for at_s in (*every(0.1, 60, 62), *every(0.1, 67, 69)):
        coverage.heard(at_s)
    coverage.tick(69.0, heartbeat_s=0.1)
    assert coverage.take().covered_s == pytest.approx(60 + 2 + 2, abs=0.5)
    assert coverage.gaps[-1] == (pytest.approx(61.9), 67)


def test_bursts_far_apart_are_no_rate() -> None:
    """Two beacons that are heard together once in a while: nothing can be expected from that."""
    coverage = Coverage(0.0)
    times = sorted([*every(60, 1, 1200), *every(60, 1.05, 1200)])
    play(coverage, times, 1200, known=True)
    assert coverage.expected_per_s == 0


def test_what_the_driver_tells_twice_counts_once() -> None:
    coverage = Coverage(0.0)
    coverage.told(0, 10)
    coverage.told(5, 12)
    coverage.told(3, 4)
    assert coverage.told_s == 12


@pytest.mark.parametrize(
    ("samples", "expect"),
    [
        ([], None),
        ([Sample(0.35, 0, -60)], None),
        ([Sample(0.35, 40, -90)], None),
        ([Sample(5.0, 4, -60)], None),
        ([Sample(0.5, 36, -60), Sample(1.0, 18, -70)], Measured(3.0, 2.7, dedup_suspected=False)),
        (
            [*[Sample(0.35, 2, -60)] * 2, Sample(0.35, 40, -95)],
            Measured(5.71, 0.2, dedup_suspected=True),
        ),
    ],
)
def test_dropped_duplicates_are_suspected_from_near_and_fast_beacons(samples, expect) -> None:
    assert measured(samples, 20.0) == expect


def shelf_and_gateway():
    """A beacon that hangs, and the gateway's own of hci1, which hci0 hears."""
    return beacon("shelf", 1), beacon("beat", 2, profile="gateway", radio="hci1", interval_ms=200)


def test_a_scan_is_measured_once_after_it_began() -> None:
    shelf, _ = shelf_and_gateway()
    air = Air(presence_of(shelf), Voice(shelf, {"hci0": at(2)}))
    air.presence.started("hci0", 1000.0)
    events = [event for event in air.play(60) if isinstance(event, RadioMeasured)]
    assert [(event.radio, event.dedup_suspected) for event in events] == [("hci0", False)]
    air.presence.started("hci0", 1060.0)  # a beacon was configured; nothing was wrong
    assert [event for event in air.play(60) if isinstance(event, RadioMeasured)] == []


def test_a_controller_that_drops_duplicates_is_found_out_each_time() -> None:
    shelf, _ = shelf_and_gateway()
    air = Air(presence_of(shelf), Voice(shelf, {"hci0": at(2)}, lost=0.95))
    for began in range(2):
        air.presence.started("hci0", 1000.0 + air.s)
        events = [event for event in air.play(40) if isinstance(event, RadioMeasured)]
        assert [event.dedup_suspected for event in events] == [True], began


def test_another_radios_heartbeat_tells_a_deaf_one_within_seconds() -> None:
    _, beat = shelf_and_gateway()
    presence = presence_of(beat, zones=("door", "till"), interval_s=600)
    air = Air(presence, Voice(beat, {"hci0": at(3)}))
    for _ in range(100):
        presence.heard(stranger("D0:00:00:00:00:01", air.s + 0.5, radio="hci1"))
        air.play(1)
    air.deaf.add("hci0")
    air.play(100)
    air.deaf.clear()
    air.play(100)
    air.events += presence.stop(moment(air.s + 0.01))
    counted = [event for event in air.events if isinstance(event, PresenceCounted)]
    covered_s = {radio: sum(one.covered_s for one in counted if one.radio == radio) for radio in ("hci0", "hci1")}
    assert {one.coverage_basis for one in counted if one.radio == "hci0"} == {"heartbeat"}
    assert covered_s["hci0"] == pytest.approx(200, abs=5)
    assert next(one.coverage_basis for one in counted if one.radio == "hci1") == "any"
    assert covered_s["hci1"] == pytest.approx(100, abs=2)
    assert presence.expected_per_s("hci0") == pytest.approx(4, rel=0.25)
    assert presence.expected_per_s("hci7") == 0


def test_a_radio_that_does_not_scan_has_nothing_to_tell() -> None:
    radios = [RadioSection(adapter="hci0", zone="door", scan="off"), RadioSection(adapter="hci1", zone="till")]
    presence = Presence(radios, key=b"k" * 32, rotate_s=300, now=moment(0), random=bytes)
    assert {event.radio for event in presence.stop(moment(10))} == {"hci1"}  # type: ignore[attr-defined]
