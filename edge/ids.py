"""Names of things, as types, so that a station is never passed for a device."""

from typing import Annotated, NewType

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
