"""Shakes for everybody who asks: the shake API, the page, the kiosk's code, a page's back end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec

from edge.clock import Clock
from edge.config import Config
from edge.coupon_answers import Shown
from edge.coupon_desk import CouponDesk
from edge.ids import StationId, ZoneId
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.pump import Pump
from edge.shake_answers import Exchanged, Shaken, ShakeRefusal, TicketWrong
from edge.shop import Page, Shop
from edge.store.shake_stats import DayStat, StatPage


class RawBeacon(msgspec.Struct, frozen=True, kw_only=True):
    """As a phone names it; nothing in it is trusted."""

    uuid: str
    """Any case, with its dashes."""
    major: int
    minor: int
    rssi_dbm: int | None = None
    """0 and above: not known, as on iOS."""
    accuracy_m: float | None = None
    """Its own idea of the distance; 0 and below: not known, as on iOS."""
    proximity: int | None = None
    """1 immediate, 2 near, 3 far: only to sort by where there is nothing better."""


class ShakeAsk(msgspec.Struct, frozen=True, kw_only=True):
    nonce: str
    """Of `fresh`."""
    salt: str = ""
    """The phone's share in the chance: any text, at most MAX_SALT characters."""
    shopper: str
    """Holder: `GatewayKeys.holder(…)`."""
    beacons: tuple[RawBeacon, ...] = ()
    place: str = ""
    """A zone code or what a kiosk shows; looked at when no beacon proves a place."""
    address: str = ""
    """Whose request it is, for the Wi-Fi."""


class Fresh(msgspec.Struct, frozen=True, kw_only=True):
    """What a phone gets before it shakes."""

    nonce: str
    commit: str
    """sha256 of what will be half of the seed: see `edge.chance`."""
    uuids: tuple[str, ...]
    """Upper case; the regions a phone should look for."""
    to_ms: int
    """Until when the nonce is good (UTC, ms)."""


class PlaceCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a kiosk shows."""

    code: str
    to_ms: int
    """From then on there is a new one; this one is taken a minute longer."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One shake, for its own shopper."""

    shaken: Shaken
    at_ms: int
    opened: bool
    """Whether its page was opened before."""
    page: Page | None
    """As the documents have it now; None: it is gone."""
    coupon: Shown | None
    """What was won or came with it, as it is now, with its token."""


class ShakeDesk:
    """Every answer is a typed one; only JournalRefusedError (not on disk: try again) is raised to callers."""

    def __init__(
        self,
        *,
        pump: Pump,
        journal: Journal,
        clock: Clock,
        keys: GatewayKeys,
        config: Config,
        shop: Callable[[], Shop],
        coupons: CouponDesk,
    ) -> None: ...

    @property
    def timezone(self) -> str:
        raise NotImplementedError

    def fresh(self) -> Fresh:
        """Stateless: costs no row until it is used."""
        raise NotImplementedError

    async def shake(self, ask: ShakeAsk) -> Shaken | ShakeRefusal:
        """A yes is the same for ever for one nonce and shopper; a no changes nothing, and may be asked again."""
        raise NotImplementedError

    async def look(self, shake_id: str, holder: str) -> Result | None:
        """For the result page. None: no such shake, or not this holder's. Changes nothing."""
        raise NotImplementedError

    async def opened(self, shake_id: str, holder: str) -> str | None:
        """The page was opened (counted once a shake). Gives its `page_url` with `ticket=…` in it; empty: it has no
        address, our own page is all there is. None: no such shake, or not this holder's."""
        raise NotImplementedError

    async def exchange(self, ticket: str) -> Exchanged | TicketWrong:
        """Once; a repeat within a minute hears the same, for its answer may have been lost."""
        raise NotImplementedError

    def kiosk_code(self, station: StationId) -> PlaceCode:
        """Six characters, another each minute."""
        raise NotImplementedError

    def zone_code(self, zone: ZoneId) -> str:
        """For a printed QR code: `…/shake?z=CODE`."""
        raise NotImplementedError

    def today(self) -> date:
        """The shop's."""
        raise NotImplementedError

    async def device_stats(self, beacon: str, from_day: date, to_day: date) -> tuple[DayStat, ...]:
        """Both days included; days with no figure are left out. 100 days are kept, today included."""
        raise NotImplementedError

    async def page_stats(self, page: str, from_day: date, to_day: date) -> tuple[DayStat, ...]:
        raise NotImplementedError

    async def devices_stats(self, day: date, page_index: int = 1) -> StatPage:
        """Of all beacons on one day, 50 a page, the most shaken first; `page_index` from 1 on."""
        raise NotImplementedError

    async def pages_stats(self, day: date, page_index: int = 1) -> StatPage:
        raise NotImplementedError
