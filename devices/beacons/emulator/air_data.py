"""What goes over the air, byte by byte: an emulated beacon's PDUs, and how a listener folds them."""

from __future__ import annotations

import fnmatch
import re
import uuid as uuids

from devices.beacons.advert import EDDYSTONE, Advert
from devices.beacons.profile import BeaconProfile

LAST_OF_BASE = "-0000-1000-8000-00805f9b34fb"
PDU = 31
SCHEMES = ("http://www.", "https://www.", "http://", "https://")


def structure(kind: int, data: bytes) -> bytes:
    return bytes([len(data) + 1, kind]) + data


def ibeacon(uuid: str, major: int, minor: int, power_dbm: int) -> bytes:
    numbers = major.to_bytes(2, "big") + minor.to_bytes(2, "big") + power_dbm.to_bytes(1, "big", signed=True)
    frame = bytes.fromhex("4c000215") + uuids.UUID(uuid).bytes + numbers
    return bytes.fromhex("020106") + structure(0xFF, frame)


def eddystone(frame: bytes) -> bytes:
    return bytes.fromhex("0201060303aafe") + structure(0x16, bytes.fromhex("aafe") + frame)


def who_it_is(profile: BeaconProfile, name: str) -> list[bytes]:
    """What says which model it is, as its profile expects to find it: name, services, maker."""
    match, parts = profile.match, []
    if name or match.names:
        parts.append(structure(0x09, named(match.names[0] if match.names else "*", name).encode()[:29]))
    for service in match.services[:1]:
        if service.startswith("0000") and service.endswith(LAST_OF_BASE):
            parts.append(structure(0x03, bytes.fromhex(service[4:8])[::-1]))
        else:
            parts.append(structure(0x07, uuids.UUID(service).bytes[::-1]))
    parts += [structure(0xFF, company.to_bytes(2, "little") + b"\x01\x00") for company in match.companies[:1]]
    return [part for part in parts if len(part) <= PDU]


def named(pattern: str, name: str) -> str:
    """The name it was given, or one that fits the shell pattern."""
    if name and fnmatch.fnmatchcase(name, pattern):
        return name
    return re.sub(r"\[.?(.).*?\]", r"\1", pattern).replace("*", "01").replace("?", "1")


class Heard:
    """Folds PDUs into adverts the way BlueZ does: name and services are remembered, data is that of this PDU."""

    def __init__(self, radio: str) -> None:
        self._radio = radio
        self._names: dict[str, str] = {}
        self._services: dict[str, tuple[str, ...]] = {}

    def advert(self, address: str, rssi_dbm: int, data: bytes, at_s: float) -> Advert:
        maker: dict[int, bytes] = {}
        service_data: dict[str, bytes] = {}
        while len(data) > 1 and 0 < data[0] < len(data):
            kind, value, data = data[1], data[2 : data[0] + 1], data[data[0] + 1 :]
            if kind == 0xFF and len(value) >= 2:
                maker[int.from_bytes(value[:2], "little")] = value[2:]
            elif kind == 0x16 and len(value) >= 2:
                service_data[_short(value[:2])] = value[2:]
            elif kind in {0x08, 0x09}:
                self._names[address] = value.decode("utf-8", "replace")
            elif kind in {0x02, 0x03}:
                self._add(address, [_short(value[at : at + 2]) for at in range(0, len(value) - 1, 2)])
            elif kind in {0x06, 0x07} and len(value) == 16:
                self._add(address, [str(uuids.UUID(bytes=value[::-1]))])
        return Advert(
            self._radio, address, rssi_dbm, at_s, maker, service_data,
            self._services.get(address, ()), self._names.get(address, ""),
        )  # fmt: skip

    def _add(self, address: str, services: list[str]) -> None:
        known = self._services.get(address, ())
        self._services[address] = known + tuple(one for one in services if one not in known)


def _short(little: bytes) -> str:
    return f"0000{little[::-1].hex()}{LAST_OF_BASE}"


assert _short(b"\xaa\xfe") == EDDYSTONE
