"""In by a voucher's code. A guess costs a look into the journal, and no write."""

from __future__ import annotations

from collections.abc import Mapping

from edge.access_answers import AccessWhy, Way
from edge.clock import Clock
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.portal import codes
from edge.portal.asks import Guest, Proven
from edge.rates import Rate
from edge.store import vouchers


class VoucherWay:
    way = Way.VOUCHER

    def __init__(self, *, keys: GatewayKeys, clock: Clock, journal: Journal) -> None:
        self._key = keys.wifi_key("voucher")
        self._clock = clock
        self._journal = journal
        self._wrong_of_phone = Rate(burst=8, each_s=30)
        self._wrong_of_shop = Rate(burst=300, each_s=0.5)
        """Another MAC costs nothing. At two a second, one of 100,000 vouchers is guessed in 180,000 years."""

    def ready(self) -> AccessWhy | None:
        return None

    async def prove(self, guest: Guest, form: Mapping[str, str]) -> Proven | AccessWhy:
        """Field: `voucher`. What it is worth is the store's to say."""
        code = codes.tidy(form.get("voucher", ""))
        if code is None:
            return AccessWhy.VOUCHER_UNKNOWN
        if not self._may_guess(guest):
            return AccessWhy.TOO_OFTEN
        hashed = codes.hashed(self._key, code)
        found = await self._journal.read(lambda db: vouchers.voucher(db, hashed))
        if found is None:
            return AccessWhy.VOUCHER_UNKNOWN
        self._wrong_of_phone.give_back(guest.mac.colons)
        self._wrong_of_shop.give_back("")
        return Proven(holder=f"voucher-{hashed}", account=found.batch, voucher=hashed)

    def _may_guess(self, guest: Guest) -> bool:
        """It counts as wrong until it is found: many at once are as many guesses."""
        now_ms = self._clock.now().monotonic_ms
        if not self._wrong_of_shop.has("", monotonic_ms=now_ms):
            return False
        return self._wrong_of_phone.take(guest.mac.colons, monotonic_ms=now_ms) and self._wrong_of_shop.take(
            "", monotonic_ms=now_ms
        )
