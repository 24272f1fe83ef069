"""One figure of the bench: what was measured, how it came out, and what the alternative does with the same input."""

from __future__ import annotations

import msgspec


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A part's bench is a module with `rows()` that yields these; slow ones say so on stderr as they go."""

    part: str
    """catalogue, journal, …"""
    what: str
    """`search, pinyin: p99`"""
    by: str = "storegate"
    """Who did it: storegate, or the alternative by name."""
    value: float
    unit: str
    """ms, s, /s, MB, %"""
    hold: float | None = None
    """The number we hold ourselves to; None for alternatives and for figures without one."""
    at_least: bool = False
    """The hold is a floor (rates), not a ceiling (times)."""
    note: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the hold is kept; None where there is none."""
        if self.hold is None:
            return None
        return self.value >= self.hold if self.at_least else self.value <= self.hold
