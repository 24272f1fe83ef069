"""What strangers' devices make of noise: seconds of presence and a range, never a person, never an address.

Phones change their address about every 15 minutes, and some say nothing at all: a count of addresses is not a count
of people. So an interval tells how long sources were heard altogether, which changes of address hardly touch, and the
two counts between which the truth lies. An address is known only as a keyed hash in memory, whose key is random, of
one radio, and thrown away within a day.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple

MAX_SOURCES = 4096
"""At once, of one radio. Who floods the air with addresses fills this and no more."""
GONE_S = 60.0
"""Silence after which a source was away; shorter silence counts as presence."""
SALT_S = 23 * 3600.0
"""Then a new one at the interval's end: an interval is an hour at most."""
SALT_BYTES = 16


class Counts(NamedTuple):
    presence_s: float
    sources: int
    """Distinct addresses."""
    adverts: int
    overflowed: int


class Noise:
    """Strangers around one radio."""

    def __init__(
        self, random: Callable[[int], bytes], *, at_s: float, gaps: Sequence[tuple[float, float]] = ()
    ) -> None:
        """`gaps`: those in which the radio was deaf, the newest last; whoever is heard on both sides of one was not
        heard in it.
        """
        self._random = random
        self._gaps = gaps
        self._last_s: dict[bytes, float] = {}
        self._presence_s = 0.0
        self._sources = self._adverts = self._overflowed = 0
        self._begun_s = at_s
        self._renew(at_s)

    def heard(self, address: str, at_s: float) -> None:
        """The hot path."""
        self._adverts += 1
        source = blake2b(address.encode(), digest_size=8, key=self._salt).digest()
        last_s = self._last_s.get(source)
        if last_s is None:
            if len(self._last_s) >= MAX_SOURCES:
                self._overflowed += 1
                return
            self._sources += 1
        else:
            if last_s < self._begun_s:
                self._sources += 1
            if 0 < at_s - last_s <= GONE_S:
                self._presence_s += at_s - last_s
                if self._gaps and last_s < self._gaps[-1][1]:
                    self._presence_s -= sum(to_s - from_s for from_s, to_s in self._gaps if from_s >= last_s)
        self._last_s[source] = at_s

    def expire(self, at_s: float) -> None:
        """Once a second or so; costs something only when there is no room left."""
        if len(self._last_s) >= MAX_SOURCES:
            self._forget(at_s)

    def take(self, at_s: float) -> Counts:
        """The interval's counts; a new one begins."""
        counts = Counts(self._presence_s, self._sources, self._adverts, self._overflowed)
        self._presence_s, self._sources, self._adverts, self._overflowed = 0.0, 0, 0, 0
        self._begun_s = at_s
        self._forget(at_s)
        if at_s - self._salted_s >= SALT_S:
            self._renew(at_s)
        return counts

    def put_back(self, counts: Counts) -> None:
        """They could not be told: into the open interval with them. Sources that are in both count twice."""
        self._presence_s += counts.presence_s
        self._sources += counts.sources
        self._adverts += counts.adverts
        self._overflowed += counts.overflowed

    def _forget(self, at_s: float) -> None:
        self._last_s = {source: last_s for source, last_s in self._last_s.items() if at_s - last_s <= GONE_S}

    def _renew(self, at_s: float) -> None:
        self._salt, self._salted_s, self._last_s = self._random(SALT_BYTES), at_s, {}
