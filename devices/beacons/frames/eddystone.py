"""Eddystone frames: UID, URL, TLM, encrypted TLM, EID (google/eddystone, the specifications of 2016). Pure.

They are service data of FEAA. Powers in them are at 0 m: 41 dB above those at one metre.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from devices.beacons.frames import ad

FIRST_METRE_DB = 41
SERVICE = b"\xaa\xfe"
MAX_URL = 17
UID, URL, TLM, EID = 0x00, 0x10, 0x20, 0x30
SCHEMES = ("http://www.", "https://www.", "http://", "https://")
_ENDINGS = (".com", ".org", ".edu", ".net", ".info", ".biz", ".gov")
EXPANSIONS = (*(f"{ending}/" for ending in _ENDINGS), *_ENDINGS)
"""What the bytes 00 to 0D stand for."""
_UID = struct.Struct(">b10s6s")
_TLM = struct.Struct(">HhLL")
_NO_TEMPERATURE = -0x8000


class Uid(NamedTuple):
    tx_power_dbm: int
    """At 0 m."""
    namespace: bytes
    """10 bytes."""
    instance: bytes
    """6 bytes."""

    @property
    def id(self) -> bytes:
        """What `uid_of` gives."""
        return self.namespace + self.instance


class Url(NamedTuple):
    tx_power_dbm: int
    url: str


class Tlm(NamedTuple):
    battery_mv: int | None
    """None: it has none (a USB beacon)."""
    temperature_c: float | None
    adverts: int
    """Since it was switched on."""
    uptime_s: float


class EncryptedTlm(NamedTuple):
    data: bytes
    """12 bytes; `devices.beacons.frames.eid` opens them."""
    salt: bytes
    mic: bytes


class Eid(NamedTuple):
    tx_power_dbm: int
    eid: bytes
    """8 bytes, for a while; `devices.beacons.frames.eid` works them out."""


Frame = Uid | Url | Tlm | EncryptedTlm | Eid


def uid_of(uuid: str, major: int, minor: int) -> bytes:
    """Namespace and instance (16 bytes) of a beacon that is known as an iBeacon: its UUID without the bytes 5 to 10
    (as the UID specification advises), two zeros, major and minor.
    """
    whole = bytes.fromhex(uuid.replace("-", ""))
    return whole[:4] + whole[10:] + bytes(2) + major.to_bytes(2, "big") + minor.to_bytes(2, "big")


def parse(data: bytes) -> Frame | None:
    """Out of the service data of FEAA; None where it is no frame of these."""
    match data[0] if len(data) >= 2 else None:
        case 0x00 if len(data) >= 18:  # with or without the two reserved bytes
            return Uid(*_UID.unpack_from(data, 1))
        case 0x10:
            url = decode_url(data[2:])
            return None if url is None else Url(_signed(data[1]), url)
        case 0x20 if data[1] == 0 and len(data) >= 14:
            return tlm_of(data[2:14])
        case 0x20 if data[1] == 1 and len(data) >= 18:
            return EncryptedTlm(data[2:14], data[14:16], data[16:18])
        case 0x30 if len(data) >= 10:
            return Eid(_signed(data[1]), data[2:10])
    return None


def build(frame: Frame) -> bytes:
    """Service data of FEAA. Raises ValueError for what does not fit."""
    match frame:
        case Uid(power, namespace, instance):
            _sized(namespace=(namespace, 10), instance=(instance, 6))
            return bytes((UID, _byte(power))) + namespace + instance + bytes(2)
        case Url(power, url):
            return bytes((URL, _byte(power))) + encode_url(url)
        case Tlm():
            return bytes((TLM, 0)) + tlm_body(frame)
        case EncryptedTlm(data, salt, mic):
            _sized(data=(data, 12), salt=(salt, 2), mic=(mic, 2))
            return bytes((TLM, 1)) + data + salt + mic
        case Eid(power, eid):
            _sized(eid=(eid, 8))
            return bytes((EID, _byte(power))) + eid


def advertising_data(frame: Frame, *, flags: int | None = ad.GENERAL_BLE_ONLY) -> bytes:
    services = ad.structure(ad.SERVICES_16, SERVICE)
    return ad.with_flags(services + ad.structure(ad.SERVICE_DATA_16, SERVICE + build(frame)), flags)


def measured_power_dbm(frame: Frame) -> int | None:
    """At one metre."""
    return frame.tx_power_dbm - FIRST_METRE_DB if isinstance(frame, Uid | Url | Eid) else None


def tlm_of(body: bytes) -> Tlm:
    """The 12 bytes that a plain TLM frame ends with, and that an encrypted one hides."""
    battery, temperature, adverts, tenths = _TLM.unpack(body)
    warmth = None if temperature == _NO_TEMPERATURE else temperature / 256
    return Tlm(battery or None, warmth, adverts, tenths / 10)


def tlm_body(tlm: Tlm) -> bytes:
    warmth = _NO_TEMPERATURE if tlm.temperature_c is None else round(tlm.temperature_c * 256)
    try:
        return _TLM.pack(tlm.battery_mv or 0, warmth, tlm.adverts, round(tlm.uptime_s * 10))
    except struct.error:
        raise ValueError("a TLM frame has 16 bits of mV, -128 to 127 °C, 32 bits of adverts and of 0.1 s") from None


def encode_url(url: str) -> bytes:
    """Scheme byte and text, as short as it gets: also what configuration services take. Raises ValueError."""
    scheme = next((number for number, prefix in enumerate(SCHEMES) if url.startswith(prefix)), None)
    if scheme is None:
        raise ValueError("the URL must begin with http:// or https://")
    rest = url[len(SCHEMES[scheme]) :]
    if not all("!" <= char <= "~" for char in rest):
        raise ValueError("the URL may have printable ASCII characters only")
    for code, text in enumerate(EXPANSIONS):  # those with a slash come first
        rest = rest.replace(text, chr(code))
    if not 1 <= len(rest) <= MAX_URL:
        raise ValueError(f"the URL takes {len(rest)} bytes behind its scheme, wanted 1 to {MAX_URL}: use a shorter one")
    return bytes((scheme,)) + rest.encode("ascii")


def decode_url(data: bytes) -> str | None:
    """None where a byte means nothing, or nothing follows the scheme."""
    if not 2 <= len(data) <= 1 + MAX_URL or data[0] >= len(SCHEMES):
        return None
    parts = [SCHEMES[data[0]]]
    for byte in data[1:]:
        if byte < len(EXPANSIONS):
            parts.append(EXPANSIONS[byte])
        elif 0x21 <= byte <= 0x7E:
            parts.append(chr(byte))
        else:
            return None
    return "".join(parts)


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def _byte(power: int) -> int:
    if not -128 <= power <= 127:
        raise ValueError(f"got {power} dBm, wanted -128 to 127")
    return power & 0xFF


def _sized(**parts: tuple[bytes, int]) -> None:
    for name, (data, wanted) in parts.items():
        if len(data) != wanted:
            raise ValueError(f"{name}: got {len(data)} bytes, wanted {wanted}")
