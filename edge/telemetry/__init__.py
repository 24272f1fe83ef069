"""What the cloud is told: one struct a type. The wire format, the JSON Schemas and docs/asyncapi.yaml come from here.

Additive inside `.vN`; new meaning is a new version. No MAC address, phone number, payment code, coupon
token or shopper's words is in any of them. Times of an event are in its CloudEvents envelope.
"""

from __future__ import annotations

from edge.telemetry.access import GuestAdmitted, GuestLeft, VouchersMade
from edge.telemetry.base import Count, Kept, Share, Telemetry
from edge.telemetry.coupons import CouponEnded, CouponIssued, CouponRedeemed, CouponRefused, GrantReceived
from edge.telemetry.footfall import FootfallCounted
from edge.telemetry.gateway import (
    CatalogueChanged,
    ClockAdjusted,
    CommandDone,
    DeviceFound,
    DeviceLost,
    DocumentsChanged,
    GatewayStarted,
    JournalReplaced,
    Range,
    RecordsLost,
    ServiceFailed,
)
from edge.telemetry.kiosks import KioskVisited, ProductSearched, ProductViewed
from edge.telemetry.radio import (
    BeaconConfigured,
    BeaconHealth,
    PresenceCounted,
    RadioMeasured,
    RadioRecovered,
    ZoneEntered,
    ZoneLeft,
)
from edge.telemetry.scanners import CodeScanned
from edge.telemetry.shake import DrawWon, PageShown, ShakeMade, ShakeRefused

__all__ = [
    "BeaconConfigured",
    "BeaconHealth",
    "CatalogueChanged",
    "ClockAdjusted",
    "CodeScanned",
    "CommandDone",
    "Count",
    "CouponEnded",
    "CouponIssued",
    "CouponRedeemed",
    "CouponRefused",
    "DeviceFound",
    "DeviceLost",
    "DocumentsChanged",
    "DrawWon",
    "FootfallCounted",
    "GatewayStarted",
    "GrantReceived",
    "GuestAdmitted",
    "GuestLeft",
    "JournalReplaced",
    "Kept",
    "KioskVisited",
    "PageShown",
    "PresenceCounted",
    "ProductSearched",
    "ProductViewed",
    "RadioMeasured",
    "RadioRecovered",
    "Range",
    "RecordsLost",
    "ServiceFailed",
    "ShakeMade",
    "ShakeRefused",
    "Share",
    "Telemetry",
    "VouchersMade",
    "ZoneEntered",
    "ZoneLeft",
    "all_types",
]


def all_types() -> tuple[type[Telemetry], ...]:
    """Every payload type, in the order of the files above."""
    return tuple(Telemetry.__subclasses__())
