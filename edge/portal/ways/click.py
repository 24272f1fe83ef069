"""In by a click: the terms were accepted, and nobody proves who they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge.access_answers import AccessWhy, Way
from edge.clock import Clock
from edge.keys import GatewayKeys
from edge.portal.asks import Guest, Proven
from edge.portal.names import Names
from edge.shop import Shop


class ClickWay:
    way = Way.CLICK

    def __init__(self, *, keys: GatewayKeys, clock: Clock, shop: Callable[[], Shop]) -> None:
        self._names = Names(keys)
        self._clock = clock
        self._shop = shop

    def ready(self) -> AccessWhy | None:
        return None

    async def prove(self, guest: Guest, form: Mapping[str, str]) -> Proven:  # noqa: ARG002 - nothing is asked
        """Who has a wallet is known by it, and comes back one day; who has none is a phone for as long as a day."""
        return Proven(holder=self._names.holder(guest, self._clock.now(), self._shop().timezone))
