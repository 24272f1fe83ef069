"""Two light beams across a door → who went which way. Pure: times come in.

Theory of operation. The outer beam is nearer to the street. A person walking in breaks the outer beam, then both,
then frees the outer, then the inner: outer, both, inner, none. Walking out is the reverse. Who turns round frees
them in the order they came, and is not counted. People side by side break the beams as one: two beams cannot tell
them apart, which is this sensor's known fault. One behind the other are told apart when one beam is free between
them. The state is which beams are broken; the passage began at the side that was broken first and went
through when the other side is freed last.
"""

from __future__ import annotations

from enum import StrEnum

MAX_PASSAGE_S = 10.0
"""Something that stands in the door for longer is not a passage; the door is blind as long as it stands there."""
BLIND_AFTER_S = 30.0


class Side(StrEnum):
    OUTER = "outer"
    INNER = "inner"


class Beams:
    """Give it every change; it returns True for in, False for out, None for nothing (yet)."""

    def __init__(self) -> None:
        self._broken: dict[Side, float] = {}
        self._first: Side | None = None
        self._began_s = 0.0
        self._both = False

    def changed(self, side: Side, *, broken: bool, time_s: float) -> bool | None:
        if broken:
            self._broken.setdefault(side, time_s)
            if self._first is None:
                self._first, self._began_s, self._both = side, time_s, False
            self._both = self._both or len(self._broken) == 2
            return None
        self._broken.pop(side, None)
        if self._broken or self._first is None:
            return None
        first, self._first = self._first, None
        if not self._both or side is first or time_s - self._began_s > MAX_PASSAGE_S:
            return None  # an arm, a turn, a parked trolley
        return first is Side.OUTER

    def blind(self, time_s: float) -> bool:
        """A beam was broken for so long that it is covered, misaligned or has lost its power."""
        return any(time_s - since_s > BLIND_AFTER_S for since_s in self._broken.values())

    def forget(self) -> None:
        """Changes were lost: what is under way is not counted."""
        self._broken.clear()
        self._first = None
