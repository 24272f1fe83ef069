"""In by a code of the staff (`[portal.staff]`): no limit of time or bytes."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from edge.access_answers import AccessWhy, Way
from edge.checked import Secret
from edge.clock import Clock
from edge.keys import GatewayKeys
from edge.portal.asks import Guest, Proven
from edge.portal.ways.guesses import Guesses
from edge.rates import Rate

MAX_CODE = 128


class StaffWay:
    way = Way.STAFF

    def __init__(self, staff: Mapping[str, Secret], *, keys: GatewayKeys, clock: Clock) -> None:
        """`staff`: who → their code."""
        self._key = keys.wifi_key("staff")
        self._codes = {name: self._digest(code.reveal().strip()) for name, code in staff.items()}
        self._keys = keys
        self._clock = clock
        self._guesses = Guesses(of_phone=Rate(burst=5, each_s=60), of_shop=Rate(burst=60, each_s=2))

    def ready(self) -> AccessWhy | None:
        return None if self._codes else AccessWhy.NOT_OFFERED

    async def prove(self, guest: Guest, form: Mapping[str, str]) -> Proven | AccessWhy:
        """Field: `staff`."""
        now_ms = self._clock.now().monotonic_ms
        typed = form.get("staff", "").strip()
        if not typed or len(typed) > MAX_CODE:
            return AccessWhy.CODE_WRONG
        if not self._guesses.may(guest.mac.colons, monotonic_ms=now_ms):
            return AccessWhy.TOO_OFTEN
        digest = self._digest(typed)
        # All are compared, each as a digest: how long it takes tells neither whose it nearly is nor how long a code is.
        found = [name for name, code in self._codes.items() if hmac.compare_digest(digest, code)]
        if not found:
            self._guesses.wrong(monotonic_ms=now_ms)
            return AccessWhy.CODE_WRONG
        self._guesses.right(guest.mac.colons)
        return Proven(holder=self._keys.holder("staff", found[0]), account=found[0])

    def _digest(self, code: str) -> bytes:
        return hmac.digest(self._key, code.encode("utf-8", "surrogatepass"), "sha256")
