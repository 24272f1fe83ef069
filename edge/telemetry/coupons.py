"""Rights to issue, coupons, and their use."""

from __future__ import annotations

from edge.telemetry.base import Count, Kept, Telemetry


class GrantReceived(Telemetry, frozen=True, kw_only=True):
    """The right to issue arrived in the ledger."""

    TYPE = "grant.received.v1"
    grant_id: str
    campaign: str
    units: Count
    ledger_n: Count
    """Number of the ledger entry behind it."""
    ledger_hash: str
    """Hash of that entry, which covers all before it: who has seen it can tell a ledger that was turned back."""


class CouponIssued(Telemetry, frozen=True, kw_only=True):
    """A unit moved available → outstanding."""

    TYPE = "coupon.issued.v1"
    campaign: str
    serial: str
    via: str
    station: str | None
    valid_from_ms: int
    valid_to_ms: int
    ledger_n: Count
    """Number of the ledger entry behind it."""
    ledger_hash: str
    """Hash of that entry, which covers all before it: who has seen it can tell a ledger that was turned back."""


class CouponRedeemed(Telemetry, frozen=True, kw_only=True):
    """A unit moved outstanding → redeemed; or another shop's coupon was honoured inside the offline budget."""

    TYPE = "coupon.redeemed.v1"
    campaign: str
    serial: str
    till: str
    value_fen: Count
    issued_here: bool
    ledger_n: Count
    """Number of the ledger entry behind it."""
    ledger_hash: str
    """Hash of that entry, which covers all before it: who has seen it can tell a ledger that was turned back."""


class CouponEnded(Telemetry, frozen=True, kw_only=True):
    """A unit moved outstanding → expired or voided."""

    TYPE = "coupon.ended.v1"
    campaign: str
    serial: str
    how: str
    """expired | voided"""
    ledger_n: Count
    """Number of the ledger entry behind it."""
    ledger_hash: str
    """Hash of that entry, which covers all before it: who has seen it can tell a ledger that was turned back."""
    reason: str = ""


class CouponRefused(Telemetry, frozen=True, kw_only=True):
    """A till or a shopper was told no, and why."""

    TYPE = "coupon.refused.v1"
    KEPT = Kept.DIAGNOSTIC
    campaign: str
    reason: str
    station: str | None
