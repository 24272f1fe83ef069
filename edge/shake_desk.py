"""Shakes for everybody who asks: the shake API, the page, the kiosk's code, a page's back end.

A phone asks for a nonce, shakes, and says what it hears. Here its beacons become the shop's own, nonces and place codes
are checked, and the ticket is made; what the shopper gets is the store's to decide.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from edge import chance, places, shake_nonce, tokens
from edge import events as ev
from edge.clock import Clock, Stamp
from edge.config import Config
from edge.coupon_answers import Refused, Shown
from edge.coupon_desk import CouponDesk
from edge.errors import JournalRefusedError
from edge.events import Heard, Via
from edge.ids import StationId, ZoneId
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.pump import Pump
from edge.shake_answers import Exchanged, Shaken, ShakeRefusal, ShakeWhy, TicketWrong
from edge.shake_heard import Ears, RawBeacon
from edge.shop import Page, Shop, links
from edge.store import shake as rules
from edge.store import shake_rows, shake_stats
from edge.store.shake_rows import ShakeRow
from edge.store.shake_stats import DayStat, StatPage

__all__ = ["MAX_SALT", "SALT", "Fresh", "PlaceCode", "RawBeacon", "Result", "ShakeAsk", "ShakeDesk"]

MAX_SALT = 64
SALT = re.compile(r"[0-9A-Za-z_.-]{0,64}")
TICKET_CHARS = 32
SHAKE_ID_CHARS = 32


class _Place(NamedTuple):
    via: Via
    heard: tuple[Heard, ...] = ()
    zone: ZoneId | None = None
    station: StationId | None = None


class ShakeAsk(msgspec.Struct, frozen=True, kw_only=True):
    nonce: str
    """Of `fresh`."""
    salt: str = ""
    """The phone's share in the chance, as SALT has it: the cloud is told, so it is no place for free text."""
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
    ) -> None:
        """`shop` gives the documents in force. Raises ValueError for Wi-Fi networks that are none."""
        self._pump = pump
        self._journal = journal
        self._clock = clock
        self._nonce_key = keys.beacon_key("nonce")
        self._place_key = keys.beacon_key("place")
        self._ticket_key = keys.beacon_key("ticket")
        self._settings = config.shake
        self._uuid = config.beacons.uuid
        self._kiosks = {
            StationId(name): ZoneId(station.zone)
            for name, station in config.stations.items()
            if station.kind == "kiosk"
        }
        self._shop = shop
        self._coupons = coupons
        self._ears = Ears(keys.beacon_key("rotation"), rotate_s=config.beacons.rotate_s)
        self._wifi = places.networks(config.wifi_networks)

    @property
    def timezone(self) -> str:
        return self._shop().timezone

    def fresh(self) -> Fresh:
        """Stateless: costs no row until it is used."""
        now = self._clock.now()
        nonce = shake_nonce.make(self._nonce_key, now=now, random=secrets.token_bytes(shake_nonce.RANDOM_BYTES))
        ours = self._ears.uuids(self._shop().beacons) | {self._uuid.upper()}
        return Fresh(
            nonce=nonce,
            commit=shake_nonce.commit(self._nonce_key, nonce),
            uuids=tuple(sorted(ours)),
            to_ms=now.at_ms + shake_nonce.GOOD_MS,
        )

    # --- a shake -----------------------------------------------------------------------------------------

    async def shake(self, ask: ShakeAsk) -> Shaken | ShakeRefusal:
        """A yes is the same for ever for one nonce and shopper; a no changes nothing, and may be asked again.

        Raises ValueError for a salt that is none, and for a shopper who is nobody.
        """
        if not ask.shopper:
            raise ValueError("a shake is somebody's: limits and coupons hang on it")
        if SALT.fullmatch(ask.salt) is None:
            raise ValueError(f"a salt has at most {MAX_SALT} characters out of 0-9 A-Z a-z _ . -")
        now = self._clock.now()
        nonce = shake_nonce.look(self._nonce_key, ask.nonce, now=now)
        if nonce is shake_nonce.Nonce.UNKNOWN:
            return await self._refuse(ShakeWhy.NONCE_UNKNOWN, ask, now)
        place = self._place(ask, now) if nonce is shake_nonce.Nonce.FRESH else ShakeWhy.NONCE_UNKNOWN
        if isinstance(place, ShakeWhy):
            return await self._before(ask) or await self._refuse(place, ask, now)
        secret = shake_nonce.secret(self._nonce_key, ask.nonce)
        event = ev.ShakeMade(
            at=now,
            nonce=ask.nonce,
            shopper=ask.shopper,
            via=place.via,
            heard=place.heard,
            zone=place.zone,
            station=place.station,
            seed=chance.seed_of(secret, ask.salt),
            secret=secret.hex(),
            salt=ask.salt,
            serial=tokens.serial_text(secrets.token_bytes(tokens.SERIAL_BYTES)),
            ticket_hash=_hash(self.ticket(shake_nonce.shake_id(ask.nonce))),
        )
        answer = await self._pump.submit(event)
        if not isinstance(answer, Shaken | ShakeRefusal):
            raise TypeError(f"ShakeMade was answered with {type(answer).__name__}")
        return answer

    def forged(self, beacons: Sequence[RawBeacon]) -> int:
        """How many of these claim to be rotating ones of the shop and are not: each is a guess, and who takes shakes
        from strangers has to bound them.
        """
        return self._ears.forged(beacons, self._shop().beacons, now=self._clock.now())

    async def may_give(self, ask: ShakeAsk) -> bool:
        """Whether this shake may bring a new coupon. Changes nothing."""
        place = self._place(ask, self._clock.now())
        if isinstance(place, ShakeWhy) or await self._row(shake_nonce.shake_id(ask.nonce)) is not None:
            return False
        choices = rules.place_of(place.heard, place.via, place.zone, self._shop()).choices
        return any(each.page.draw or each.page.campaign for each in choices)

    async def _before(self, ask: ShakeAsk) -> Shaken | ShakeRefusal | None:
        """What this nonce was answered when it was good: a phone whose answer got lost asks again, and has moved."""
        row = await self._row(shake_nonce.shake_id(ask.nonce))
        if row is None:
            return None
        return row.shaken if row.shopper == ask.shopper else ShakeRefusal(why=ShakeWhy.REPLAYED)

    async def _refuse(self, why: ShakeWhy, ask: ShakeAsk, now: Stamp) -> ShakeRefusal:
        """Told, but the answer does not hang on it: a full disk is no reason to say less."""
        with contextlib.suppress(JournalRefusedError):
            await self._pump.submit(ev.ShakeRefused(at=now, why=str(why), via=_claimed(ask)))
        return ShakeRefusal(why=why)

    def _place(self, ask: ShakeAsk, now: Stamp) -> _Place | ShakeWhy:
        """Beacons first; then a code; then the Wi-Fi."""
        found = self._ears.hear(ask.beacons, self._shop().beacons, now=now)
        if found.heard:
            return _Place(Via.BEACON, found.heard)
        if ask.place:
            station = places.station_of(self._place_key, ask.place, self._kiosks, at_ms=now.at_ms)
            if station is not None:
                return _Place(Via.KIOSK, zone=self._kiosks[station] or None, station=station)
            zone = places.zone_of(self._place_key, ask.place) if self._settings.zone_codes else None
            if zone is not None:
                return _Place(Via.ZONE_CODE, zone=zone)
        if self._settings.wifi_zone and places.is_in(ask.address, self._wifi):
            return _Place(Via.WIFI, zone=ZoneId(self._settings.wifi_zone))
        if found.why is not None:
            return found.why
        return ShakeWhy.NOT_HERE if ask.place or (self._wifi and not ask.beacons) else ShakeWhy.NO_BEACON

    # --- its page ----------------------------------------------------------------------------------------

    async def look(self, shake_id: str, holder: str) -> Result | None:
        """For the result page. None: no such shake, or not this holder's. Changes nothing."""
        row = await self._own(shake_id, holder)
        if row is None:
            return None
        shown = None
        if row.shaken.coupon is not None:
            shown = await self._coupons.show(row.shaken.coupon.serial, serial_too=True)
        return Result(
            shaken=row.shaken,
            at_ms=row.at_ms,
            opened=row.opened_ms is not None,
            page=self._shop().pages.get(row.shaken.page),
            coupon=None if isinstance(shown, Refused) else shown,
        )

    async def opened(self, shake_id: str, holder: str) -> str | None:
        """The page was opened (counted once a shake). Gives its `page_url` with `ticket=…` in it; empty: it has no
        address, our own page is all there is. None: no such shake, or not this holder's.
        """
        row = await self._own(shake_id, holder)
        if row is None:
            return None
        if row.opened_ms is None:
            await self._pump.submit(ev.PageOpened(at=self._clock.now(), shake=row.id))
        page = self._shop().pages.get(row.shaken.page)
        return "" if page is None else links.with_ticket(page.page_url, self.ticket(row.id))

    def ticket(self, shake_id: str) -> str:
        """For an app that opens the page itself. Only its shopper may be given it; it is kept nowhere."""
        return hmac.digest(self._ticket_key, shake_id.encode(), "sha256").hex()[:TICKET_CHARS]

    async def exchange(self, ticket: str) -> Exchanged | TicketWrong:
        """Once; a repeat within a minute hears the same, for its answer may have been lost."""
        if len(ticket) != TICKET_CHARS or not ticket.isascii():
            return TicketWrong()
        hashed = _hash(ticket)
        if await self._journal.read(lambda db: shake_rows.shake_of_ticket(db, hashed)) is None:
            return TicketWrong()  # guesses cost no write
        answer = await self._pump.submit(ev.TicketExchanged(at=self._clock.now(), ticket_hash=hashed))
        if not isinstance(answer, Exchanged | TicketWrong):
            raise TypeError(f"TicketExchanged was answered with {type(answer).__name__}")
        return answer

    async def shopper_of(self, shake_id: str) -> str:
        """Holder; empty: there is no such shake."""
        row = await self._row(shake_id) if len(shake_id) == SHAKE_ID_CHARS else None
        return "" if row is None else row.shopper

    async def _own(self, shake_id: str, holder: str) -> ShakeRow | None:
        row = await self._row(shake_id) if len(shake_id) == SHAKE_ID_CHARS else None
        return row if row is not None and row.shopper == holder else None

    async def _row(self, shake_id: str) -> ShakeRow | None:
        return await self._journal.read(lambda db: shake_rows.shake(db, shake_id))

    # --- codes of places ---------------------------------------------------------------------------------

    def kiosk_code(self, station: StationId) -> PlaceCode:
        """Six characters, another each minute."""
        at_ms = self._clock.now().at_ms
        code = places.kiosk_code(self._place_key, station, at_ms=at_ms)
        return PlaceCode(code=code, to_ms=(at_ms // places.MINUTE_MS + 1) * places.MINUTE_MS)

    def zone_code(self, zone: ZoneId) -> str:
        """For a printed QR code: `…/shake?z=CODE`."""
        return places.zone_code(self._place_key, zone)

    # --- figures -----------------------------------------------------------------------------------------

    def today(self) -> date:
        """The shop's."""
        return shake_stats.day_of(self._clock.now().at_ms, self.timezone)

    async def device_stats(self, beacon: str, from_day: date, to_day: date) -> tuple[DayStat, ...]:
        """Both days included; days with no figure are left out. 100 days are kept."""
        return await self._journal.read(lambda db: shake_stats.device(db, beacon, from_day, to_day))

    async def page_stats(self, page: str, from_day: date, to_day: date) -> tuple[DayStat, ...]:
        return await self._journal.read(lambda db: shake_stats.page(db, page, from_day, to_day))

    async def devices_stats(self, day: date, page_index: int = 1) -> StatPage:
        """Of all beacons on one day, 50 a page, the most shaken first; `page_index` from 1 on."""
        return await self._journal.read(lambda db: shake_stats.devices(db, day, page_index))

    async def pages_stats(self, day: date, page_index: int = 1) -> StatPage:
        return await self._journal.read(lambda db: shake_stats.pages(db, day, page_index))


def _hash(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


def _claimed(ask: ShakeAsk) -> Via:
    """How who is refused wanted to prove the place."""
    if ask.beacons:
        return Via.BEACON
    if ask.place:
        return Via.ZONE_CODE if "." in ask.place else Via.KIOSK
    return Via.WIFI
