"""What the profile of a scanner model says. Every key is explained in `firmware_profiles/scanners/example.toml`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from devices.scanners.framing import Suffix
from devices.scanners.layouts import LAYOUTS

FAMILY = "scanners"
UsbNumber = Annotated[str, Meta(pattern=r"^[0-9a-f]{4}$")]
Wire = Literal["serial", "hid-keyboard", "hid-pos"]
Symbology = Literal[
    "ean-upc", "code128", "gs1-128", "code39", "code93", "codabar", "itf", "databar", "qr", "data-matrix", "pdf417",
    "aztec", "han-xin", "ocr",
]  # fmt: skip


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class UsbId(_Table, frozen=True, kw_only=True):
    """How one interface of the scanner appears on USB."""

    vendor_id: UsbNumber
    product_id: UsbNumber
    transport: Wire
    shared: bool = False
    """Other models of the vendor have the same number: a match is a hint, not a proof."""
    confidence: Literal["database", "vendor", "reported"]
    source: str


class ScannerProfile(_Table, frozen=True, kw_only=True):
    vendor: str
    model: str
    form: Literal["handheld", "presentation", "fixed"]
    transports: Annotated[tuple[Wire, ...], Meta(min_length=1)]
    symbologies: Annotated[tuple[Symbology, ...], Meta(min_length=1)]
    reads_screens: bool
    prefix: str = ""
    suffix: Suffix = Suffix.CR
    aim: bool = False
    layout: str = "us"
    baud: Annotated[int, Meta(ge=1200, le=921600)] = 9600
    usb: tuple[UsbId, ...] = ()
    setup: tuple[str, ...] = ()
    notes: str = ""

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout {self.layout!r} is unknown; one of {', '.join(LAYOUTS)}")
        strange = sorted({usb.transport for usb in self.usb} - set(self.transports))
        if strange:
            raise ValueError(f"usb speaks of {', '.join(strange)}, which is not under transports")


GENERIC = ScannerProfile(
    vendor="any",
    model="any",
    form="handheld",
    transports=("hid-pos", "serial", "hid-keyboard"),
    symbologies=("ean-upc", "code128", "qr"),
    reads_screens=True,
)
"""For a scanner without a profile: US layout, CR or LF, no prefix."""
