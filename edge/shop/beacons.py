"""Beacons, the pages they lead to, draws, and groups of beacons."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from edge.errors import Mistake
from edge.ids import Name
from edge.shop import links
from edge.shop.base import Count, Document, Metres, Text

Uuid = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$(?!\n)",
        extra={"wanted": "a UUID like FDA50693-A4E2-4FB1-AFCF-C6EB07647825"},
    ),
]
Uint16 = Annotated[int, Meta(ge=0, le=65_535)]
Address = Annotated[
    str,
    Meta(
        pattern=r"^(|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5})$(?!\n)",
        extra={"wanted": "an address like C1:00:00:00:00:01, or nothing"},
    ),
]
Link = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=r"^(|https?://\S+|/([^/\s]\S*)?)$(?!\n)",
        extra={"wanted": "an http(s):// address, a path of ours, or nothing"},
    ),
]
NameOrNothing = Annotated[
    str,
    Meta(
        pattern=r"^(|[a-z0-9][a-z0-9-]{0,31})$(?!\n)",
        extra={"wanted": "an id (a to z, 0 to 9 and -, at most 32 of them), or nothing"},
    ),
]
MAX_PAGES = 30
"""On one beacon, as WeChat had it."""
MAX_GROUP = 10_000


class CarriedBy(StrEnum):
    NOBODY = "nobody"
    """It hangs in its zone."""
    STAFF = "staff"
    CART = "cart"
    PHONE = "phone"
    """Of somebody who opted in; what is told of it carries no id."""


class Bound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A page on a beacon."""

    page: Name
    weight: Annotated[int, Meta(ge=1, le=1000)] = 1
    """Several pages on one beacon: each shake shows one, by these odds."""


class Beacon(Document, frozen=True, kw_only=True):
    """One of the shop's iBeacons."""

    uuid: Uuid
    major: Uint16
    minor: Uint16 = 0
    """Of a rotating one: its index, which never goes on the air."""
    rotating: bool = False
    """On the air its minor is a keyed permutation of (index, epoch): see `edge.rotation`."""
    zone: NameOrNothing = ""
    carried_by: CarriedBy = CarriedBy.NOBODY
    consent_to_ms: Annotated[int, Meta(ge=0)] = 0
    """Of a phone: until when its owner agreed to be noticed (UTC, ms). Later it is a stranger's."""
    profile: NameOrNothing = ""
    """A file of firmware_profiles/beacons without `.toml`; `gateway` is the gateway's own radio; empty: not ours to
    configure."""
    radio: NameOrNothing = ""
    """Of the gateway's own: the adapter it is sent from; empty: the first that may advertise."""
    address: Address = ""
    """Where its settings are written, and how a re-programmed one is noticed. Never told to the cloud, never logged."""
    interval_ms: Annotated[int, Meta(ge=20, le=10_240)] = 350
    measured_power_dbm: Annotated[int, Meta(ge=-127, le=20)] = -59
    """At one metre, as it is sent."""
    tx_power_dbm: Annotated[int, Meta(ge=-60, le=20)] | None = None
    """None: as it is."""
    x_m: Metres | None = None
    y_m: Metres | None = None
    pages: Annotated[tuple[Bound, ...], Meta(max_length=MAX_PAGES)] = ()
    comment: Annotated[str, Meta(max_length=30)] = ""
    apply_id: Count = 0
    """Of `/shakearound/device/applyid`; 0: made otherwise."""
    poi_id: Count = 0

    def __post_init__(self) -> None:
        if (self.x_m is None) != (self.y_m is None):
            raise ValueError("x_m and y_m go together")
        if self.carried_by is CarriedBy.PHONE and not self.consent_to_ms:
            raise ValueError("a phone needs consent_to_ms: until when its owner agreed")


class Page(Document, frozen=True, kw_only=True):
    """What a shake leads to."""

    title_zh: Text
    title_en: Text
    description_zh: Annotated[str, Meta(max_length=200)] = ""
    description_en: Annotated[str, Meta(max_length=200)] = ""
    icon_url: Link = ""
    page_url: Link = ""
    """Opened with `ticket=…` added; empty: the shake page itself is all there is."""
    comment: Annotated[str, Meta(max_length=30)] = ""
    draw: NameOrNothing = ""
    """A draw that every shake of this page takes part in."""
    campaign: NameOrNothing = ""
    """A coupon that comes with it, as far as the campaign's limits go."""

    def __post_init__(self) -> None:
        if self.draw and self.campaign:
            raise ValueError("a page has a draw or a campaign, not both")
        for name, url in (("icon_url", self.icon_url), ("page_url", self.page_url)):
            if wrong := links.wrong(url):
                raise ValueError(f"{name} {wrong}")


class Prize(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    campaign: Name
    chance_ppm: Annotated[int, Meta(ge=1, le=1_000_000)]
    """Of a million shakes, so many win it."""


class Draw(Document, frozen=True, kw_only=True):
    name_zh: Text
    name_en: Text
    starts_ms: Annotated[int, Meta(ge=0)]
    ends_ms: Annotated[int, Meta(ge=0)]
    on: bool = True
    prizes: Annotated[tuple[Prize, ...], Meta(max_length=20)] = ()
    tries_per_shopper_day: Count = 0
    """0: no limit beside the shake's own."""
    wins_per_shopper: Count = 1
    """0: no limit."""
    wins_per_day: Count = 0
    wins: Count = 0
    """All in all; 0: as many as the prizes' campaigns have."""

    def __post_init__(self) -> None:
        if self.ends_ms <= self.starts_ms:
            raise ValueError("ends_ms must be later than starts_ms")
        if sum(prize.chance_ppm for prize in self.prizes) > 1_000_000:
            raise ValueError("the prizes' chance_ppm add up to more than 1,000,000")


class Group(Document, frozen=True, kw_only=True):
    """Beacons that are searched for together."""

    name: Text
    beacons: Annotated[tuple[Name, ...], Meta(max_length=MAX_GROUP)] = ()


def number_of(document: Document) -> int:
    """The number that `/shakearound/*` calls a document by: of its kind and id, positive, 31 bits."""
    text = f"{type(document).__name__}/{document.id}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big") >> 1 or 1


def clashes(items: Sequence[Document]) -> Iterable[Mistake]:
    """Two of one number, or of one id on the air."""
    ids: dict[tuple[str, int, int], int] = {}
    numbers: dict[int, int] = {}
    for index, item in enumerate(items):
        if not isinstance(item, Beacon | Page | Draw | Group):
            return
        first = numbers.setdefault(number_of(item), index)
        if first != index and items[first].id != item.id:
            yield Mistake(f"[{index}].id", f"{item.id!r} has the number of {items[first].id!r}: give it another id")
        if isinstance(item, Beacon):
            key = (item.uuid.upper(), item.major, item.minor)
            first = ids.setdefault(key, index)
            if first != index:
                yield Mistake(f"[{index}].minor", f"[{first}] has the same uuid, major and minor")
