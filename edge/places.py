"""Proofs of place for phones that hear no beacon: a code on a kiosk's screen, a printed code, the guest Wi-Fi. Pure.

A kiosk's code is short enough to type and changes each minute; those of the minutes before and after are taken too.
A printed one says its zone and is signed: it can be photographed, but not made up.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
from collections.abc import Iterable, Sequence

from edge.ids import StationId, ZoneId

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0 1 I L O: nobody can tell those apart on a screen across the room."""
KIOSK_CHARS = 6
MINUTE_MS = 60_000
MAX_CHARS = 64
"""Of anything that claims to be a code."""
_MAC_BYTES = 10

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def kiosk_code(key: bytes, station: str, *, at_ms: int) -> str:
    return _kiosk_code(key, station, at_ms // MINUTE_MS)


def station_of(key: bytes, text: str, stations: Iterable[StationId], *, at_ms: int) -> StationId | None:
    """Whose kiosk shows it, or showed it a minute ago. Case, spaces and dashes don't matter."""
    typed = "".join(text[:MAX_CHARS].split()).replace("-", "").upper()
    if len(typed) != KIOSK_CHARS or not typed.isascii():
        return None
    minute = at_ms // MINUTE_MS
    for station in stations:
        for shift in (0, -1, 1):
            if hmac.compare_digest(typed, _kiosk_code(key, station, minute + shift)):
                return station
    return None


def _kiosk_code(key: bytes, station: str, minute: int) -> str:
    number = int.from_bytes(hmac.digest(key, f"kiosk/{minute}/{station}".encode(), "sha256")[:16], "big")
    code = ""
    for _ in range(KIOSK_CHARS):
        number, digit = divmod(number, len(ALPHABET))
        code += ALPHABET[digit]
    return code


def zone_code(key: bytes, zone: str) -> str:
    mac = hmac.digest(key, f"zone/{zone}".encode(), "sha256")[:_MAC_BYTES]
    return f"{zone}.{base64.b32encode(mac).decode('ascii').lower()}"


def zone_of(key: bytes, text: str) -> ZoneId | None:
    """The zone a printed code stands for."""
    code = text.strip().lower()
    zone, dot, _ = code.partition(".")
    if not dot or len(code) > MAX_CHARS or not code.isascii():
        return None
    return ZoneId(zone) if hmac.compare_digest(code, zone_code(key, zone)) else None


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Of gateway.toml. Raises ValueError for one that is no network."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def is_in(address: str, nets: Sequence[Network]) -> bool:
    """Whether a client's address is in one of them; an IPv4 address written as IPv6 counts as what it is."""
    try:
        one = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = one.ipv4_mapped if isinstance(one, ipaddress.IPv6Address) else None
    return any((mapped or one) in net for net in nets)
