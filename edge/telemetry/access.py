"""Guests of the Wi-Fi. No MAC, no address, no phone: a visitor is a word that is another one tomorrow.

A line that is cut for weeks must keep no guest out, and no session on: so when what waits for the cloud fills its
space, guests' news are the first to go, and are recorded as lost. Making vouchers waits for room, as money does.
"""

from __future__ import annotations

from edge.telemetry.base import Count, Kept, Telemetry


class GuestAdmitted(Telemetry, frozen=True, kw_only=True):
    """A guest came onto the Wi-Fi."""

    TYPE = "guest.admitted.v1"
    KEPT = Kept.DIAGNOSTIC
    session: str
    visitor: str
    """The same person all day (local time), another word tomorrow."""
    way: str
    """click | voucher | member | sms | wechat | staff"""
    returning: bool
    """Was here on an earlier day."""
    days_since: Count | None
    """Since their last day here; None: first time, or it was longer ago than visits are kept."""
    visits_today: Count
    """With this one."""
    consent: str
    """Policy and version that was accepted."""
    marketing: bool


class GuestLeft(Telemetry, frozen=True, kw_only=True):
    """A guest's session ended: what a "come back" message hangs on."""

    TYPE = "guest.left.v1"
    KEPT = Kept.DIAGNOSTIC
    session: str
    visitor: str
    way: str
    reason: str
    """time | idle | bytes | logout | moved | staff | lost | refused"""
    seconds: Count
    """From coming in to the last sign of them."""
    up_bytes: Count
    down_bytes: Count
    marketing: bool
    """Agreed, on coming in, to be written to."""


class VouchersMade(Telemetry, frozen=True, kw_only=True):
    """A batch of vouchers was made; their codes are on paper only."""

    TYPE = "vouchers.made.v1"
    batch: str
    count: Count
    minutes: Count
    megabytes: Count
    devices: Count
    valid_to_ms: Count
