"""What the shop manages: the types of its documents, and the frozen `Shop` that the rules read.

`edge.documents` keeps them on disk; the cloud, the command line and the admin page may replace them, one kind
at a time, each set checked whole. The store sees a `Shop` that does not change under it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from edge.errors import Mistake
from edge.shop import beacons, portals
from edge.shop.base import Count, Document, Text
from edge.shop.beacons import Beacon, Bound, CarriedBy, Draw, Group, Page, Prize, number_of
from edge.shop.coupons import Campaign, CouponKind, RiskClass
from edge.shop.portals import Hours, Limit, Portal
from edge.shop.zones import Slide, Zone

__all__ = [
    "KINDS",
    "Beacon",
    "Bound",
    "Campaign",
    "CarriedBy",
    "Count",
    "CouponKind",
    "Document",
    "Draw",
    "Group",
    "Hours",
    "Limit",
    "Page",
    "Portal",
    "Prize",
    "RiskClass",
    "Shop",
    "Slide",
    "Text",
    "Zone",
    "clashes",
    "number_of",
]

KINDS: Mapping[str, type[Document]] = MappingProxyType(
    {
        "zones": Zone,
        "campaigns": Campaign,
        "slides": Slide,
        "beacons": Beacon,
        "pages": Page,
        "draws": Draw,
        "groups": Group,
        "portals": Portal,
    }
)
"""Name of a kind, as in `storegate documents put campaigns FILE` → the type of its items."""


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """All documents and the settings that rules need; replaced whole."""

    timezone: str = "Asia/Shanghai"
    occupancy_reset_at: str = "04:00"
    reserve_s: int = 120
    unset_clock: str = "grace"
    outbox_max_bytes: int = 256 * 1024 * 1024
    shake_cooldown_s: float = 5.0
    shakes_per_day: int = 100
    """Of one shopper; 0: no limit."""
    ticket_s: int = 1800
    zones: Mapping[str, Zone] = {}
    campaigns: Mapping[str, Campaign] = {}
    slides: Mapping[str, Slide] = {}
    beacons: Mapping[str, Beacon] = {}
    pages: Mapping[str, Page] = {}
    draws: Mapping[str, Draw] = {}
    groups: Mapping[str, Group] = {}
    portals: Mapping[str, Portal] = {}
    guest_devices: int = 3
    """Of one shopper on the Wi-Fi at once, where the portal says nothing."""
    most_guests: int = 2000
    policy: str = ""
    """Policy and version in force, as `consent` of an event has it."""
    log_days: int = 0
    """How long sealed records of sessions are kept; 0: none are."""

    @property
    def portal(self) -> Portal | None:
        """None: the shop has set up none, and a plain click lets in."""
        return next(iter(self.portals.values()), None)


def clashes(items: Sequence[Document]) -> Iterable[Mistake]:
    """What is wrong with a whole set although each of its documents is right."""
    yield from beacons.clashes(items)
    yield from portals.clashes(items)
