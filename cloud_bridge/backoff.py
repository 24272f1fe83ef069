"""How long to wait before the next try. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

FIRST_S = 0.5


def delays(cap_s: float, *, chance: Callable[[], float]) -> Iterator[float]:
    """Doubles up to the cap; half of each is chance, so that a thousand shops don't come back in one second."""
    step_s = FIRST_S
    while True:
        yield min(step_s, cap_s) * (0.5 + chance() / 2)
        step_s = min(step_s * 2, cap_s)
