"""Who says what: addresses and ids that do not go together, and ids of epochs that are over. Pure, in memory only."""

from __future__ import annotations

from collections.abc import Iterable

from devices.beacons.advert import Advert
from devices.beacons.frames import battery_percent
from devices.beacons.presence.guard import Suspects
from devices.beacons.presence.known import Known
from devices.beacons.presence.track import Track


class Voices:
    def __init__(self, known: Known[Track]) -> None:
        self.speaking: dict[str, Track] = {}
        """Addresses that beacons were last heard from: at most one a beacon."""
        self._known = known
        self._suspects = Suspects()
        self.named: dict[str, Track | None] = {}
        """Addresses that documents name; None: several beacons have it."""

    def documents(self, tracks: Iterable[Track]) -> None:
        self.named = {}
        for track in tracks:
            if address := track.beacon.address.upper():
                self.named[address] = None if address in self.named else track

    def forget(self, track: Track) -> None:
        if self.speaking.get(track.address) is track:
            del self.speaking[track.address]

    def other_address(self, track: Track, advert: Advert, spoken: bytes) -> None:
        """Seldom: a beacon renewed its address, or two say its id."""
        if spoken in self._known.shared:
            return
        if track.address:
            track.guard.evidence.addresses.changed(
                before=track.address, before_s=track.heard_s, after=advert.address, at_s=advert.at_s
            )
            self.forget(track)
        self.speaking[advert.address] = track
        track.address = advert.address

    def unknown(self, advert: Advert, spoken: bytes) -> bool:
        """An id of no document. True: it pretends to be one of ours, or is one by a clock that is wrong."""
        owner = self.named.get(advert.address)
        if spoken[:18] in self._known.regions:
            if owner is None:  # the beacon itself, with a clock that is slow, replays nothing
                self._suspects.heard(spoken, advert.at_s)
            return True
        if owner is not None:
            owner.guard.evidence.said(at_s=advert.at_s)
        return False

    def match(self, track: Track, new: int) -> None:
        """It was heard `new` times of late: from the address in its document, or in another's?"""
        owner = self.named.get(track.address)
        if owner is track:
            track.guard.evidence.right_s = track.heard_s
        elif owner is not None and new:
            owner.guard.evidence.said(at_s=track.heard_s, adverts=new)

    def look_up(self, now_s: float) -> None:
        """At most one suspect a call: each costs milliseconds."""
        spoken = self._suspects.next(now_s)
        if spoken is None:
            return
        track = self._known.expired(spoken)
        if track is None:
            self._suspects.acquit(spoken, now_s)
        else:
            track.guard.evidence.replayed_s = now_s


def battery(track: Track, advert: Advert) -> None:
    """Seldom in a frame; what was said last stays."""
    if (percent := battery_percent(advert)) is not None:
        track.guard.evidence.battery_percent = percent
