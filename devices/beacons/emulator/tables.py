"""An emulated beacon whose settings lie in characteristics of their own, after its profile's tables."""

from __future__ import annotations

import uuid as uuids
from collections import ChainMap
from dataclasses import dataclass
from typing import Any, Literal

from devices.beacons.emulator import air_data
from devices.beacons.emulator.locks import Lock
from devices.beacons.emulator.sham import Characteristic, Code, Refused, Sham, Step, Value
from devices.beacons.profile import Field, Setting

Order = Literal["big", "little"]
ROOM = 20
SIGNED = (Setting.MEASURED_POWER, Setting.TX_POWER)
INVALID_PIN = b"\x01"
"""RadBeacon's result."""
ALWAYS = "READ|WRITE"


@dataclass(kw_only=True)
class TableSham(Sham):
    def prepare(self) -> None:
        profile = self.profile
        self.lock = Lock(profile.unlock, self.secret)
        self.fields: dict[str, Field] = {field.characteristic: field for field in profile.field}
        self.pending: dict[Setting, Value] = {}
        """Written, and not stored before the commit says so."""
        self._result = b"\0"
        named = [*self.fields, profile.unlock.characteristic, profile.unlock.state, profile.unlock.change]
        named += [profile.commit.characteristic, profile.commit.result]
        named += [act.characteristic for act in (profile.identify, profile.select) if act]
        self._selected = profile.select is None
        self.services = {self.service: tuple(Characteristic(one, ALWAYS) for one in dict.fromkeys(named) if one)}

    @property
    def service(self) -> str:
        first = next(iter(self.fields), self.profile.unlock.characteristic) or ""
        return next(iter(self.profile.match.services), first[:4] + "0000" + first[8:])

    def connected(self) -> None:
        super().connected()
        self.lock.connected()
        self._selected = self.profile.select is None

    def disconnected(self) -> None:
        if self.profile.commit.how == "none":
            self._store()
        self.pending.clear()

    def step_of(self, uuid: str, data: bytes | None) -> Step:
        commit, unlock = self.profile.commit, self.profile.unlock
        if uuid in {unlock.characteristic, unlock.state} and uuid not in self.fields and uuid != commit.characteristic:
            return Step.UNLOCK
        if uuid in {commit.characteristic, commit.result} and uuid not in self.fields and commit.how == "write":
            return Step.COMMIT
        return Step.WRITE if data is not None else self.read_step()

    def read(self, uuid: str) -> bytes:
        commit = self.profile.commit
        if uuid == commit.result and uuid not in self.fields:
            return self._result
        if self.lock.knows(uuid):
            return self.lock.read(uuid)
        if uuid not in self.fields or not self.fields[uuid].readable:
            raise Refused(Code.READ_NOT_PERMITTED)
        if not self._selected or (not self.lock.open and self.lock.hides):
            raise Refused(Code.READ_NOT_PERMITTED)
        return spelled(self.fields[uuid], ChainMap(self.pending, self.kept))

    def write(self, uuid: str, data: bytes) -> None:
        profile = self.profile
        if profile.identify and uuid == profile.identify.characteristic and data == bytes.fromhex(profile.identify.on):
            self.identified += 1
        elif profile.select and uuid == profile.select.characteristic:
            self._selected = self.lock.open and data == bytes.fromhex(profile.select.on)
        elif uuid == profile.commit.characteristic and uuid not in self.fields:
            self._commit(data)
        elif self.lock.knows(uuid):
            self._unlock(uuid, data)
        elif uuid in self.fields:
            if not self.lock.open or not self._selected:
                raise Refused
            told = understood(self.fields[uuid], data)
            if any(self.refuses(setting, value) for setting, value in told.items()):
                raise Refused
            self.pending |= told

    def more_frames(self) -> list[bytes]:
        if "eddystone-url" not in self.profile.frames:
            return []
        power = int(self.sent[Setting.MEASURED_POWER]) + 41  # at 0 m
        return [
            air_data.eddystone(b"\x10" + power.to_bytes(1, "big", signed=True) + short(str(self.sent[Setting.URL])))
        ]

    def _unlock(self, uuid: str, data: bytes) -> None:
        try:
            self.lock.write(uuid, data)
        except Refused:
            if self.profile.vendor == "Kontakt" and self.lock.wrong:  # for twenty minutes
                self.connectable, self.hangs_up = False, True
            raise

    def _commit(self, data: bytes) -> None:
        commit = self.profile.commit
        before, mark, after = commit.data.partition("{secret}")
        if mark:  # a PIN in the middle of it
            head, tail = bytes.fromhex(before), bytes.fromhex(after)
            key = self.lock.key
            changed = self.lock.changed(data)
            if self.faults.keeps_password:
                self.lock.key = key
            if changed or data == head + self.lock.key + tail:
                self._result = bytes.fromhex(commit.ok)
                if not changed:
                    self._store()
            else:
                self._result = INVALID_PIN
        elif data == bytes.fromhex(commit.data) and self.lock.open:
            self._result = bytes.fromhex(commit.ok)
            self._store()
        else:
            raise Refused

    def _store(self) -> None:
        self.kept |= self.pending
        self.pending.clear()
        self.apply()


def understood(field: Field, data: bytes) -> dict[Setting, Any]:
    """Bytes → settings; refuses what is too short, too long, or not framed as the vendor wants it."""
    head, tail = bytes.fromhex(field.prefix), bytes.fromhex(field.suffix)
    inner = data[len(head) : len(data) - len(tail)]
    if data != head + inner + tail:
        raise Refused(Code.VALUE_NOT_ALLOWED)
    order: Order = field.endian
    told: dict[Setting, Any] = {}
    for setting in field.settings:
        if setting in {Setting.NAME, Setting.URL}:
            told[setting], inner = _read_text(field, setting, inner), b""
            continue
        size = 16 if setting is Setting.UUID else 1 if setting in SIGNED else field.width
        raw, inner = inner[:size], inner[size:]
        if len(raw) != size:
            raise Refused(Code.WRONG_LENGTH)
        if setting is Setting.UUID:
            told[setting] = str(uuids.UUID(bytes=raw if order == "big" else raw[::-1]))
        elif field.values:
            back = {number: float(text) for text, number in field.values.items()}
            number = int.from_bytes(raw, order)
            if number not in back:
                raise Refused(Code.VALUE_NOT_ALLOWED)
            told[setting] = _whole(back[number])
        else:
            number = int.from_bytes(raw, order, signed=setting in SIGNED)
            told[setting] = _whole((number - field.offset) * field.scale)
    if inner:
        raise Refused(Code.WRONG_LENGTH)
    return told


def _read_text(field: Field, setting: Setting, raw: bytes) -> str:
    room = field.length or ROOM
    if len(raw) > room or (field.pad and len(raw) != room):
        raise Refused(Code.WRONG_LENGTH)
    raw = raw.rstrip(b"\0") if field.pad else raw
    return raw.decode() if setting is Setting.NAME else url_of(raw)


def spelled(field: Field, settings: Any) -> bytes:
    order: Order = field.endian
    out = bytes.fromhex(field.prefix)
    for setting in field.settings:
        value = settings[setting]
        if setting is Setting.UUID:
            raw = uuids.UUID(str(value)).bytes
            out += raw if order == "big" else raw[::-1]
        elif setting in {Setting.NAME, Setting.URL}:
            raw = str(value).encode() if setting is Setting.NAME else short(str(value))
            out += raw.ljust(field.length or ROOM, b"\0") if field.pad else raw
        else:
            size = 1 if setting in SIGNED else field.width
            number = _listed(field, value) if field.values else round(float(value) / field.scale) + field.offset
            out += number.to_bytes(size, order, signed=setting in SIGNED and not field.values)
    return out + bytes.fromhex(field.suffix)


def _listed(field: Field, value: Value) -> int:
    """A beacon always has one of its own values: that of the factory is the nearest to ours."""
    near = min(field.values, key=lambda text: abs(float(text) - float(value)))
    return field.values[near]


def _whole(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value


SCHEMES = ("http://www.", "https://www.", "http://", "https://")
ENDS = ("com", "org", "edu", "net", "info", "biz", "gov")


def url_of(data: bytes) -> str:
    """Eddystone's short URLs, after its specification: 0…6 end with a slash, 7…13 without."""
    if not data:
        return ""
    if data[0] >= len(SCHEMES):
        raise Refused(Code.VALUE_NOT_ALLOWED)
    out = SCHEMES[data[0]]
    for byte in data[1:]:
        out += f".{ENDS[byte % 7]}{'/' if byte < 7 else ''}" if byte < 14 else chr(byte)
    return out


def short(url: str) -> bytes:
    scheme = next((one for one in SCHEMES if url.startswith(one)), None)
    if scheme is None:
        return b""
    rest = url[len(scheme) :]
    for number, end in enumerate(ENDS):
        rest = rest.replace(f".{end}/", chr(number))
    for number, end in enumerate(ENDS):
        rest = rest.replace(f".{end}", chr(number + 7))
    return bytes([SCHEMES.index(scheme)]) + rest.encode()
