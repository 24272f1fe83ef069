"""Our settings ↔ the bytes of one characteristic, by the profile's tables. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from devices.beacons.frames import eddystone
from devices.beacons.profile import Field, Setting
from edge.errors import DeviceError, UsageError

Value = int | float | str
"""uuid: as `str(UUID)`; major, minor, powers: int; interval: ms; name, url: text."""
Settings = Mapping[Setting, Value]
POWERS = frozenset({Setting.MEASURED_POWER, Setting.TX_POWER})
TEXTS = frozenset({Setting.NAME, Setting.URL})
NEAR = 0.25
"""A model that knows a few intervals is given the nearest one, if it is as near as this."""


class DoesNotFitError(UsageError):
    """A setting that this model can't be given. Nothing was written."""

    def __init__(self, setting: Setting, problem: str, *, fits: str) -> None:
        super().__init__(f"{setting}: {problem}", hint=f"what fits: {fits}")
        self.setting = setting


class NotUnderstoodError(DeviceError):
    """What the beacon said has another form than its profile says."""


def normal(settings: Settings) -> dict[Setting, Value]:
    """One way to write each value, so that equal ones compare equal."""
    return {
        setting: str(uuid.UUID(str(value))) if setting is Setting.UUID else value
        for setting, value in settings.items()
        if value != "" or setting is Setting.NAME
    }


def encoded(field: Field, settings: Settings) -> bytes:
    """The characteristic's whole value. Raises DoesNotFitError."""
    body = b""
    for setting in field.settings:
        if setting not in settings:
            raise DoesNotFitError(setting, "lies beside what is written, and is not known", fits="give it too")
        body += _one(field, setting, settings[setting])
    return bytes.fromhex(field.prefix) + body + bytes.fromhex(field.suffix)


def decoded(field: Field, data: bytes) -> dict[Setting, Value]:
    """The way back. Raises NotUnderstoodError."""
    prefix, suffix = bytes.fromhex(field.prefix), bytes.fromhex(field.suffix)
    if len(data) < len(prefix) + len(suffix) or not data.startswith(prefix) or not data.endswith(suffix):
        raise NotUnderstoodError(f"{field.settings[0]}: {len(data)} bytes, not framed as the profile says")
    body = data[len(prefix) : len(data) - len(suffix)]
    found: dict[Setting, Value] = {}
    for setting in field.settings:
        width = len(body) if setting in TEXTS else width_of(field, setting)
        if len(body) < width:
            raise NotUnderstoodError(f"{setting}: {len(data)} bytes are too few")
        found[setting] = _value(field, setting, body[:width])
        body = body[width:]
    if body:
        raise NotUnderstoodError(f"{field.settings[-1]}: {len(body)} bytes too many")
    return found


def width_of(field: Field, setting: Setting) -> int:
    """Bytes of one setting that is not text."""
    if setting is Setting.UUID:
        return 16
    return 1 if setting in POWERS else field.width


def _one(field: Field, setting: Setting, value: Value) -> bytes:
    if setting is Setting.UUID:
        data = uuid.UUID(str(value)).bytes
        return data if field.endian == "big" else data[::-1]
    if setting in TEXTS:
        return _text(field, setting, str(value))
    width, signed = width_of(field, setting), setting in POWERS and not field.values
    number = _number(field, setting, value)
    low, high = (-(1 << 8 * width - 1), (1 << 8 * width - 1) - 1) if signed else (0, (1 << 8 * width) - 1)
    if not low <= number <= high:
        least, most = (low - field.offset) * field.scale, (high - field.offset) * field.scale
        raise DoesNotFitError(setting, f"{value} has no room in {width} bytes", fits=f"{least:g} to {most:g}")
    return number.to_bytes(width, field.endian, signed=signed)


def _number(field: Field, setting: Setting, value: Value) -> int:
    if not field.values:
        return round(float(value) / field.scale) + field.offset
    return field.values[choice(setting, value, field.values)]


def choice(setting: Setting, value: Value, known: Iterable[str]) -> str:
    """The one of a few that is meant: a power exactly, an interval the nearest. Raises DoesNotFitError."""
    known = list(known)
    for one in known:
        if float(one) == float(value):
            return one
    if setting is Setting.INTERVAL:
        near = min(known, key=lambda one: abs(float(one) - float(value)))
        if abs(float(near) - float(value)) <= NEAR * float(value):
            return near
    raise DoesNotFitError(setting, f"{value} can't be chosen", fits=", ".join(known))


def _text(field: Field, setting: Setting, text: str) -> bytes:
    try:
        data = eddystone.encode_url(text) if setting is Setting.URL else text.encode()
    except ValueError as error:
        raise DoesNotFitError(setting, str(error), fits="http:// or https://, at most 17 bytes behind it") from None
    room = field.length or 20
    if len(data) > room:
        raise DoesNotFitError(setting, f"{len(data)} bytes are too long", fits=f"at most {room} bytes")
    return data.ljust(room, b"\0") if field.pad else data


def _value(field: Field, setting: Setting, data: bytes) -> Value:
    if setting is Setting.UUID:
        return str(uuid.UUID(bytes=data if field.endian == "big" else data[::-1]))
    if setting is Setting.URL:
        url = eddystone.decode_url(data.rstrip(b"\0") if field.pad else data)
        if url is None:
            raise NotUnderstoodError("url: it is not in Eddystone's short form")
        return url
    if setting is Setting.NAME:
        return data.rstrip(b"\0").decode("utf-8", "replace")
    number = int.from_bytes(data, field.endian, signed=setting in POWERS and not field.values)
    if field.values:
        for text, written in field.values.items():
            if written == number:
                return number_of(text)
        raise NotUnderstoodError(f"{setting}: {number} is not among the values of the profile")
    value = (number - field.offset) * field.scale
    return value if setting is Setting.INTERVAL and value % 1 else int(value)


def number_of(text: str) -> int | float:
    value = float(text)
    return int(value) if value.is_integer() else value
