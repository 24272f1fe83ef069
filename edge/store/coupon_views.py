"""What people may see of coupons: read-only questions to the same rows the rules use."""

from __future__ import annotations

import msgspec

from edge.clock import Stamp
from edge.coupon_answers import CouponState, Shown, Terms
from edge.ids import CampaignId
from edge.shop import Campaign, RiskClass, Shop
from edge.store import coupon_rows, ledger, redeem
from edge.store.coupon_rows import CouponRow
from edge.store.ledger import Account
from edge.store.tx import Rows

WALLET_MAX = 100
"""Coupons a wallet page lists, the newest first."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign a shopper may help themselves to."""

    campaign: Campaign
    have: int
    """Coupons of it that count against this holder's limit."""
    got: int
    """All that this holder ever got, withdrawn ones too: it names the next one."""
    left: bool
    """Whether this gateway may still issue one."""

    @property
    def takable(self) -> bool:
        return self.left and (not self.campaign.per_member or self.have < self.campaign.per_member)


def shown(db: Rows, shop: Shop, row: CouponRow, now: Stamp) -> Shown:
    """Without its token and code: those are the reader's to make."""
    campaign = shop.campaigns.get(row.campaign)
    return Shown(
        serial=row.serial,
        campaign=CampaignId(row.campaign),
        state=_state(db, row, now),
        from_ms=row.from_ms,
        to_ms=row.to_ms,
        ended_ms=row.ended_ms,
        ended_at=row.ended_at,
        terms=Terms.of(campaign) if campaign else None,
        risk=campaign.risk if campaign else None,
        usable=redeem.why_not(db, shop, row, now),
    )


def _state(db: Rows, row: CouponRow, now: Stamp) -> CouponState:
    """What the row will be once the next tick looked at it."""
    if row.state is CouponState.OUTSTANDING and now.at_ms > row.to_ms:
        return CouponState.EXPIRED
    if row.state is CouponState.HELD and row.hold_key is not None:
        held = coupon_rows.hold(db, row.hold_key)
        return CouponState.HELD if held is not None and not held.lapsed(now) else CouponState.OUTSTANDING
    return row.state


def wallet(db: Rows, shop: Shop, holder: str, now: Stamp) -> tuple[tuple[CouponRow, Shown], ...]:
    return tuple((row, shown(db, shop, row, now)) for row in coupon_rows.coupons_of(db, holder, limit=WALLET_MAX))


def offers(db: Rows, shop: Shop, holder: str, now: Stamp) -> tuple[Offer, ...]:
    """Self-serve campaigns that run now, in the order of the documents."""
    return tuple(
        _offer(db, each, holder, now)
        for each in shop.campaigns.values()
        if each.self_serve and each.risk is not RiskClass.ONLINE and now.at_ms <= each.ends_ms
    )


def _offer(db: Rows, campaign: Campaign, holder: str, now: Stamp) -> Offer:
    got, voided = db.execute(
        "SELECT count(*), count(*) FILTER (WHERE state = 'voided') FROM coupon"
        " WHERE holder = ? AND holder <> '' AND campaign = ?",
        (holder, campaign.id),
    ).fetchone()
    return Offer(campaign=campaign, have=got - voided, got=got, left=_left(db, campaign.id, now))


def _left(db: Rows, campaign: str, now: Stamp) -> bool:
    if ledger.balance(db, campaign, Account.AVAILABLE) <= 0:
        return False
    open_grant = db.execute(
        "SELECT 1 FROM coupon_grant WHERE campaign = ? AND units_left > 0 AND not_after_ms >= ? LIMIT 1",
        (campaign, now.at_ms),
    ).fetchone()
    return open_grant is not None
