"""The shop's beacons by what they say: uuid, major and minor as the 20 bytes on the air. Pure.

Some models only speak Eddystone: what does not rotate is there under the 16 bytes of its UID frame too. Where two
documents come to the same ones (they leave out the middle of the uuid), nobody is meant.

A rotating beacon is there under three minors, of the epoch before, this one and the next: clocks of beacons are not
exact. What the next epoch needs is worked out in small portions before it begins, so that a thousand rotating beacons
never hold anything up.

Two rotating beacons may share a minor across epochs (not within one). This epoch's owner is meant then, and nothing
is concluded from such an id: see `shared`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from devices.beacons.frames import eddystone
from devices.beacons.frames.ibeacon import id_of
from edge.rotation import index_of, minor_of
from edge.shop import Beacon

T = TypeVar("T")
PORTION = 100
"""Minors worked out in one go: about a millisecond, on a small board five."""
LOOK_BACK_S = 24 * 3600
CHANCE = 0.05
"""A minor that nobody ever sent fits some old epoch with this chance at most: with many rotating beacons fewer epochs
are looked at, for otherwise any stranger's minor would be taken for a replay."""


class Known(Generic[T]):
    """What stands behind each id. `T`: whatever the caller keeps of a beacon."""

    def __init__(self, key: bytes, *, rotate_s: int) -> None:
        self.ids: dict[bytes, T] = {}
        """20 or 16 bytes → whose; replaced whole, so keep no copy."""
        self.regions: frozenset[bytes] = frozenset()
        """uuid and major (18 bytes) of rotating beacons: a stranger's minor in here is looked at closer."""
        self.shared: frozenset[bytes] = frozenset()
        """Ids that two beacons may say at the moment."""
        self._key = key
        self._look_back = LOOK_BACK_S // rotate_s
        self._fixed: dict[bytes, T] = {}
        self._rotating: dict[bytes, dict[int, T]] = {}
        self._epoch: int | None = None
        self._minors: dict[int, dict[int, int]] = {}
        """Epoch → index → minor."""
        self._missing: list[tuple[int, int]] = []

    def documents(self, beacons: Iterable[tuple[Beacon, T]]) -> None:
        self._fixed, self._rotating = {}, {}
        uids: dict[bytes, list[T]] = {}
        for beacon, target in beacons:
            if beacon.rotating:
                region = id_of(beacon.uuid, beacon.major, 0)[:18]
                self._rotating.setdefault(region, {})[beacon.minor] = target
            else:
                who = beacon.uuid, beacon.major, beacon.minor
                self._fixed[id_of(*who)] = target
                uids.setdefault(eddystone.uid_of(*who), []).append(target)
        self._fixed |= {uid: targets[0] for uid, targets in uids.items() if len(targets) == 1}
        self.regions = frozenset(self._rotating)
        self._plan()

    def epoch(self, epoch: int | None) -> None:
        """None: the clock is not set, so no rotating id means anything."""
        if epoch != self._epoch:
            self._epoch = epoch
            self._plan()

    def work(self, limit: int = PORTION) -> bool:
        """Works out some of what is missing. True: all that counts now is known."""
        portion, self._missing = self._missing[-limit:], self._missing[:-limit]
        for epoch, index in portion:
            self._minors[epoch][index] = minor_of(self._key, epoch=epoch, index=index)
        if portion and (not self._missing or portion[-1][0] != self._missing[-1][0]):  # an epoch is whole
            self._fill()
        return not self._missing or self._missing[-1][0] == self._prepared

    def expired(self, spoken: bytes) -> T | None:
        """Whose an id was in an epoch that is over, the latest first. Costs milliseconds: ask seldom."""
        indices = self._rotating.get(spoken[:18])
        if not indices or self._epoch is None:
            return None
        minor = int.from_bytes(spoken[18:20], "big")
        for back in range(2, 2 + min(self._look_back, int(CHANCE * 0x10000 / len(indices)))):
            target = indices.get(index_of(self._key, epoch=self._epoch - back, minor=minor))
            if target is not None:
                return target
        return None

    @property
    def _prepared(self) -> int | None:
        return None if self._epoch is None else self._epoch + 2

    def _plan(self) -> None:
        """The list is worked from its end: this epoch first, the one that is only prepared last."""
        now, indices = self._epoch, {index for region in self._rotating.values() for index in region}
        epochs = () if now is None else (now + 2, now + 1, now - 1, now)
        self._minors = {epoch: self._minors.get(epoch, {}) for epoch in epochs}
        for known in self._minors.values():
            for gone in known.keys() - indices:
                del known[gone]
        self._missing = [(epoch, index) for epoch in epochs for index in indices - self._minors[epoch].keys()]
        self._fill()

    def _fill(self) -> None:
        ids, shared = dict(self._fixed), set()
        if self._epoch is not None:
            for epoch in (self._epoch, self._epoch - 1, self._epoch + 1):
                minors = self._minors[epoch]
                for region, indices in self._rotating.items():
                    for index, target in indices.items():
                        if (minor := minors.get(index)) is None:
                            continue
                        spoken = region + minor.to_bytes(2, "big")
                        if ids.setdefault(spoken, target) is not target:
                            shared.add(spoken)
        self.ids, self.shared = ids, frozenset(shared)
