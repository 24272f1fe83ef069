"""Coupons for everybody who asks: pages, tills, the command line, the cloud. Nothing here touches the network."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from typing import TypeVar

import msgspec

from edge import events as ev
from edge import grants, tokens
from edge.clock import Clock
from edge.config import Config
from edge.coupon_answers import (
    CouponState,
    Granted,
    Issued,
    Redeemed,
    Refused,
    Released,
    Reserved,
    Shown,
    Voided,
    Why,
)
from edge.coupon_reader import CouponReader
from edge.ids import CampaignId, Serial, StationId
from edge.journal import Journal
from edge.keys import GatewayKeys, public_of_text, verifier
from edge.pump import Pump
from edge.shop import Shop
from edge.store import coupon_rows, coupon_views, ledger_check, redeem
from edge.store.coupon_rows import CouponRow
from edge.store.coupon_views import Offer
from edge.store.ledger_check import LedgerReport

A = TypeVar("A")


class CouponDesk:
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
    ) -> None:
        """Raises StoregateError for a key in the configuration that is none. `shop` gives the documents in force."""
        self._pump = pump
        self._journal = journal
        self._clock = clock
        self._keys = keys
        self._gateway = config.source
        self._shop = shop
        self._reader = CouponReader(keys, config.coupons.peer_keys)
        self._issuers = {
            name: verifier(public_of_text(f"coupons.issuer_keys.{name}", text))
            for name, text in config.coupons.issuer_keys.items()
        }

    @property
    def timezone(self) -> str:
        return self._shop().timezone

    # --- issuing -----------------------------------------------------------------------------------------

    async def issue(
        self,
        campaign: str,
        *,
        holder: str = "",
        request_key: str = "",
        via: str = "cli",
        station: StationId | None = None,
    ) -> Issued | Refused:
        """One coupon. With a `request_key` a repeat gets the same coupon; without one it gets another."""
        serial = tokens.serial_text(secrets.token_bytes(tokens.SERIAL_BYTES))
        event = ev.CouponAsked(
            at=self._clock.now(),
            request_key=request_key or f"{via}/{serial}",
            campaign=CampaignId(campaign),
            serial=serial,
            holder=holder,
            via=via,
            station=station,
        )
        return await self._ask(event, Issued)

    async def issue_to(self, campaign: str, *, member: str = "", request_key: str = "") -> Shown | Refused:
        """One coupon by a person's hand, with its token and short code; for a member, or for the bearer."""
        holder = self._keys.holder("member", member) if member else ""
        issued = await self.issue(campaign, holder=holder, request_key=request_key)
        return issued if isinstance(issued, Refused) else await self.show(issued.serial, serial_too=True)

    async def grant(self, document: bytes) -> Granted | Refused:
        """Raises DocumentError or GrantError for a grant that is malformed, forged, or not for this gateway."""
        grant = grants.verified(grants.parse(document), issuers=self._issuers, gateway=self._gateway)
        event = ev.GrantReceived(
            at=self._clock.now(),
            grant_id=grant.grant_id,
            campaign=CampaignId(grant.campaign),
            units=grant.units,
            value_cap_fen=grant.value_cap_fen,
            not_after_ms=grant.not_after_ms,
            seq=grant.seq,
        )
        return await self._ask(event, Granted)

    async def void(
        self, *, campaign: str = "", code: str = "", reason: str = "", by: str = "cloud"
    ) -> Voided | Refused:
        """One coupon by its token, short code or serial; or, without `code`, all outstanding ones of a campaign."""
        serial: Serial | None = None
        if code:
            read = self._reader.read(code, self._shop().campaigns, serial_too=True)
            if isinstance(read, Refused):
                return read
            row = await self._row(read.serial)
            serial, campaign = read.serial, row.campaign if row else campaign or read.campaign
        if not campaign:
            return Refused(why=Why.CAMPAIGN_UNKNOWN)
        event = ev.VoidAsked(
            at=self._clock.now(), campaign=CampaignId(campaign), serial=serial, reason=reason[:200], by=by
        )
        return await self._ask(event, Voided)

    # --- at the till -------------------------------------------------------------------------------------

    async def reserve(
        self, *, till: StationId, key: str, code: str, member: str = "", value_fen: int = 0, serial_too: bool = False
    ) -> Reserved | Refused:
        """`key` is the till's, unique for what it wants to do; the same key hears the same answer for ever."""
        read = self._reader.read(code, self._shop().campaigns, serial_too=serial_too)
        if isinstance(read, Refused):
            return read
        event = ev.ReserveAsked(
            at=self._clock.now(),
            key=key,
            serial=read.serial,
            campaign=read.campaign,
            till=till,
            holder=self._keys.holder("member", member) if member else "",
            issued_here=read.issued_here,
            from_ms=read.from_ms,
            to_ms=read.to_ms,
            value_fen=value_fen,
        )
        return await self._ask(event, Reserved)

    async def commit(self, *, till: StationId, key: str, value_fen: int = 0) -> Redeemed | Refused:
        event = ev.CommitAsked(at=self._clock.now(), key=key, till=till, value_fen=value_fen)
        return await self._ask(event, Redeemed)

    async def release(self, *, till: StationId, key: str) -> Released | Refused:
        return await self._ask(ev.ReleaseAsked(at=self._clock.now(), key=key, till=till), Released)

    async def redeem(self, code: str, *, till: StationId, receipt: str, value_fen: int = 0) -> Redeemed | Refused:
        """Reserve and commit in one, by a person's hand. A repeat for the same receipt hears the same."""
        read = self._reader.read(code, self._shop().campaigns, serial_too=True)
        if isinstance(read, Refused):
            return read
        key = f"{till}/{receipt}/{read.serial}"
        held = await self.reserve(till=till, key=key, code=code, value_fen=value_fen, serial_too=True)
        return held if isinstance(held, Refused) else await self.commit(till=till, key=key, value_fen=value_fen)

    # --- to look at --------------------------------------------------------------------------------------

    async def show(self, code: str, *, serial_too: bool = False) -> Shown | Refused:
        shop, now = self._shop(), self._clock.now()
        read = self._reader.read(code, shop.campaigns, serial_too=serial_too)
        if isinstance(read, Refused):
            return read

        def look(db: sqlite3.Connection) -> tuple[CouponRow, Shown] | None:
            row = coupon_rows.coupon(db, read.serial)
            if row is None and not read.issued_here:
                row = redeem.foreign(read.serial, read.campaign, from_ms=read.from_ms, to_ms=read.to_ms)
            return None if row is None else (row, coupon_views.shown(db, shop, row, now))

        found = await self._journal.read(look)
        return self._with_codes(*found) if found is not None else Refused(why=Why.UNKNOWN)

    async def wallet(self, holder: str) -> tuple[Shown, ...]:
        shop, now = self._shop(), self._clock.now()
        found = await self._journal.read(lambda db: coupon_views.wallet(db, shop, holder, now))
        return tuple(self._with_codes(row, shown) for row, shown in found)

    async def offers(self, holder: str) -> tuple[Offer, ...]:
        shop, now = self._shop(), self._clock.now()
        return await self._journal.read(lambda db: coupon_views.offers(db, shop, holder, now))

    async def ledger(self) -> LedgerReport:
        """Reads the whole book: seconds for a large one, on the journal's reader thread."""
        return await self._journal.read(ledger_check.verify)

    def _with_codes(self, row: CouponRow, shown: Shown) -> Shown:
        alive = shown.state in {CouponState.OUTSTANDING, CouponState.HELD}
        if not (row.here and alive):
            return shown
        token = self._reader.token(row.serial, row.campaign, holder=row.holder, from_ms=row.from_ms, to_ms=row.to_ms)
        return msgspec.structs.replace(shown, token=token, short_code=self._reader.short_code(row.serial))

    async def _row(self, serial: Serial) -> CouponRow | None:
        return await self._journal.read(lambda db: coupon_rows.coupon(db, serial))

    async def _ask(self, event: ev.Event, kind: type[A]) -> A | Refused:
        answer = await self._pump.submit(event)
        if not isinstance(answer, kind | Refused):
            raise TypeError(f"{type(event).__name__} was answered with {type(answer).__name__}")
        return answer
