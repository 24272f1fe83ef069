"""In by a voucher's code. A guess costs a look into the journal, and no write."""

from __future__ import annotations

from collections.abc import Mapping

from edge.access_answers import AccessWhy, Way
from edge.clock import Clock
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.portal import codes
from edge.portal.asks import Guest, Proven
from edge.portal.ways.guesses import Guesses
from edge.rates import Rate
from edge.store import vouchers


class VoucherWay:
    way = Way.VOUCHER

    def __init__(self, *, keys: GatewayKeys, clock: Clock, journal: Journal) -> None:
        self._key = keys.wifi_key("voucher")
        self._clock = clock
        self._journal = journal
        self._guesses = Guesses(of_phone=Rate(burst=8, each_s=30), of_shop=Rate(burst=300, each_s=0.5))
        """60 random bits: at a hundred a second, one of 100,000 vouchers is guessed in 3,600 years."""

    def ready(self) -> AccessWhy | None:
        return None

    async def prove(self, guest: Guest, form: Mapping[str, str]) -> Proven | AccessWhy:
        """Field: `voucher`. What it is worth is the store's to say."""
        code = codes.tidy(form.get("voucher", ""))
        if code is None:
            return AccessWhy.VOUCHER_UNKNOWN
        phone = guest.mac.colons
        if not self._guesses.may(phone, monotonic_ms=self._clock.now().monotonic_ms):
            return AccessWhy.TOO_OFTEN
        hashed = codes.hashed(self._key, code)
        found = await self._journal.read(lambda db: vouchers.voucher(db, hashed))
        if found is None:
            self._guesses.wrong(monotonic_ms=self._clock.now().monotonic_ms)
            return AccessWhy.VOUCHER_UNKNOWN
        self._guesses.right(phone)
        return Proven(holder=f"voucher-{hashed}", account=found.batch, voucher=hashed)
