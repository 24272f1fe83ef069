"""Where a phone's shake comes in, by API or by page: who it is, how often it may, and what the refusals are to HTTP."""

from __future__ import annotations

from aiohttp import web

from edge import places
from edge.clock import Clock
from edge.config import Config
from edge.keys import GatewayKeys
from edge.shake_answers import Shaken, ShakeRefusal, ShakeWhy, in_words
from edge.shake_desk import RawBeacon, ShakeAsk, ShakeDesk
from edge.web.faults import WebError
from edge.web.guard import same_secret
from edge.web.guest.identity import Identity
from edge.web.guest.rates import GIVEN, GUESSES, AddressRate, Rate
from edge.web.proxies import at_the_box

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
    def __init__(
        self, desk: ShakeDesk, keys: GatewayKeys, clock: Clock, settings: Config, *, given: AddressRate
    ) -> None:
        """`given`: the rate of coupons that the wallet shares."""
        self.desk = desk
        self.identity = Identity(keys, days=settings.coupons.wallet_days)
        self._wifi = places.networks(settings.wifi_networks if settings.shake.wifi_zone else ())
        self._keys = keys
        self._clock = clock
        self._shakes_of_shopper = Rate(burst=20, each_s=2)
        self._shakes_of_address = AddressRate(burst=60, each_s=2)
        """A new shopper costs nothing: the address bounds how often one can guess at codes."""
        self._guesses_of_address = AddressRate(**GUESSES._asdict())
        """At ids of beacons, of which a single request can name many: each counts."""
        self._looks_of_address = AddressRate(burst=120, each_s=0.5)
        self._given = given
        self._counted = Rate(burst=1, each_s=600)
        """Shakes whose coupon is charged already: a repeat of one gives nothing new."""

    def look(self, request: web.Request) -> None:
        """Raises WebError 429."""
        self._hold_to(self._looks_of_address, request, each_s=1)

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
        self._hold_to(self._shakes_of_address, request, each_s=2)
        self._hold_to(self._shakes_of_shopper, request, each_s=2, who=number)
        if guesses := self.desk.forged(beacons):
            self._hold_to(self._guesses_of_address, request, each_s=round(GUESSES.each_s), count=guesses)
        ask = ShakeAsk(
            nonce=nonce,
            salt=salt,
            shopper=self.identity.holder(number),
            beacons=beacons,
            place=place.strip(),
            address=request.remote or "",
        )
        return await self.desk.shake(ask) if at_the_box(request) else await self._charged(ask, _address(request))

    async def _charged(self, ask: ShakeAsk, address: str) -> Shaken | ShakeRefusal:
        """Charged before and given back after, so that many at once get no more than one after the other."""
        may = self._given.take(address, monotonic_ms=self._clock.now().monotonic_ms)
        if not may and await self.desk.may_give(ask):
            raise _too_often(round(GIVEN.each_s))
        answer = await self.desk.shake(ask)
        if may and not self._is_new_coupon(answer):
            self._given.give_back(address)
        return answer

    def _is_new_coupon(self, answer: Shaken | ShakeRefusal) -> bool:
        if not isinstance(answer, Shaken) or answer.coupon is None:
            return False
        return self._counted.take(answer.shake, monotonic_ms=self._clock.now().monotonic_ms)

    def on_wifi(self, request: web.Request) -> bool:
        """Whether being where it is proves a place."""
        return places.is_in(request.remote or "", self._wifi)

    def pass_of(self, shake: str) -> str:
        """Lets whoever has it see this one shake: for links that are followed without the shopper's cookie.

        It says nothing of the shopper: the back ends of two pages can't tell that they had the same one.
        """
        return self._keys.guest_tag("shake", shake)

    async def holder_of(self, shake: str, by: str) -> str:
        """Whose shake a pass is for; empty: it is none of ours, or another shake's."""
        return await self.desk.shopper_of(shake) if same_secret(by, self.pass_of(shake)) else ""

    def words(self, refusal: ShakeRefusal, language: str) -> str:
        """Nobody is told to join a Wi-Fi that proves nothing: they may be on it."""
        return in_words(refusal, language=language, timezone=self.desk.timezone, by_wifi=bool(self._wifi))

    def retry_s(self, refusal: ShakeRefusal) -> int:
        """For Retry-After; 0: asking again as it is would not help, or need not wait."""
        if refusal.again_ms is not None:
            return max(1, -(-(refusal.again_ms - self._clock.now().at_ms) // 1000))
        return BUSY_S if refusal.why is ShakeWhy.CLOCK_UNSURE else 0

    def _hold_to(
        self, rate: Rate | AddressRate, request: web.Request, *, each_s: int, who: str = "", count: int = 1
    ) -> None:
        now_ms = self._clock.now().monotonic_ms
        if not at_the_box(request) and not rate.take(who or _address(request), monotonic_ms=now_ms, count=count):
            raise _too_often(each_s)


def _address(request: web.Request) -> str:
    return request.remote or "unknown"


def _too_often(retry_s: int) -> WebError:
    return WebError(429, "too_many", "That was a little too often.", hint="Please wait a minute.", retry_s=retry_s)
