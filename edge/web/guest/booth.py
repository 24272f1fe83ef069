"""Where a phone's shake comes in, by API or by page: who it is, how often it may, and what the refusals are to HTTP."""

from __future__ import annotations

from aiohttp import web

from edge import places
from edge.clock import Clock
from edge.config import Config
from edge.keys import GatewayKeys
from edge.shake_answers import Shaken, ShakeRefusal, ShakeWhy, in_words
from edge.shake_desk import MAX_SALT, RawBeacon, ShakeAsk, ShakeDesk
from edge.web.faults import WebError
from edge.web.guard import same_secret
from edge.web.guest.identity import Identity
from edge.web.guest.rates import Rate, household, is_loopback

__all__ = ["MAX_PLACE", "MAX_SALT", "STATUS", "Booth"]

MAX_PLACE = 80
BUSY_S = 60
"""Retry-After where nobody knows a better time."""

STATUS: dict[ShakeWhy, int] = {
    ShakeWhy.NO_BEACON: 422,
    ShakeWhy.FORGED: 422,
    ShakeWhy.NOT_HERE: 403,
    ShakeWhy.NOTHING_HERE: 404,
    ShakeWhy.OLD: 409,
    ShakeWhy.REPLAYED: 409,
    ShakeWhy.NONCE_UNKNOWN: 410,
    ShakeWhy.TOO_SOON: 429,
    ShakeWhy.DAY_FULL: 429,
    ShakeWhy.CLOCK_UNSURE: 503,
}
"""One each, all listed in docs/shopper.md."""


class Booth:
    def __init__(self, desk: ShakeDesk, keys: GatewayKeys, clock: Clock, settings: Config) -> None:
        self.desk = desk
        self.identity = Identity(keys, days=settings.coupons.wallet_days)
        self._wifi = places.networks(settings.shake.wifi_networks if settings.shake.wifi_zone else ())
        self._keys = keys
        self._clock = clock
        self._shakes_of_shopper = Rate(burst=20, each_s=2)
        self._shakes_of_address = Rate(burst=60, each_s=2)
        """A new shopper costs nothing: the address bounds how often one can guess at codes and ids."""
        self._looks_of_address = Rate(burst=120, each_s=0.5)

    def look(self, request: web.Request) -> None:
        """Raises WebError 429."""
        self._hold_to(self._looks_of_address, household(request.remote or "unknown"), each_s=1)

    async def shake(
        self,
        request: web.Request,
        number: str,
        *,
        nonce: str,
        salt: str = "",
        beacons: tuple[RawBeacon, ...] = (),
        place: str = "",
    ) -> Shaken | ShakeRefusal:
        """Raises WebError 429."""
        address = request.remote or "unknown"
        self._hold_to(self._shakes_of_address, household(address), each_s=2)
        self._hold_to(self._shakes_of_shopper, number, each_s=2, address=address)
        ask = ShakeAsk(
            nonce=nonce,
            salt=salt,
            shopper=self.identity.holder(number),
            beacons=beacons,
            place=place.strip(),
            address=address,
        )
        return await self.desk.shake(ask)

    def on_wifi(self, request: web.Request) -> bool:
        """Whether being where it is proves a place."""
        return places.is_in(request.remote or "", self._wifi)

    def pass_of(self, shake: str, holder: str) -> str:
        """Lets whoever has it see this one shake: for links that are followed without the shopper's cookie."""
        return f"{holder}.{self._keys.guest_tag('shake', f'{shake}/{holder}')}"

    def holder_of(self, shake: str, by: str) -> str:
        """Back from `pass_of`; empty: it is none of ours, or another shake's."""
        holder, _, tag = by.rpartition(".")
        return holder if same_secret(tag, self._keys.guest_tag("shake", f"{shake}/{holder}")) else ""

    def words(self, refusal: ShakeRefusal, language: str) -> str:
        return in_words(refusal, language=language, timezone=self.desk.timezone)

    def retry_s(self, refusal: ShakeRefusal) -> int:
        """For Retry-After; 0: asking again as it is would not help, or need not wait."""
        if refusal.again_ms is not None:
            return max(1, -(-(refusal.again_ms - self._clock.now().at_ms) // 1000))
        return BUSY_S if refusal.why is ShakeWhy.CLOCK_UNSURE else 0

    def _hold_to(self, rate: Rate, who: str, *, each_s: int, address: str = "") -> None:
        if is_loopback(address or who) or rate.take(who, monotonic_ms=self._clock.now().monotonic_ms):
            return
        raise WebError(429, "too_many", "That was a little too often.", hint="Please wait a minute.", retry_s=each_s)
