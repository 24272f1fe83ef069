"""Our settings ↔ the bytes of one characteristic, by the profile's tables. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from devices.beacons.profile import BeaconProfile, Field, Setting
from edge.errors import UsageError

Value = int | float | str
"""uuid: as `str(UUID)`; major, minor, powers: int; interval: ms; name, url: text."""
Settings = Mapping[Setting, Value]
POWERS = frozenset({Setting.MEASURED_POWER, Setting.TX_POWER})
TEXTS = frozenset({Setting.NAME, Setting.URL})
NEAR = 0.25
"""A model that knows a few intervals is given the nearest one, if it is as near as this."""
URL_SCHEMES = ("http://www.", "https://www.", "http://", "https://")
URL_ENDS = (
    ".com/", ".org/", ".edu/", ".net/", ".info/", ".biz/", ".gov/", ".com", ".org", ".edu", ".net", ".info", ".biz",
    ".gov",
)  # fmt: skip


class DoesNotFitError(UsageError):
    """A setting that this model can't be given. Nothing was written."""

    def __init__(self, setting: Setting, problem: str, *, fits: str) -> None:
        super().__init__(f"{setting}: {problem}", hint=f"what fits: {fits}")
        self.setting = setting


class NotUnderstoodError(UsageError):
    """What the beacon said has another form than its profile says."""


def normal(settings: Settings) -> dict[Setting, Value]:
    """One way to write each value, so that equal ones compare equal."""
    return {
        setting: str(uuid.UUID(str(value))) if setting is Setting.UUID else value
        for setting, value in settings.items()
        if value != "" or setting is Setting.NAME
    }


def fitted(profile: BeaconProfile, settings: Settings, settable: Iterable[Setting]) -> dict[Setting, Value]:
    """What this model will really have: limits checked, intervals as near as it can.

    Raises DoesNotFitError. A setting that the model has no place for is left out, unless it is who the beacon is.
    """
    can = frozenset(settable)
    given = normal(settings)
    who = {Setting.UUID, Setting.MAJOR, Setting.MINOR} if "ibeacon" in profile.frames else set()
    for setting in who & set(given) - can:
        raise DoesNotFitError(setting, "this model can't be given one", fits="another model of beacon")
    kept = {setting: value for setting, value in given.items() if setting in can}
    _within_limits(profile, kept)
    for field in profile.field:
        kept |= decoded(field, encoded(field, kept)) if set(field.settings) <= set(kept) else {}
        for setting in set(field.settings) & set(kept):
            _one(field, setting, kept[setting])
    return kept


def _within_limits(profile: BeaconProfile, settings: Settings) -> None:
    low, high = profile.limits.interval_ms
    interval = settings.get(Setting.INTERVAL)
    if interval is not None and not low <= float(interval) <= high:
        raise DoesNotFitError(Setting.INTERVAL, f"{interval} ms is out of reach", fits=f"{low:g} to {high:g} ms")
    power, known = settings.get(Setting.TX_POWER), profile.limits.tx_power_dbm
    if power is not None and known and power not in known:
        raise DoesNotFitError(
            Setting.TX_POWER, f"{power} dBm can't be chosen", fits=", ".join(f"{one} dBm" for one in known)
        )


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
    data = url_bytes(text) if setting is Setting.URL else text.encode()
    room = field.length or 20
    if len(data) > room:
        raise DoesNotFitError(setting, f"{len(data)} bytes are too long", fits=f"at most {room} bytes")
    return data.ljust(room, b"\0") if field.pad else data


def _value(field: Field, setting: Setting, data: bytes) -> Value:
    if setting is Setting.UUID:
        return str(uuid.UUID(bytes=data if field.endian == "big" else data[::-1]))
    if setting is Setting.URL:
        return url_text(data.rstrip(b"\0") if field.pad else data)
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


def url_bytes(url: str) -> bytes:
    """Eddystone's short form: a byte for the scheme, a byte for each usual ending."""
    for number, scheme in enumerate(URL_SCHEMES):
        if url.startswith(scheme):
            break
    else:
        raise DoesNotFitError(Setting.URL, f"{url!r} is no web address", fits="http:// or https://")
    rest = url[len(scheme) :]
    if not rest or not rest.isascii() or not all("!" <= letter <= "~" for letter in rest):
        raise DoesNotFitError(Setting.URL, "it has letters that the frame can't carry", fits="printable ASCII")
    out = bytearray([number])
    while rest:
        code = next((code for code, end in enumerate(URL_ENDS) if rest.startswith(end)), None)
        out.append(ord(rest[0]) if code is None else code)
        rest = rest[1 if code is None else len(URL_ENDS[code]) :]
    return bytes(out)


def url_text(data: bytes) -> str:
    """The way back. Raises NotUnderstoodError."""
    if not data:
        return ""
    if data[0] >= len(URL_SCHEMES):
        raise NotUnderstoodError("url: a scheme that nobody knows")
    parts = [URL_SCHEMES[data[0]]]
    for byte in data[1:]:
        if byte < len(URL_ENDS):
            parts.append(URL_ENDS[byte])
        elif 0x20 < byte < 0x7F:
            parts.append(chr(byte))
        else:
            raise NotUnderstoodError("url: a byte that stands for nothing")
    return "".join(parts)
