"""Outbox rows ⇄ what is on the wire: the CloudEvents 1.0 JSON batch format, deflated when that pays.

`id` is `{epoch}-{seq}`, so `(source, id)` names an event for ever. `sequence` follows the CloudEvents *sequence*
extension: a string whose lexicographic order is the order of the events, hence zero-padded. `monotonicms` is a
string as well, because a CloudEvents Integer has 32 bits and a gateway is up for more than 24 days.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple, Protocol

import msgspec
from msgspec import UNSET, Meta, UnsetType

from edge.checked import UnreadableError, decoded
from edge.clock import Stamp
from edge.telemetry import Kept

CONTENT_TYPE = "application/cloudevents-batch+json"
JSON_TYPE = "application/json"
ENCODING = "content-encoding"
"""Name of the MQTT user property."""
DEFLATE = "deflate"
"""RFC 9110 §8.4.1.2: the zlib format (RFC 1950) around the deflate stream."""
LIVE_DEFLATE_OVER = 1024
"""Bytes: smaller live payloads go as they are; fewer bytes would be saved than MQTT itself costs."""
DEFLATE_LEVEL = 1
"""Level 1 makes events about nine times smaller; higher levels cost more than they save."""
SEQUENCE_DIGITS = 16
MAX_PLAIN = 4 * 1024 * 1024
"""Bytes that a payload may inflate to: a compressed bomb is refused before it is in memory."""
MAX_EVENTS = 1000
Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""What a database's BIGINT holds."""


class Row(Protocol):
    """What is read of a row of the journal's outbox."""

    @property
    def seq(self) -> int: ...
    @property
    def type(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def at(self) -> Stamp: ...
    @property
    def body(self) -> bytes: ...
    @property
    def kept(self) -> Kept: ...


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One CloudEvent in its JSON form."""

    id: str
    """`{epoch}-{seq}`"""
    source: str
    """`/storegate/{tenant}/{store}/{gateway}`"""
    type: str
    """`storegate.` and the payload's type with its version."""
    specversion: Literal["1.0"]
    time: str
    """RFC 3339, UTC, milliseconds; how far it can be trusted is in `clockstate`."""
    subject: str | UnsetType = UNSET
    sequence: Annotated[str, Meta(pattern=rf"^[0-9]{{{SEQUENCE_DIGITS}}}\Z")]
    bootid: str
    monotonicms: str
    """Milliseconds since the boot `bootid`, decimal."""
    clockstate: str
    """unset | holdover | synced"""
    data: msgspec.Raw


class Birth(msgspec.Struct, frozen=True, kw_only=True):
    """Retained at `st/session`. The will is the same with `online` false; it may arrive late: compare `session`."""

    online: bool
    epoch: str
    """One life of the journal: sequence numbers start at 1 in each."""
    session: Number
    """Grows with every connection."""
    version: str = ""
    oldest_seq: Number = 0
    """Smaller sequence numbers of this epoch are no longer in the gateway."""
    last_seq: Number = 0
    durable_ack: str = ""
    """puback | watermark: what lets the gateway forget a row."""


class Watermark(msgspec.Struct, frozen=True, kw_only=True):
    """Sent by the cloud once every event of `epoch` up to `through` is in its database, or recorded as lost."""

    epoch: str
    through: Number


class Wire(NamedTuple):
    payload: bytes
    deflated: bool


class PayloadError(ValueError):
    """A payload is not what its topic promises; nothing of it was used."""


def encode(rows: Sequence[Row], *, source: str, epoch: str, always_deflate: bool) -> Wire:
    """One PUBLISH worth of events."""
    plain = msgspec.json.encode([event_of(row, source=source, epoch=epoch) for row in rows])
    if always_deflate or len(plain) > LIVE_DEFLATE_OVER:
        packed = zlib.compress(plain, DEFLATE_LEVEL)
        if len(packed) < len(plain):
            return Wire(packed, deflated=True)
    return Wire(plain, deflated=False)


def event_of(row: Row, *, source: str, epoch: str) -> Event:
    return Event(
        id=f"{epoch}-{row.seq}",
        source=source,
        type=f"storegate.{row.type}",
        specversion="1.0",
        time=rfc3339(row.at.at_ms),
        subject=row.subject or UNSET,
        sequence=f"{row.seq:0{SEQUENCE_DIGITS}d}",
        bootid=row.at.boot_id,
        monotonicms=str(row.at.monotonic_ms),
        clockstate=row.at.state,
        data=msgspec.Raw(row.body),
    )


def rfc3339(at_ms: int) -> str:
    seconds, ms = divmod(at_ms, 1000)
    return f"{_second(seconds)}.{ms:03d}Z"


@lru_cache(maxsize=16)
def _second(at_s: int) -> str:
    """Events of a batch share few seconds, and formatting one was a third of the work of an event."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def plain_of(payload: bytes, *, encoding: str) -> bytes:
    """Undoes `content-encoding`. Raises PayloadError for an unknown one, broken data or more than MAX_PLAIN bytes."""
    if not encoding:
        plain = payload
    elif encoding == DEFLATE:
        plain = _inflate(payload)
    else:
        raise PayloadError(f"content-encoding {encoding[:40]!r} is not one of: {DEFLATE}")
    if len(plain) > MAX_PLAIN:
        raise PayloadError(f"{len(plain)} bytes, at most {MAX_PLAIN} are read")
    return plain


def decode(payload: bytes, *, encoding: str) -> list[Event]:
    """The events of one message. Raises PayloadError; then none of them counts."""
    try:
        events = decoded(plain_of(payload, encoding=encoding), list[Event])
    except UnreadableError as error:
        raise PayloadError(f"not a batch of CloudEvents: {error}") from error
    if len(events) > MAX_EVENTS:
        raise PayloadError(f"{len(events)} events in one message, at most {MAX_EVENTS} are read")
    for event in events:
        place_of(event)
    return events


def place_of(event: Event) -> tuple[str, int]:
    """`(epoch, seq)` out of the id. Raises PayloadError when `sequence` says otherwise."""
    epoch, _, digits = event.id.rpartition("-")
    if not epoch or not digits.isascii() or not digits.isdigit() or len(digits) > SEQUENCE_DIGITS:
        raise PayloadError(f"id {event.id[:80]!r} is not epoch-seq")
    if int(digits) != int(event.sequence):
        raise PayloadError(f"id {event.id[:80]!r} does not fit sequence {event.sequence[:40]!r}")
    return epoch, int(digits)


def _inflate(payload: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(payload, MAX_PLAIN + 1)
    except zlib.error as error:
        raise PayloadError(f"broken deflate data: {error}") from error
    if len(plain) <= MAX_PLAIN and not inflater.eof:
        raise PayloadError("deflate data ends too early")
    return plain
