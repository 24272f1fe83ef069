"""Campaigns: what coupons are worth."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from edge.shop.base import Count, Document, Text


class CouponKind(StrEnum):
    DISCOUNT = "discount"
    """`value` is per mille off: 200 = 20 % off (八折)."""
    CASH = "cash"
    """`value` is fen off."""
    GIFT = "gift"
    PARKING = "parking"
    """`value` is minutes."""
    PICKUP = "pickup"


class RiskClass(StrEnum):
    HOME = "A"
    """Redeemable only where issued: no double spend is possible offline."""
    BUDGET = "B"
    """Any store, offline up to a budget: the worst loss is that budget."""
    ONLINE = "C"


class Campaign(Document, frozen=True, kw_only=True):
    name_zh: Text
    name_en: Text
    kind: CouponKind
    value: Count = 0
    min_spend_fen: Count = 0
    starts_ms: Annotated[int, Meta(ge=0)]
    ends_ms: Annotated[int, Meta(ge=0)]
    """Coupons of it are worth nothing after this (UTC, ms)."""
    valid_days: Annotated[int, Meta(ge=0, le=3650)] = 0
    """Days a coupon lives from its issue; 0: until the campaign ends."""
    per_member: Count = 1
    """Coupons one holder may have of it; 0: no limit."""
    risk: RiskClass = RiskClass.HOME
    stock: Count = 0
    """Units the whole campaign has; grants never sum to more."""
    budget_units: Count = 0
    """Risk class B: coupons of other shops that this gateway may redeem offline, at most; 0: none."""
    budget_fen: Count = 0
    """Risk class B: what they may take off together, at most; 0: only the units are limited."""
    self_serve: bool = True
    """Shoppers may take it themselves in the wallet."""

    def __post_init__(self) -> None:
        if self.ends_ms <= self.starts_ms:
            raise ValueError("ends_ms must be later than starts_ms")
        if self.kind is CouponKind.DISCOUNT and not 0 < self.value <= 1000:
            raise ValueError("value of a discount is per mille off, 1 to 1000")
