"""One advertisement as a radio heard it: what every part of this family is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

APPLE = 0x004C
EDDYSTONE = "0000feaa-0000-1000-8000-00805f9b34fb"


class Advert(NamedTuple):
    """A NamedTuple: thousands a second are made."""

    radio: str
    """The adapter: `hci0`."""
    address: str
    """Upper case, `C1:00:00:00:00:01`. Personal data: never logged, never told."""
    rssi_dbm: int
    at_s: float
    """Monotonic."""
    manufacturer: Mapping[int, bytes]
    """Company id → data after it."""
    service_data: Mapping[str, bytes]
    """128-bit UUID, lower case → data."""
    service_uuids: tuple[str, ...] = ()
    name: str = ""


Hear = Callable[[Advert], None]
