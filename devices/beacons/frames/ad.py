"""Advertising data as it is on the air: structures of length, type and data (Core Specification, vol 3, C 11). Pure.

BlueZ hands over what it has taken apart; this is for raw sources and for what we build ourselves.
"""

from __future__ import annotations

from collections.abc import Iterator

from devices.beacons.advert import Advert

FLAGS = 0x01
SERVICES_16 = 0x03
SERVICE_DATA_16 = 0x16
MANUFACTURER = 0xFF
GENERAL_BLE_ONLY = 0x06
"""Flags: LE general discoverable, no BR/EDR."""
MAX_LEGACY = 31
MAX_BYTES = 1650
"""Of extended advertising."""
_NAMES = (0x08, 0x09)
_SERVICE_LISTS = {0x02: 2, 0x03: 2, 0x04: 4, 0x05: 4, 0x06: 16, 0x07: 16}
_SERVICE_DATA = {0x16: 2, 0x20: 4, 0x21: 16}
_BASE = "-0000-1000-8000-00805f9b34fb"


def structures(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, data) of each whole structure; ends at the padding, or where one claims more than there is."""
    at, end = 0, min(len(data), MAX_BYTES)
    while at < end and (length := data[at]):
        following = at + 1 + length
        if following > end:
            return
        yield data[at + 1], data[at + 2 : following]
        at = following


def structure(kind: int, data: bytes) -> bytes:
    """Raises ValueError beyond 254 bytes."""
    if len(data) > 254:
        raise ValueError(f"got {len(data)} bytes, wanted at most 254")
    return bytes((len(data) + 1, kind)) + data


def with_flags(data: bytes, flags: int | None) -> bytes:
    """The whole of a legacy advertisement. Raises ValueError where it is longer than 31 bytes."""
    whole = data if flags is None else structure(FLAGS, bytes((flags,))) + data
    if len(whole) > MAX_LEGACY:
        raise ValueError(f"got {len(whole)} bytes, an advertisement has {MAX_LEGACY}")
    return whole


def advert_of(data: bytes, *, radio: str, address: str, rssi_dbm: int, at_s: float) -> Advert:
    """Raw advertising data (and a scan response behind it) taken apart; what makes no sense is left out."""
    manufacturer: dict[int, bytes] = {}
    service_data: dict[str, bytes] = {}
    services: list[str] = []
    name = ""
    for kind, body in structures(data):
        if kind == MANUFACTURER and len(body) >= 2:
            manufacturer[int.from_bytes(body[:2], "little")] = body[2:]
        elif (width := _SERVICE_DATA.get(kind, 0)) and len(body) >= width:
            service_data[uuid_of(body[:width])] = body[width:]
        elif width := _SERVICE_LISTS.get(kind, 0):
            whole = len(body) - len(body) % width
            services += [uuid_of(body[at : at + width]) for at in range(0, whole, width)]
        elif kind in _NAMES:
            name = body.decode("utf-8", "replace").rstrip("\0")
    return Advert(radio, address, rssi_dbm, at_s, manufacturer, service_data, tuple(services), name)


def uuid_of(data: bytes) -> str:
    """2, 4 or 16 bytes as they are on the air (little-endian) → 128-bit text."""
    digits = data[::-1].hex()
    if len(data) < 16:
        return f"{digits:>08}{_BASE}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
