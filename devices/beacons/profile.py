"""`firmware_profiles/beacons/*.toml`: how a model of beacon is recognised and configured, as data.

A profile says what, never how: the few ways of talking are `dialect`s in code (`provisioning/dialects/`), each one
parametrised by the tables here. What is not certain is marked, and refused without `--unverified`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

FAMILY = "beacons"
HEARD = frozenset({"ibeacon", "eddystone-uid", "eddystone-url"})
"""Frames that are recognised on the air."""
GattUuid = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z",
        extra={"wanted": "a 128-bit UUID in lower case"},
    ),
]
Uint16 = Annotated[int, Meta(ge=0, le=0xFFFF)]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all tables."""


def _hex(key: str, text: str, *places: str) -> None:
    for place in places:
        text = text.replace(place, "")
    try:
        bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"{key} is no hex: two digits a byte") from None


class Confidence(StrEnum):
    """Of a profile, or of one field of it."""

    SPECIFICATION = "specification"
    """From a published specification or the vendor's own source."""
    MANUAL = "manual"
    """From a manual or tested source of a third party."""
    UNSURE = "unsure"
    """Second-hand, or contradictory: refused without `--unverified`."""


class Match(Part, frozen=True, kw_only=True):
    """Any of the lists that is not empty must fit; within a list any entry does. All empty: never found by itself."""

    services: tuple[GattUuid, ...] = ()
    """Advertised, or in its service data."""
    names: tuple[str, ...] = ()
    """Shell patterns: `KBPro_*`."""
    companies: tuple[Uint16, ...] = ()


class Unlock(Part, frozen=True, kw_only=True):
    scheme: Literal[
        "none", "button", "write-secret", "aes-ecb-challenge", "md5-two-way", "pin-on-commit", "at-auth"
    ] = "none"
    """button: a person opens the window by hand; the rest as their names say."""
    characteristic: GattUuid | None = None
    """Where the secret, challenge or command goes."""
    state: GattUuid | None = None
    """Where the lock's state is read; `locked` and `unlocked` say what it reads."""
    locked: tuple[int, ...] = ()
    unlocked: tuple[int, ...] = ()
    blocked: tuple[int, ...] = ()
    """Too many wrong tries."""
    encoding: Literal["ascii", "hex", "uint"] = "ascii"
    """How a password becomes bytes."""
    min_bytes: Annotated[int, Meta(ge=0, le=32)] = 0
    max_bytes: Annotated[int, Meta(ge=0, le=32)] = 32
    pad: Literal["none", "zero"] = "none"
    default: str = ""
    """The password it leaves the factory with: tried where no other is given, refused as a new one."""
    change: GattUuid | None = None
    """Where a new password is written; None: by the dialect, or not at all."""
    change_data: str = ""
    """Hex of what is written there: `02{secret}{new}`; empty: the new password alone."""
    relocks: bool = False
    """A change of password locks it: that it took the new one can be proven at once, in the same connection."""
    single_use: bool = False
    """Unlocking forgets the password: it is given again at the end."""

    def __post_init__(self) -> None:
        if self.scheme in {"write-secret", "aes-ecb-challenge"} and not self.characteristic:
            raise ValueError(f"{self.scheme} needs a characteristic")
        if self.scheme == "aes-ecb-challenge" and not self.state:
            raise ValueError("aes-ecb-challenge needs state: where it says whether it is unlocked")
        if self.state and not self.unlocked:
            raise ValueError("state needs unlocked: what it reads when it is")
        if self.min_bytes > self.max_bytes:
            raise ValueError("min_bytes is more than max_bytes")
        _hex("change_data", self.change_data, "{secret}", "{new}")


class Setting(StrEnum):
    """What can be set on a beacon."""

    UUID = "uuid"
    MAJOR = "major"
    MINOR = "minor"
    MEASURED_POWER = "measured_power_dbm"
    TX_POWER = "tx_power_dbm"
    INTERVAL = "interval_ms"
    NAME = "name"
    URL = "url"


class Field(Part, frozen=True, kw_only=True):
    """Where one setting, or several side by side, lie in one characteristic."""

    settings: tuple[Setting, ...]
    """In the order of their bytes."""
    characteristic: GattUuid
    prefix: str = ""
    """Hex that stands before the value: `00`, a frame type."""
    suffix: str = ""
    endian: Literal["big", "little"] = "big"
    width: Annotated[int, Meta(ge=1, le=2)] = 2
    """Bytes of a number (uuid: always 16; powers: always 1)."""
    scale: Annotated[float, Meta(gt=0, le=1000)] = 1.0
    """Unit of the characteristic in ours: 0.625 for an interval in 0.625 ms."""
    offset: int = 0
    """Added to ours before it is written: 41 for a power at 0 m."""
    values: dict[str, int] = {}
    """Ours as text → what is written, where only some can be set: `"-4" = 3`."""
    length: Annotated[int, Meta(ge=0, le=64)] = 0
    """Of a name or URL: most bytes it may have (0: 20)."""
    pad: bool = False
    """A name or URL is filled up with zeros to `length`."""
    readable: bool = True
    confidence: Confidence = Confidence.MANUAL
    order: Annotated[int, Meta(ge=0, le=99)] = 10
    """Lower ones are written first."""

    def __post_init__(self) -> None:
        if not self.settings:
            raise ValueError("settings is empty")
        texts = [setting for setting in self.settings if setting in {Setting.NAME, Setting.URL}]
        if texts and len(self.settings) > 1:
            raise ValueError(f"{texts[0]} has no fixed length: it needs a [[field]] of its own")
        _hex("prefix", self.prefix)
        _hex("suffix", self.suffix)


class Commit(Part, frozen=True, kw_only=True):
    how: Literal["none", "write", "at"] = "none"
    characteristic: GattUuid | None = None
    data: str = ""
    """Hex; `{secret}` stands for the unlock's secret (pin-on-commit)."""
    result: GattUuid | None = None
    """Read after it; `ok` is what it must begin with (hex)."""
    ok: str = ""
    refused: str = ""
    """How the result begins when the secret was wrong (hex)."""

    def __post_init__(self) -> None:
        if self.how == "write" and not (self.characteristic and self.data):
            raise ValueError("how = write needs characteristic and data")
        _hex("data", self.data, "{secret}")
        _hex("ok", self.ok)
        _hex("refused", self.refused)


class Act(Part, frozen=True, kw_only=True):
    """Something that is written for what it does: a LED, a beep, which frame is meant."""

    characteristic: GattUuid
    on: str
    """Hex."""
    off: str = ""
    """Hex; empty: it stops by itself."""

    def __post_init__(self) -> None:
        _hex("on", self.on)
        _hex("off", self.off)


class At(Part, frozen=True, kw_only=True):
    """Text commands over a UART. `{uuid0}`…`{uuid3}` are the UUID's words in hex, `{major_hex}`, `{minor_dec}` …"""

    service: GattUuid | None = None
    """GATT UART, or None: a serial line alone."""
    write: GattUuid | None = None
    notify: GattUuid | None = None
    baud: Annotated[int, Meta(ge=1200, le=921_600)] = 9600
    end: Literal["", "\r\n", "\n", "\r"] = ""
    wake: str = ""
    quiet_ms: Annotated[int, Meta(ge=20, le=5000)] = 300
    """Where answers have no line end: the silence that ends one."""
    auth: str = ""
    """`AT+AUTH={secret}`"""
    commands: tuple[str, ...] = ()
    """In this order. One that names settings is sent when one of them changes; one that names none, always."""
    reads: dict[Setting, tuple[str, ...]] = {}
    """Setting → the commands that ask for it (a uuid: word by word). The answer's last word is the value."""
    reads_as: dict[Setting, Literal["hex", "dec", "signed", "code", "text"]] = {}
    """How it is written in the answer; hex where nothing is said."""
    ok: str = "OK"
    """An answer that begins otherwise is a refusal."""
    intervals: dict[str, str] = {}
    """Interval in ms → its letter: `{interval_code}`."""
    powers: dict[str, str] = {}
    """Transmit power in dBm → its letter: `{tx_code}`."""
    commit: tuple[str, ...] = ()
    """Sent last (commit `at`): what makes it store or restart."""
    change: str = ""
    """`AT+PASS={secret}`: gives it a new password."""


class Limits(Part, frozen=True, kw_only=True):
    interval_ms: tuple[Annotated[float, Meta(gt=0)], Annotated[float, Meta(gt=0)]] = (100.0, 10_240.0)
    tx_power_dbm: tuple[int, ...] = ()
    """Those that can be chosen; empty: not known."""


class BeaconProfile(Part, frozen=True, kw_only=True):
    vendor: str
    model: str
    dialect: Literal["fields", "eddystone-slot", "kkm", "espruino", "at", "esphome", "gateway"]
    confidence: Confidence
    source: Annotated[str, Meta(min_length=10)]
    """Where this is known from: a document and its date or version."""
    unsure: str = ""
    """What of it is not certain, for a person."""
    notes_zh: str = ""
    notes_en: str = ""
    """What a person does to make it configurable: a battery, a button, a magnet."""
    match: Match = Match()
    unlock: Unlock = Unlock()
    field: tuple[Field, ...] = ()
    commit: Commit = Commit()
    at: At | None = None
    window_s: Annotated[int, Meta(ge=0, le=3600)] = 0
    """Seconds after power-on in which it takes connections; 0: always."""
    limits: Limits = Limits()
    slot: Annotated[int, Meta(ge=0, le=15)] = 0
    """Of a beacon with several frames side by side: the one that is ours (eddystone-slot, kkm)."""
    verify: Literal["reconnect", "same-connection", "hear"] = "reconnect"
    """Where its settings are read back: in a new connection; in the one that wrote them, because it takes no other
    soon; nowhere, because it takes none afterwards (then hearing it is all)."""
    select: Act | None = None
    """Written after unlocking (`on`): which of its frames is meant."""
    identify: Act | None = None
    """How it shows itself to a person."""
    frames: tuple[Literal["ibeacon", "eddystone-uid", "eddystone-url", "altbeacon"], ...] = ("ibeacon",)

    def __post_init__(self) -> None:
        """Rules between keys: a file that breaks one would fail in front of a beacon."""
        if self.dialect == "fields" and not self.field:
            raise ValueError("the dialect fields needs a table [[field]]")
        if self.dialect == "at" and self.at is None:
            raise ValueError("the dialect at needs a table [at]")
        settings = [setting for field in self.field for setting in field.settings]
        twice = {setting for setting in settings if settings.count(setting) > 1}
        if twice:
            raise ValueError(f"{', '.join(sorted(twice))} is in more than one [[field]]")
        if not HEARD & set(self.frames):
            raise ValueError(f"frames: a beacon that sends none of {', '.join(sorted(HEARD))} can't be heard")
        if self.confidence is Confidence.UNSURE and not self.unsure:
            raise ValueError("confidence is unsure: say of what, in unsure")
        low, high = self.limits.interval_ms
        if low > high:
            raise ValueError("limits.interval_ms: the least comes first")
