"""Everything on the air → a few facts: who came and went, how much noise there was, what is wrong. Pure: time comes in.

`heard` is called for each advert, thousands a second, and only sorts it to where it counts; `tick`, once a second,
concludes. What the air can fill is bounded: beacons are those of documents, strangers are capped (`noise`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from devices.beacons.advert import APPLE, EDDYSTONE, Advert
from devices.beacons.presence.ear import Ear
from devices.beacons.presence.known import Known
from devices.beacons.presence.track import Track, Where
from devices.beacons.presence.voices import Voices, battery
from edge.clock import ClockState, Stamp
from edge.config import RadioSection
from edge.events import BeaconHealthChanged, BeaconProblem, Event, PresenceCounted, ZoneEntered, ZoneLeft
from edge.ids import BeaconId, DeviceId, ZoneId
from edge.rotation import epoch_of
from edge.shop import Beacon, CarriedBy, Shop

HEARTBEAT = "gateway"
"""Profile of beacons that the gateway's own radios send."""
HEARTBEAT_LATE_S = 120.0
"""A heartbeat not heard for so long is none any more: its sender may be gone."""
HANGING_EVERY = 5
"""Beacons that hang are judged every so many ticks, in turns."""


class Presence:
    def __init__(
        self,
        radios: Sequence[RadioSection],
        *,
        key: bytes,
        rotate_s: int,
        now: Stamp,
        random: Callable[[int], bytes],
    ) -> None:
        """`key`: of rotating ids. `random`: bytes for the salts of strangers' hashes."""
        self.ears = {section.adapter: Ear(section, now, random) for section in radios if section.scan != "off"}
        self.tracks: dict[str, Track] = {}
        """By beacon."""
        self._zones = {adapter: ear.section.zone for adapter, ear in self.ears.items() if ear.section.zone}
        self._coverages = {adapter: ear.coverage for adapter, ear in self.ears.items()}
        senders = [section.adapter for section in radios if section.advertise]
        self._first_sender = senders[0] if senders else ""
        self._known: Known[Track] = Known(key, rotate_s=rotate_s)
        self._rotate_s = rotate_s
        self._voices = Voices(self._known)
        self._heartbeats: list[Track] = []
        self._shop: Shop | None = None
        self._judged_at: tuple[bool, int] = (False, 0)
        self._forgotten: list[tuple[Track, str]] = []
        self._in_zone: dict[str, str] = {}
        self._ticks = 0

    # what comes in

    def heard(self, advert: Advert) -> None:
        """The hot path."""
        ear = self.ears.get(advert.radio)
        if ear is None:
            return
        at_s = advert.at_s
        ear.coverage.heard(at_s)
        data, spoken = advert.manufacturer.get(APPLE), b""
        if data is not None and len(data) >= 23 and data[:2] == b"\x02\x15":
            spoken = data[2:22]
        track = self._known.ids.get(spoken)
        if track is None and (frame := advert.service_data.get(EDDYSTONE)) and frame[0] == 0 and len(frame) >= 18:
            track = self._known.ids.get(frame[2:18])
            if track is not None or not spoken:
                spoken = frame[2:18]
        if track is not None:
            ear.coverage.known += 1
            hearing = track.hearings.get(advert.radio) or track.hearing(advert.radio)
            hearing.window.add(at_s, advert.rssi_dbm)
            if advert.address != track.address:
                self._voices.other_address(track, advert, spoken)
            track.heard_s = at_s
            if advert.service_data or len(advert.manufacturer) > 1 or (data is not None and len(data) == 24):
                battery(track, advert)
        elif not spoken or not self._voices.unknown(advert, spoken):
            self._unknown(ear, advert)

    def _unknown(self, ear: Ear, advert: Advert) -> None:
        """Says no id that means anything: a stranger, unless its address is one of ours."""
        address = advert.address
        track = self._voices.speaking.get(address) or self._voices.named.get(address)
        if track is not None:
            battery(track, advert)
        elif address not in self._voices.named:
            ear.noise.heard(address, advert.at_s)

    def listening(self, radio: str, from_s: float, to_s: float) -> None:
        """The scan was on in this time (monotonic), as far as its driver knows."""
        if (ear := self.ears.get(radio)) is not None:
            ear.coverage.told(from_s, to_s)

    def started(self, radio: str, at_s: float) -> None:
        """A scan began: is all reported that is said?"""
        if (ear := self.ears.get(radio)) is not None:
            ear.started(at_s, self.tracks.values())

    def expected_per_s(self, radio: str) -> float:
        """Adverts of the shop's beacons that this radio usually hears."""
        ear = self.ears.get(radio)
        return 0.0 if ear is None else ear.coverage.expected_per_s

    def documents(self, shop: Shop, now: Stamp) -> None:
        """Costs nothing while neither they, nor the epoch, nor a consent have changed."""
        is_set = now.state is not ClockState.UNSET
        self._known.epoch(epoch_of(now.at_ms, rotate_s=self._rotate_s) if is_set else None)
        until_ms = self._judged_at[1]
        same = self._shop is not None and shop.beacons is self._shop.beacons
        if same and is_set is self._judged_at[0] and (not until_ms or now.at_ms < until_ms):
            return
        self._shop = shop
        ours = {name: beacon for name, beacon in shop.beacons.items() if _may_be_noticed(beacon, now)}
        ends = [beacon.consent_to_ms for beacon in ours.values() if beacon.carried_by is CarriedBy.PHONE]
        self._judged_at = (is_set, min(ends, default=0))
        for name in [name for name, track in self.tracks.items() if _is_another(track.beacon, ours.get(name))]:
            self._forget(name)
        for name, beacon in ours.items():
            sender = (beacon.radio or self._first_sender) if beacon.profile == HEARTBEAT else ""
            if (track := self.tracks.get(name)) is not None:
                track.change(beacon, sender=sender)
            else:
                self.tracks[name] = Track(beacon, sender=sender)
        self._known.documents((track.beacon, track) for track in self.tracks.values())
        self._voices.documents(self.tracks.values())
        self._heartbeats = [track for track in self.tracks.values() if track.sender]

    def remember(
        self, beacon: str, problem: BeaconProblem, *, radio: str = "", usual_rssi_dbm: float | None = None
    ) -> None:
        """It was told before this start, and not that it is over. Where it was moved from is not learned anew: where it
        hangs now would be taken for it.
        """
        if (track := self.tracks.get(beacon)) is None:
            return
        track.guard.remember(problem)
        if problem is BeaconProblem.MOVED and usual_rssi_dbm is not None and radio in self.ears:
            track.remember(radio, usual_rssi_dbm)

    def work(self) -> bool:
        """A portion of what rotating ids need. False: there is more of it that matters now."""
        return self._known.work()

    # what is concluded

    def tick(self, now: Stamp) -> list[Event]:
        """Once a second."""
        now_s = now.monotonic_ms / 1000
        self._ticks += 1
        for adapter, ear in self.ears.items():
            ear.coverage.tick(now_s, heartbeat_s=self._heartbeat_s(adapter, now_s))
            ear.noise.expire(now_s)
        self._voices.look_up(now_s)
        events: list[Event] = [event for track, name in self._forgotten for event in self._farewell(track, name, now)]
        self._forgotten.clear()
        for number, track in enumerate(self.tracks.values()):
            if track.carried or (number + self._ticks) % HANGING_EVERY == 0:
                events += self._judge(track, now, now_s)
        for ear in self.ears.values():
            events += [one for one in (ear.due(now), ear.measure(now, self.tracks.values())) if one is not None]
        return events

    def stop(self, now: Stamp) -> list[Event]:
        """Nobody listens any more: nobody is known to be anywhere, and open intervals are told as they are."""
        events: list[Event] = [
            ZoneLeft(at=now, beacon=BeaconId(name), zone=ZoneId(zone), reason="stopped")
            for name, zone in self._in_zone.items()
        ]
        self._in_zone.clear()
        return events + [counted for ear in self.ears.values() if (counted := ear.end(now)) is not None]

    def put_back(self, event: PresenceCounted) -> None:
        """The journal refused it: it becomes part of the interval that is open now."""
        self.ears[event.radio].put_back(event)

    def zone_of(self, beacon: str) -> str:
        return self._in_zone.get(beacon, "")

    # how

    def _judge(self, track: Track, now: Stamp, now_s: float) -> Iterable[Event]:
        heard = echoes = 0
        if track.beacon.rotating and not self._judged_at[0]:  # no time, no epoch: nobody knows what it says now
            track.excuse(self._coverages)
            return
        for adapter, hearing in track.hearings.items():
            coverage = self._coverages[adapter]
            new = hearing.look(coverage, now_s)
            hearing.learn(coverage, new)
            heard += new
            echoes += new if adapter == track.sender else 0
        self._voices.match(track, heard)
        if track.carried:
            yield from self._zone(track, now, now_s)
        if track.beacon.carried_by is CarriedBy.PHONE:
            return
        if echoes > 1:
            track.guard.evidence.echoed_s = now_s
        views = track.views(self._coverages)
        changes = track.guard.judge(views, interval_s=track.interval_s, hangs=not track.carried, at_s=now_s)
        for problem, wrong in changes:
            yield self._health(track, problem, wrong=wrong, now=now)

    def _zone(self, track: Track, now: Stamp, now_s: float) -> Iterable[Event]:
        name, before = track.beacon.id, self._in_zone.get(track.beacon.id)
        where = track.place(self._zones, self._coverages, now_s)
        if isinstance(where, Where):
            if where.zone != before:
                self._in_zone[name] = where.zone
                yield ZoneEntered(
                    at=now,
                    beacon=BeaconId(name),
                    zone=ZoneId(where.zone),
                    proximity=where.proximity,
                    confidence=where.confidence,
                )
        elif before is not None:
            del self._in_zone[name]
            yield ZoneLeft(at=now, beacon=BeaconId(name), zone=ZoneId(before), reason=where)

    def _health(self, track: Track, problem: BeaconProblem, *, wrong: bool, now: Stamp) -> BeaconHealthChanged:
        radio = track.witness(away=problem is BeaconProblem.MOVED)
        hearing = track.hearings.get(radio)
        level, usual_dbm = (hearing.level, hearing.usual.dbm) if hearing else (None, None)
        silent_s = max(0.0, now.monotonic_ms / 1000 - track.heard_s) if track.hearings else None
        return BeaconHealthChanged(
            at=now,
            beacon=BeaconId(track.beacon.id),
            problem=problem,
            wrong=wrong,
            radio=DeviceId(radio),
            rssi_dbm=level.dbm if level else None,
            usual_rssi_dbm=None if usual_dbm is None else round(usual_dbm, 1),
            battery_percent=track.guard.evidence.battery_percent,
            silent_s=None if silent_s is None or problem is not BeaconProblem.SILENT else round(silent_s, 1),
        )

    def _heartbeat_s(self, adapter: str, now_s: float) -> float | None:
        intervals = [
            track.interval_s
            for track in self._heartbeats
            if track.sender != adapter
            if (hearing := track.hearings.get(adapter)) is not None
            if now_s - hearing.window.last_s <= HEARTBEAT_LATE_S
        ]
        return min(intervals, default=None)

    def _forget(self, name: str) -> None:
        track = self.tracks.pop(name)
        self._voices.forget(track)
        self._forgotten.append((track, self._in_zone.pop(name, "")))

    def _farewell(self, track: Track, zone: str, now: Stamp) -> Iterable[Event]:
        if zone:
            yield ZoneLeft(at=now, beacon=BeaconId(track.beacon.id), zone=ZoneId(zone), reason="forgotten")
        for problem in track.guard.problems:
            yield self._health(track, problem, wrong=False, now=now)


def _may_be_noticed(beacon: Beacon, now: Stamp) -> bool:
    """A phone only while its owner's consent surely lasts; after that, or while no time is known, a stranger's."""
    if beacon.carried_by is not CarriedBy.PHONE:
        return True
    return now.state is not ClockState.UNSET and now.at_ms < beacon.consent_to_ms


def _is_another(before: Beacon, after: Beacon | None) -> bool:
    """What was learned of it means nothing any more."""
    return after is None or any(
        getattr(before, name) != getattr(after, name) for name in ("uuid", "major", "minor", "rotating", "carried_by")
    )
