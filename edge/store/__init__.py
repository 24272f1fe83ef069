"""The shop's rules: `handle(event, tx)` → what happened and what to do.

Here is no clock, no randomness, no socket, no asyncio and no thread: what a rule needs of those comes
inside the event, what it knows of the shop comes with the transaction. So every rule is tested as a
dialogue over an in-memory SQLite.
"""

from __future__ import annotations

from edge import events as ev
from edge.store import access, coupon_time, coupons, footfall, gateway, kiosk, presence, redeem, shake, vouchers
from edge.store.tx import Outcome, Tx

__all__ = ["Outcome", "Tx", "handle"]


def handle(event: ev.Event, tx: Tx) -> Outcome:  # noqa: C901, PLR0911, PLR0912 - one line a case
    """Decides one event inside the caller's savepoint. An exception undoes all of it."""
    match event:
        case ev.CodeScanned():
            return kiosk.scanned(event, tx)
        case ev.ProductSearched() | ev.ProductViewed() | ev.KioskReset():
            return kiosk.used(event, tx)
        case ev.FootfallCounted():
            return footfall.counted(event, tx)
        case ev.GrantReceived():
            return coupons.granted(event, tx)
        case ev.CouponAsked():
            return coupons.asked(event, tx)
        case ev.ReserveAsked():
            return redeem.reserve(event, tx)
        case ev.CommitAsked():
            return redeem.commit(event, tx)
        case ev.ReleaseAsked():
            return redeem.release(event, tx)
        case ev.VoidAsked():
            return coupons.void_asked(event, tx)
        case ev.ShakeMade():
            return shake.made(event, tx)
        case ev.PageOpened():
            return shake.opened(event, tx)
        case ev.TicketExchanged():
            return shake.exchanged(event, tx)
        case ev.ShakeRefused():
            return shake.refused(event, tx)
        case ev.ZoneEntered():
            return presence.entered(event, tx)
        case ev.ZoneLeft():
            return presence.left(event, tx)
        case ev.PresenceCounted():
            return presence.counted(event, tx)
        case ev.BeaconHealthChanged():
            return presence.health(event, tx)
        case ev.BeaconConfigured():
            return presence.configured(event, tx)
        case ev.RadioChanged() | ev.RadioMeasured():
            return presence.radio(event, tx)
        case ev.GuestProven():
            return access.proven(event, tx)
        case ev.GuestsCounted():
            return access.counted(event, tx)
        case ev.GuestGone():
            return access.gone(event, tx)
        case ev.VouchersMade():
            return vouchers.made(event, tx)
        case ev.VouchersVoided():
            return access.voided(event, tx)
        case ev.GatewayStarted():
            presence.started(event, tx)
            access.started(event, tx)
            return gateway.told(event, tx)
        case ev.TimePassed():
            coupon_time.passed(event, tx)
            footfall.passed(event, tx)
            presence.passed(event, tx)
            shake.passed(event, tx)
            return access.passed(event, tx)
        case ev.ClockAdjusted():
            access.clock_set(event, tx)
            return gateway.told(event, tx)
        case _:
            return gateway.told(event, tx)
