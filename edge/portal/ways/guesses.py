"""Guesses at codes: bounded for each phone, and closer while the shop as a whole sees too many.

Another MAC costs nothing, so a bound of the shop alone would let one attacker shut everybody else out. Therefore a
code that is right is always looked at from a phone that has not guessed: too many wrong ones in the shop leave each
phone one try in ten minutes, and no more. Pure.
"""

from __future__ import annotations

from edge.rates import Rate

SHOP = ""
CLOSE_S = 600.0


class Guesses:
    def __init__(self, *, of_phone: Rate, of_shop: Rate) -> None:
        self._of_phone = of_phone
        self._of_shop = of_shop
        self._closely = Rate(burst=1, each_s=CLOSE_S)

    def may(self, phone: str, *, monotonic_ms: int) -> bool:
        """It counts as wrong until it is `right`: many at once are as many guesses."""
        if not self._of_phone.has(phone, monotonic_ms=monotonic_ms):
            return False
        if not self._of_shop.has(SHOP, monotonic_ms=monotonic_ms) and not self._closely.take(
            phone, monotonic_ms=monotonic_ms
        ):
            return False
        return self._of_phone.take(phone, monotonic_ms=monotonic_ms)

    def right(self, phone: str) -> None:
        self._of_phone.give_back(phone)
        self._closely.give_back(phone)

    def wrong(self, *, monotonic_ms: int) -> None:
        self._of_shop.take(SHOP, monotonic_ms=monotonic_ms)
