"""Keyboard-wedge scanners: an input device grabbed for ourselves, its keys turned to text by our own keymap.

The grab (EVIOCGRAB) keeps scans out of the kiosk's browser and of any input method. Which device is a scanner is what
gateway.toml says, by path; it is never guessed from a name or from how fast it types.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

from devices import inputs
from devices.scanners.framing import Framer, Framing, Scan
from devices.scanners.keymap import Keyboard
from devices.scanners.silence import with_silence
from edge.errors import DeviceError

GAP_MS = 100
"""A scanner types a key every 1 to 30 ms. What comes after a longer pause is another code; half a code is dropped."""


class Wedge:
    """A Source."""

    def __init__(self, path: Path, *, layout: str, framing: Framing) -> None:
        self._path = path
        self._layout = layout
        self._framing = framing

    @property
    def path(self) -> Path:
        return self._path

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[AsyncIterator[Scan]]:
        try:
            async with inputs.opened(str(self._path), grab=True) as device:
                yield _scans(device.keys, Keyboard(self._layout), Framer(self._framing))
        except DeviceError as error:
            if isinstance(error.__cause__, OSError):  # gone, busy, denied: the driver tells them apart
                raise error.__cause__ from None
            raise


async def _scans(keys: AsyncIterator[inputs.Key], board: Keyboard, framer: Framer) -> AsyncIterator[Scan]:
    async with aclosing(with_silence(keys, lambda: _quiet_s(framer))) as paced:
        async for key in paced:
            if key is None:
                found = framer.idle(at_ms=2**63)
            elif key.code == inputs.LOST:
                board.reset()
                framer.spoil(at_ms=int(key.time_s * 1000))
                found = []
            else:
                typed = board.key(key.code, key.value)
                found = framer.feed(typed.encode(), at_ms=int(key.time_s * 1000)) if typed else []
            for scan in found:
                yield scan


def _quiet_s(framer: Framer) -> float | None:
    return None if framer.waits_ms is None else framer.waits_ms / 1000
