"""What scanners read."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from edge.events.base import Event
from edge.ids import DeviceId, Gtin, StationId


class Transport(StrEnum):
    SERIAL = "serial"
    HID_KEYBOARD = "hid-keyboard"
    HID_POS = "hid-pos"
    CAMERA = "camera"
    FAKE = "fake"


class CodeKind(StrEnum):
    GTIN = "gtin"
    EMBEDDED = "embedded"
    """Made in the shop: item plus price or weight."""
    GS1 = "gs1"
    """A GS1 element string or Digital Link."""
    COUPON = "coupon"
    MEMBER = "member"
    CART = "cart"
    PICKUP = "pickup"
    PAYMENT = "payment"
    """WeChat Pay or Alipay: `value` is empty, for ever."""
    UNKNOWN = "unknown"


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What a scanned text means. Made by `devices.scanners.classify`, nowhere else."""

    kind: CodeKind
    value: str = ""
    """GTIN-14 for goods, the token for ours, the text for unknown (at most 512 characters), empty for payment."""
    gtin: Gtin | None = None
    aim: str = ""
    """AIM symbology identifier, `]E0`; empty where the scanner does not tell."""
    item: str = ""
    """Item number of an embedded code."""
    price_fen: int | None = None
    weight_g: int | None = None
    batch: str = ""
    expires: str = ""
    """GS1 AI (17), `YYYY-MM-DD`."""


class CodeScanned(Event, frozen=True, kw_only=True):
    device: DeviceId
    transport: Transport
    code: Code
    station: StationId | None = None
    votes: Annotated[int, Meta(ge=1)] = 1
    """Equal reads behind it (cameras)."""
