"""Every fact the gateway acts on. Past tense, frozen, units in names, valid at birth.

A driver, a page or the cloud makes one; `edge.store.handle` decides what it means. No payment code or
phone number is ever a field of one: those are refused or hashed before an event is made. A MAC address is one of the
guest Wi-Fi's only, and never shows itself.
"""

from __future__ import annotations

from edge.events.access import (
    MAX_COUNTED,
    GuestGone,
    GuestProven,
    GuestsCounted,
    SessionCount,
    VouchersMade,
    VouchersVoided,
)
from edge.events.base import Count, Event
from edge.events.coupons import CommitAsked, CouponAsked, GrantReceived, ReleaseAsked, ReserveAsked, VoidAsked
from edge.events.footfall import FootfallCounted
from edge.events.gateway import (
    CatalogueChanged,
    ClockAdjusted,
    CommandDone,
    DeviceFound,
    DeviceLost,
    DocumentsChanged,
    GatewayStarted,
    RowsUnsendable,
    ServiceFailed,
    TimePassed,
)
from edge.events.kiosks import KioskReset, ProductSearched, ProductViewed
from edge.events.radio import (
    BeaconConfigured,
    BeaconHealthChanged,
    BeaconProblem,
    PresenceCounted,
    Proximity,
    RadioChanged,
    RadioMeasured,
    RadioStep,
    ZoneEntered,
    ZoneLeft,
)
from edge.events.scanners import Code, CodeKind, CodeScanned, Transport
from edge.events.shake import MAX_HEARD, Heard, PageOpened, ShakeMade, ShakeRefused, TicketExchanged, Via

__all__ = [
    "MAX_COUNTED",
    "MAX_HEARD",
    "BeaconConfigured",
    "BeaconHealthChanged",
    "BeaconProblem",
    "CatalogueChanged",
    "ClockAdjusted",
    "Code",
    "CodeKind",
    "CodeScanned",
    "CommandDone",
    "CommitAsked",
    "Count",
    "CouponAsked",
    "DeviceFound",
    "DeviceLost",
    "DocumentsChanged",
    "Event",
    "FootfallCounted",
    "GatewayStarted",
    "GrantReceived",
    "GuestGone",
    "GuestProven",
    "GuestsCounted",
    "Heard",
    "KioskReset",
    "PageOpened",
    "PresenceCounted",
    "ProductSearched",
    "ProductViewed",
    "Proximity",
    "RadioChanged",
    "RadioMeasured",
    "RadioStep",
    "ReleaseAsked",
    "ReserveAsked",
    "RowsUnsendable",
    "ServiceFailed",
    "SessionCount",
    "ShakeMade",
    "ShakeRefused",
    "TicketExchanged",
    "TimePassed",
    "Transport",
    "Via",
    "VoidAsked",
    "VouchersMade",
    "VouchersVoided",
    "ZoneEntered",
    "ZoneLeft",
]
