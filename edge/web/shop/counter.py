"""What a kiosk's pages are built on: the catalogue, the journal, the shop's documents, the visits."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from edge import events as ev
from edge.board import Board
from edge.catalogue.product import CatalogueInfo, Found, Product
from edge.clock import Clock
from edge.config import Config, StationSection
from edge.errors import JournalRefusedError
from edge.ids import Gtin, StationId
from edge.shake_desk import PlaceCode
from edge.shop import Shop
from edge.store.shake import choices_in
from edge.web.shop.visits import Limits, Visit, Visits

log = logging.getLogger(__name__)
TELL_S = 1.0
"""A journal that is slower than this is not worth a shopper's wait: news of use may be lost, pages may not."""

CouponView = Callable[[web.Request, str], Awaitable[str]]
"""A coupon's token → the HTML that a kiosk shows in its middle."""


class Lookup(Protocol):
    """The catalogue, as the kiosk asks it."""

    async def product(self, gtin: Gtin) -> Product | None: ...
    async def by_item(self, item: str) -> Product | None: ...
    async def search(self, words: str, limit: int = 20) -> Found: ...
    async def alternatives(self, product: Product, limit: int = 3) -> tuple[Product, ...]: ...
    async def info(self) -> CatalogueInfo | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    config: Config
    clock: Clock
    board: Board
    desk: Lookup
    submit: Callable[[ev.Event], Awaitable[object]]
    shop: Callable[[], Shop]
    """The documents now in force."""
    coupon: CouponView | None = None
    shake_code: Callable[[StationId], PlaceCode] | None = None
    """The code by which a phone that shakes proves that it stands at this screen."""
    guest_url: Callable[[], str] = str
    """Where a phone reaches the guest pages; empty: nobody knows, and no QR code is drawn."""
    visits: Visits = field(init=False)

    def __post_init__(self) -> None:
        limits = {
            StationId(name): Limits(idle_ms=station.idle_s * 1000, warn_ms=station.warn_s * 1000)
            for name, station in self.config.stations.items()
            if station.kind == "kiosk"
        }
        visits = Visits(limits, language=self.config.gateway.language, run=secrets.token_hex(4))
        object.__setattr__(self, "visits", visits)

    @property
    def kiosks(self) -> dict[str, StationSection]:
        return {name: station for name, station in self.config.stations.items() if station.kind == "kiosk"}

    def place_code(self, station: StationId) -> PlaceCode | None:
        """None: there is nothing to shake for."""
        if self.shake_code is None or not choices_in(self.shop(), self.config.stations[station].zone or None):
            return None
        return self.shake_code(station)

    @property
    def now_ms(self) -> int:
        """Monotonic: for visits."""
        return self.clock.now().monotonic_ms

    @property
    def offline(self) -> bool:
        """The cloud is meant to be there and is not."""
        return self.board.broker.configured and not self.board.broker.connected

    async def tell(self, event: ev.Event) -> None:
        """Submits news of use. A journal that refuses or hangs costs the news, never the page."""
        try:
            async with asyncio.timeout(TELL_S):
                await self.submit(event)
        except (JournalRefusedError, TimeoutError) as error:
            log.warning("%s was not recorded: %s", type(event).__name__, str(error) or "the journal is slow")

    async def tell_search(self, visit: Visit) -> None:
        """The last search, once: when a hit was opened or the visit ended. Words stay here."""
        looked, visit.looked = visit.looked, None
        if looked is not None:
            await self.tell(
                ev.ProductSearched(
                    at=self.clock.now(),
                    station=visit.station,
                    letters=looked.letters,
                    hits=looked.hits,
                    took_ms=looked.took_ms,
                )
            )

    async def tell_end(self, visit: Visit, reason: str) -> None:
        await self.tell_search(visit)
        at = self.clock.now()
        visit_s = max(0, visit.touched_ms - visit.started_ms) / 1000
        await self.tell(ev.KioskReset(at=at, station=visit.station, reason=reason, visit_s=visit_s, views=visit.views))
