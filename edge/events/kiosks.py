"""What is done at a kiosk."""

from __future__ import annotations

from edge.events.base import Count, Event
from edge.ids import Gtin, StationId


class ProductSearched(Event, frozen=True, kw_only=True):
    """A search that was looked at, not each keystroke. The words stay on the box."""

    station: StationId
    letters: Count
    hits: Count
    took_ms: float


class ProductViewed(Event, frozen=True, kw_only=True):
    station: StationId
    gtin: Gtin
    via: str
    """scan | search | alternative"""


class KioskReset(Event, frozen=True, kw_only=True):
    """One shopper's visit ended; nothing of it is left."""

    station: StationId
    reason: str
    """idle | finish | reload"""
    visit_s: float
    views: Count
