"""A stream of bytes → codes. Pure; times are passed in.

A scanner ends each code with a suffix (CR, LF, both, or Tab) and may put a prefix before it. One set to send no
suffix is framed by silence. Half a code, left by a pulled plug or a jammed wire, is dropped after `gap_ms`, never
glued to the next one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

from devices.scanners import aim

MAX_BYTES = 4096
"""A full QR code holds 2953 bytes; whoever sends more before a suffix is no scanner."""
_DROPPED = b"\r\n\t\0 "
"""Around a code: filling, not data."""


class Suffix(StrEnum):
    CR = "cr"
    LF = "lf"
    CRLF = "crlf"
    TAB = "tab"
    NONE = "none"


_ENDS = {
    Suffix.CR: b"\r\n",
    Suffix.LF: b"\r\n",
    Suffix.CRLF: b"\r\n",
    Suffix.TAB: b"\t",
    Suffix.NONE: b"",
}
"""CR, LF and both are one: wedges turn either into Enter, and a wrong setting would glue codes together."""


class Framing(msgspec.Struct, frozen=True, kw_only=True):
    """How a scanner wraps its codes."""

    prefix: str = ""
    suffix: Suffix = Suffix.CR
    gap_ms: int = 1000


class Scan(NamedTuple):
    """One code as it was sent: without prefix and suffix, its AIM identifier apart."""

    text: str
    aim: str


class Framer:
    """One stream. After an unplug make a new one."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._ends = _ENDS[framing.suffix]
        self._buffer = bytearray()
        self._spilled = False
        self._last_ms = 0

    def feed(self, data: bytes, *, at_ms: int) -> list[Scan]:
        """The codes that these bytes complete."""
        found = self.idle(at_ms=at_ms)
        self._last_ms = at_ms
        for byte in data:
            if byte in self._ends:
                found += self._take()
            elif len(self._buffer) < MAX_BYTES:
                self._buffer.append(byte)
            else:
                self._spilled = True
        return found

    def idle(self, *, at_ms: int) -> list[Scan]:
        """What silence completes, where there is no suffix; else it drops what is half done."""
        if not (self._buffer or self._spilled) or at_ms - self._last_ms < self._framing.gap_ms:
            return []
        if self._framing.suffix is Suffix.NONE:
            return self._take()
        self.drop()
        return []

    def drop(self) -> None:
        """Forgets what is half done."""
        self._buffer.clear()
        self._spilled = False

    def spoil(self, *, at_ms: int) -> None:
        """Bytes were lost: what comes until the next suffix, or silence, is the torn rest of a code and is dropped."""
        self._spilled = True
        self._last_ms = at_ms

    @property
    def waits_ms(self) -> int | None:
        """Silence after which `idle` has something to do; None: nothing waits."""
        return self._framing.gap_ms if self._buffer else None

    def _take(self) -> list[Scan]:
        raw, spilled = bytes(self._buffer), self._spilled
        self.drop()
        scan = unwrap(decode(raw.strip(_DROPPED)), prefix=self._framing.prefix)
        return [scan] if scan.text and not spilled else []


def unwrap(text: str, *, prefix: str) -> Scan:
    """Takes off the prefix, then the AIM identifier."""
    identifier, rest = aim.split(text.removeprefix(prefix))
    return Scan(text=rest, aim=identifier)


def decode(raw: bytes) -> str:
    """UTF-8 where it is, else GB 18030 (what scanners set for China send for Chinese QR codes), else Latin-1."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")
