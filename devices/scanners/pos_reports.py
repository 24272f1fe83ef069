"""HID point-of-sale scanner reports → codes (USB HID Point of Sale Usage Tables 1.02, page 0x8C). Pure.

A report carries the decoded data, how many of its bytes count, mostly a three-byte AIM symbology identifier, and a
flag that more follows in the next report. Where these stand is in the report descriptor. Without one, the layout that
most vendors share is taken.
"""

from __future__ import annotations

import msgspec

from devices.scanners import aim
from devices.scanners.framing import MAX_BYTES, Scan, decode
from devices.scanners.hid_descriptor import Field, input_fields, pages

PAGE = 0x8C
_BYTE_COUNT = 0x0001003B  # generic desktop: Byte Count
_AIM_1, _DATA, _CONTINUED = 0x008C00FB, 0x008C00FE, 0x008C00FF
GAP_MS = 1000
"""Reports of one code follow each other within milliseconds."""
_FILLING = b"\r\n\t\0"


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """Where things stand in a report, in bytes from its start, its id included; None where there is no such field."""

    report_id: int = 2
    """0: reports carry no id byte."""
    length_at: int | None = 1
    aim_at: int | None = 2
    data_at: int = 5
    data_bytes: int = 56
    continued_bit: int | None = 63 * 8


DEFAULT = Format()
"""64 bytes: id 2, length, `]` and two more, 56 of data, two of the vendor's, the flag (Honeywell, Access-IS LSR118
manual, app. B).
"""
WITHOUT_AIM = Format(aim_at=None, data_at=2)
"""Newland: data right behind the length (FM420 integration guide, HID-POS)."""


def is_pos_scanner(descriptor: bytes) -> bool:
    return PAGE in pages(descriptor)


def format_of(descriptor: bytes) -> Format:
    """As the descriptor says, or DEFAULT where it names no decoded data in whole bytes."""
    fields = input_fields(descriptor)
    data = next((field for field in fields if field.usage == _DATA and field.bits == 8 and field.bit % 8 == 0), None)
    if data is None:
        return DEFAULT
    mine = [field for field in fields if field.report_id == data.report_id]
    header = 8 if data.report_id else 0
    continued = _of(mine, _CONTINUED)
    return Format(
        report_id=data.report_id,
        length_at=_byte(_of(mine, _BYTE_COUNT), header),
        aim_at=_byte(_of(mine, _AIM_1), header),
        data_at=(data.bit + header) // 8,
        data_bytes=data.values,
        continued_bit=continued.bit + header if continued else None,
    )


def _of(fields: list[Field], usage: int) -> Field | None:
    return next((field for field in fields if field.usage == usage), None)


def _byte(field: Field | None, header: int) -> int | None:
    return (field.bit + header) // 8 if field else None


class PosReports:
    """Joins the reports of one device (an Assembly)."""

    def __init__(self, form: Format) -> None:
        self._form = form
        self._drop()

    def use(self, form: Format) -> None:
        """From now on; the device's descriptor is known only once it is open."""
        self._form = form

    def _drop(self) -> None:
        self._data = bytearray()
        self._aim = ""
        self._last_ms = 0
        self._waits = False
        self._spilled = False

    @property
    def waits_ms(self) -> int | None:
        return GAP_MS if self._waits else None

    def idle(self, *, at_ms: int) -> list[Scan]:
        """A code whose next part never came is dropped."""
        if self._waits and at_ms - self._last_ms >= GAP_MS:
            self._drop()
        return []

    def feed(self, data: bytes, *, at_ms: int) -> list[Scan]:
        """One report, as one read of hidraw gives it."""
        self.idle(at_ms=at_ms)
        form = self._layout(data)
        if form.report_id and data[:1] != bytes([form.report_id]):
            return []  # another kind of report: trigger, settings
        if len(data) <= form.data_at:
            return []
        self._take(data, form)
        self._last_ms = at_ms
        self._waits = form.continued_bit is not None and _bit(data, form.continued_bit)
        return [] if self._waits else self._whole()

    def _layout(self, data: bytes) -> Format:
        """Without a `]` where the AIM identifier should be, a DEFAULT guess was wrong: then the data stands there."""
        if self._form is DEFAULT and len(data) > 2 and data[2] not in b"]\0":
            return WITHOUT_AIM
        return self._form

    def _take(self, data: bytes, form: Format) -> None:
        body = data[form.data_at : form.data_at + form.data_bytes]
        if form.length_at is not None:
            body = body[: data[form.length_at]]
        if not self._data and form.aim_at is not None:
            self._aim = data[form.aim_at : form.aim_at + 3].decode("latin-1")
        if len(self._data) + len(body) > MAX_BYTES:
            self._spilled = True
        else:
            self._data += body

    def _whole(self) -> list[Scan]:
        raw, identifier, spilled = bytes(self._data), self._aim, self._spilled
        self._drop()
        text = decode(raw.strip(_FILLING))
        if not aim.is_aim(identifier):
            identifier, text = aim.split(text)
        return [Scan(text=text, aim=identifier)] if text and not spilled else []


def _bit(data: bytes, bit: int) -> bool:
    return bit // 8 < len(data) and bool(data[bit // 8] >> bit % 8 & 1)
