"""Hearing a scanner out, unwrapped: for pairing and for `storegate scanner watch`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from itertools import zip_longest
from pathlib import Path
from typing import assert_never

from devices import inputs
from devices.scanners import aim as aims
from devices.scanners import gs1, keymap
from devices.scanners.descriptor import scans_of
from devices.scanners.framing import MAX_BYTES, Scan, decode
from devices.scanners.hid_pos import HidRaw
from devices.scanners.layouts import LAYOUTS
from devices.scanners.pairing import Burst
from devices.scanners.profile import Wire
from devices.scanners.serial import open_port
from devices.scanners.silence import with_silence
from edge import payment

SILENCE_MS = 300
"""Between two scans a person needs longer; inside one no scanner does."""
_MAX_KEYS = 4 * MAX_BYTES
_CODE = re.compile(r"[\r\n\t]*[^\r\n\t]+[\r\n\t]*")
"""A code and what ends it. Scanners that read fast, or have a buffer, leave no silence between two."""
_PAYMENT = re.compile(r"1[0-5][0-9]{16}|(?:2[5-9]|30)[0-9]{14}|62[0-9]{17}")
"""As `payment` has them, but among other digits too."""
_PAYMENT_LAST = re.compile(r"(?:1[0-5][0-9]{16}|(?:2[5-9]|30)[0-9]{14,22}|62[0-9]{17})\Z")
_LONG_NUMBERS = frozenset({"00", "01", "02"})
"""GS1 fields of 14 and 18 digits, which may look like it by chance."""


def transport_of(path: Path) -> Wire:
    """By where a device stands in /dev; links are followed."""
    real = path.resolve()
    if real.name.startswith("hidraw"):
        return "hid-pos"
    return "hid-keyboard" if real.parent.name == "input" else "serial"


async def bursts(path: Path, transport: Wire, *, baud: int = 9600) -> AsyncGenerator[Burst, None]:
    """Each scan as one burst. Raises DeviceError or OSError when the device can't be had, or is gone.

    Where scans came in one breath and any of them is a payment code, all of them are `secret`.
    """
    match transport:
        case "hid-pos":
            async with HidRaw(path).opened() as scans:
                async for scan in scans:
                    secret = payment.is_payment(scan.text)
                    yield Burst(texts={"": scan.text}, aim=scan.aim, framed=True, secret=secret)
        case "serial":
            async with scans_of(lambda: open_port(path, baud=baud), _Raw()) as scans:
                async for scan in scans:
                    for burst in apart({"": scan.text}):
                        yield burst
        case "hid-keyboard":
            async with aclosing(_typed(path)) as recordings:
                async for strokes in recordings:
                    keypad = any(code in keymap.KEYPAD for code, _ in strokes)
                    for burst in apart({name: keymap.typed(strokes, name) for name in LAYOUTS}, keypad=keypad):
                        yield burst
        case _:
            assert_never(transport)


def apart(texts: Mapping[str, str], *, keypad: bool = False) -> Iterator[Burst]:
    """What came between two silences (layout → text) → its codes, each with its own suffix."""
    secret = any(_may_be_payment(text) for text in texts.values())
    codes = [_CODE.findall(text) for text in texts.values()]
    for one in zip_longest(*codes, fillvalue=""):
        yield Burst(texts=dict(zip(texts, one, strict=True)), keypad=keypad, secret=secret)


def _may_be_payment(text: str) -> bool:
    """Whether a payment code is in it: by itself, in groups, or run together with the digits of other codes."""
    return payment.is_payment(text) or any(
        payment.is_payment(code) or _runs_into_payment(code) for code in _CODE.findall(text)
    )


def _runs_into_payment(code: str) -> bool:
    """Codes without a suffix between them; where digits may be anything, rather one time too often."""
    aim, rest = aims.split(unicodedata.normalize("NFKC", code.strip()))
    if gs1.read(rest, aim=aim) is None:
        return _PAYMENT.search(rest) is not None
    fields = gs1.elements(rest).items()
    return any(_PAYMENT_LAST.search(name + value) for name, value in fields if name not in _LONG_NUMBERS)


class _Raw:
    """Bytes as they are; silence ends a code (an Assembly)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._last_ms = 0

    @property
    def waits_ms(self) -> int | None:
        return SILENCE_MS if self._buffer else None

    def feed(self, data: bytes, *, at_ms: int) -> list[Scan]:
        self._buffer += data[: MAX_BYTES - len(self._buffer)]
        self._last_ms = at_ms
        return []

    def idle(self, *, at_ms: int) -> list[Scan]:
        if at_ms - self._last_ms < SILENCE_MS or not self._buffer:
            return []
        raw = bytes(self._buffer)
        if len(raw) >= MAX_BYTES:  # more came than is kept: half a code at the end, maybe of a payment
            raw = raw[: max(raw.rfind(end) for end in b"\r\n\t") + 1]
        text = decode(raw)
        self._buffer.clear()
        return [Scan(text=text, aim="")]


async def _typed(path: Path) -> AsyncGenerator[list[tuple[int, int]], None]:
    """A wedge's keys (code, value), from silence to silence."""
    async with inputs.opened(str(path), grab=True) as device:
        strokes: list[tuple[int, int]] = []
        async with aclosing(with_silence(device.keys, lambda: SILENCE_MS / 1000 if strokes else None)) as keys:
            async for key in keys:
                if key is None:
                    yield strokes
                    strokes = []
                elif len(strokes) < _MAX_KEYS and key.code != inputs.LOST:
                    strokes.append((key.code, key.value))
