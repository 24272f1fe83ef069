"""Names of things, as types, so that a station is never passed for a device."""

from __future__ import annotations

import re
from typing import Annotated, NewType, Self

import msgspec

StationId = NewType("StationId", str)
"""A kiosk or till: `[stations.<id>]` in gateway.toml."""
DeviceId = NewType("DeviceId", str)
"""A scanner, camera or counter: its `id` in gateway.toml."""
ZoneId = NewType("ZoneId", str)
"""A part of the shop that is counted: `door`, `till`, `drinks`."""
BeaconId = NewType("BeaconId", str)
"""A beacon: the `id` of its document."""
PageId = NewType("PageId", str)
DrawId = NewType("DrawId", str)
CampaignId = NewType("CampaignId", str)
Serial = NewType("Serial", str)
"""One coupon: 80 random bits in base32, 16 characters."""
Gtin = NewType("Gtin", str)
"""GTIN-14, zero-padded, check digit right: one spelling for EAN-8, UPC-A, EAN-13 and ITF-14."""

Name = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z0-9][a-z0-9-]{0,31}$(?!\n)",
        extra={"wanted": "a to z, 0 to 9 and -, at most 32 of them, not beginning with -"},
    ),
]
"""What an id may look like: fits a topic level, a URL path segment and a file name.

`$` alone lets a newline follow; `\\Z` says so too, but only in Python, and this goes into JSON schemas.
"""

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


class Mac(str):
    """A phone's MAC address, lower case with colons: a key while a session lasts, never an identity.

    It does not show itself in a log, an error or a dump; `colons` gives it to the one line that needs it.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Raises ValueError for anything that is not six octets, names a group (or everybody), or nobody."""
        tidy = text.strip().lower().replace("-", ":")
        if not _MAC.fullmatch(tidy) or int(tidy[:2], 16) & 1 or not tidy.strip("0:"):
            raise ValueError("not the MAC address of one device")
        return super().__new__(cls, tidy)

    @property
    def colons(self) -> str:
        return str.__str__(self)

    def __repr__(self) -> str:
        return "'**:**:**:**:**:**'"

    def __str__(self) -> str:
        return "**:**:**:**:**:**"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)
