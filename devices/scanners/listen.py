"""Hearing a scanner out, unwrapped: for pairing and for `storegate scanner watch`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import assert_never

from devices import inputs
from devices.scanners import keymap
from devices.scanners.descriptor import scans_of
from devices.scanners.framing import MAX_BYTES, Scan, decode
from devices.scanners.hid_pos import HidRaw
from devices.scanners.layouts import LAYOUTS
from devices.scanners.pairing import Burst
from devices.scanners.profile import Wire
from devices.scanners.serial import open_port
from devices.scanners.silence import with_silence

SILENCE_MS = 300
"""Between two scans a person needs longer; inside one no scanner does."""
_MAX_KEYS = 4 * MAX_BYTES


def transport_of(path: Path) -> Wire:
    """By where a device stands in /dev; links are followed."""
    real = path.resolve()
    if real.name.startswith("hidraw"):
        return "hid-pos"
    return "hid-keyboard" if real.parent.name == "input" else "serial"


async def bursts(path: Path, transport: Wire, *, baud: int = 9600) -> AsyncGenerator[Burst, None]:
    """Each scan as one burst. Raises DeviceError or OSError when the device can't be had, or is gone."""
    match transport:
        case "hid-pos":
            async with HidRaw(path).opened() as scans:
                async for scan in scans:
                    yield Burst(texts={"": scan.text}, aim=scan.aim, framed=True)
        case "serial":
            async with scans_of(lambda: open_port(path, baud=baud), _Raw()) as scans:
                async for scan in scans:
                    yield Burst(texts={"": scan.text})
        case "hid-keyboard":
            async with aclosing(_typed(path)) as typed:
                async for burst in typed:
                    yield burst
        case _:
            assert_never(transport)


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
        text = decode(bytes(self._buffer))
        self._buffer.clear()
        return [Scan(text=text, aim="")]


async def _typed(path: Path) -> AsyncGenerator[Burst, None]:
    """A wedge's keys, read in every layout."""
    async with inputs.opened(str(path), grab=True) as device:
        strokes: list[tuple[int, int]] = []
        async with aclosing(with_silence(device.keys, lambda: SILENCE_MS / 1000 if strokes else None)) as keys:
            async for key in keys:
                if key is None:
                    yield _burst(strokes)
                    strokes = []
                elif len(strokes) < _MAX_KEYS and key.code != inputs.LOST:
                    strokes.append((key.code, key.value))


def _burst(strokes: list[tuple[int, int]]) -> Burst:
    return Burst(
        texts={layout: keymap.typed(strokes, layout) for layout in LAYOUTS},
        keypad=any(code in keymap.KEYPAD for code, _ in strokes),
    )
