"""What is done at a kiosk."""

from __future__ import annotations

from edge.telemetry.base import Count, Kept, Telemetry


class ProductSearched(Telemetry, frozen=True, kw_only=True):
    """A search on a kiosk that was looked at; its words stay in the shop."""

    TYPE = "kiosk.searched.v1"
    KEPT = Kept.DIAGNOSTIC
    station: str
    letters: Count
    hits: Count
    took_ms: float


class ProductViewed(Telemetry, frozen=True, kw_only=True):
    """A product page was shown."""

    TYPE = "product.viewed.v1"
    KEPT = Kept.DIAGNOSTIC
    station: str
    gtin: str
    via: str


class KioskVisited(Telemetry, frozen=True, kw_only=True):
    """A shopper's visit at a kiosk ended."""

    TYPE = "kiosk.visited.v1"
    KEPT = Kept.DIAGNOSTIC
    station: str
    reason: str
    visit_s: float
    views: Count
