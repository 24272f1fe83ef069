"""Shoppers who shake, what they are shown, and who asks about it later."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from edge.events.base import Event
from edge.ids import BeaconId, Serial, StationId, ZoneId

MAX_HEARD = 20


class Via(StrEnum):
    """How the place was proven."""

    BEACON = "beacon"
    WIFI = "wifi"
    ZONE_CODE = "zone_code"
    """A printed QR code: anybody may have photographed it."""
    KIOSK = "kiosk"
    """The code that a kiosk shows for a minute."""


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One of the shop's beacons as a phone heard it. Its id was resolved, and its epoch is in force."""

    beacon: BeaconId
    distance_m: Annotated[float, Meta(ge=0, le=1000)] | None = None
    rssi_dbm: Annotated[int, Meta(ge=-127, le=20)] | None = None


class ShakeMade(Event, frozen=True, kw_only=True):
    """Somebody shook a phone. Same nonce: the same shake, which is answered the same for ever."""

    nonce: str
    """Ours, used once; valid and fresh when the event is made."""
    shopper: str
    """Holder, as the ledger knows them."""
    via: Via
    heard: Annotated[tuple[Heard, ...], Meta(max_length=MAX_HEARD)] = ()
    """Nearest first; empty unless via beacon."""
    zone: ZoneId | None = None
    """Where the place is a zone, not a beacon."""
    station: StationId | None = None
    seed: str
    """64 hex digits: sha256(secret ‖ salt); decides page and draw. See `edge.chance`."""
    secret: str
    """64 hex digits. Its sha256 was given to the phone with the nonce, before the phone gave its `salt`."""
    salt: str = ""
    serial: Serial
    """Fresh and random; used only if a coupon comes of it."""
    ticket_hash: str
    """sha256 of the ticket, hex: who reads the journal can't use it."""


class PageOpened(Event, frozen=True, kw_only=True):
    """The shaken page was looked at, not just offered."""

    shake: str
    """Id of the shake, from its answer."""


class TicketExchanged(Event, frozen=True, kw_only=True):
    """A page's back end asks who shook where."""

    ticket_hash: str


class ShakeRefused(Event, frozen=True, kw_only=True):
    """Refused before the rules were asked: no place, a forged or old id, a nonce that is not ours."""

    why: str
    """Of edge.shake_answers.ShakeWhy."""
    via: Via
