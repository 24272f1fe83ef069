"""What a scanner makes of the pairing sheet → how it is set. Pure.

The sheet's texts are known, so what stands around one is prefix, AIM identifier and suffix. A wedge's keys are read
in every layout, and the layouts in which the known text comes out are those it may type for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from devices.scanners.framing import Suffix


class SheetCode(NamedTuple):
    """One code on the sheet."""

    name: str
    symbology: str
    text: str


DIGITS = SheetCode("digits", "EAN-13", "2990000000163")
LETTERS = SheetCode("letters", "Code 128", "SGPAIR azqwmyAZQWMY-019")
SYMBOLS = SheetCode("symbols", "QR", "SGPAIR2 zyZY https://a.cn/?b=1&c=2#d @[]{}|\\^~`'\"!$%*+(),.;:<>_-")
GROUPS = SheetCode("separator", "QR", "SGPAIR3\x1d17261231\x1dAB")
"""Reveals how GS comes out, which parts the fields of GS1 codes."""
SHEET = (DIGITS, LETTERS, SYMBOLS, GROUPS)

_AIM_AT_END = re.compile(r"\][A-Za-z][0-9A-Za-z]\Z")
_SUFFIXES = {"\r": Suffix.CR, "\n": Suffix.LF, "\r\n": Suffix.CRLF, "\t": Suffix.TAB, "": Suffix.NONE}
_MAX_AROUND = 16


class Burst(msgspec.Struct, frozen=True, kw_only=True):
    """One scan, unwrapped by nobody."""

    texts: Mapping[str, str]
    """Layout → text; a scanner that types nothing has one entry, under the empty string."""
    aim: str = ""
    """As an HID POS report told it."""
    keypad: bool = False
    """Digits were typed on the key-pad."""
    framed: bool = False
    """It came in reports: there is no suffix."""
    secret: bool = False
    """A payment code, or in one breath with one: nothing of it is shown."""


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """How the scanner is set."""

    seen: tuple[str, ...] = ()
    """Names of the sheet's codes that were recognised."""
    layouts: tuple[str, ...] = ()
    """That fit all that was seen; empty for a scanner that does not type."""
    prefix: str = ""
    suffix: Suffix = Suffix.NONE
    aim: bool = False
    keypad: bool = False
    problems: tuple[str, ...] = ()
    """What a person should change at the scanner, in one sentence each."""

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(code.name for code in SHEET if code.name not in self.seen)


class _Match(NamedTuple):
    code: SheetCode
    before: str
    after: str
    layouts: tuple[str, ...]
    fault: str


def pair(bursts: Iterable[Burst]) -> Findings:
    """From any number of scans, in any order; more scans say more."""
    listened = tuple(burst for burst in bursts if not burst.secret)
    matches = [(burst, match) for burst in listened if (match := _match(burst)) is not None]
    if not matches:
        return Findings(problems=("nothing of the sheet was recognised",) if listened else ())
    prefixes = {_AIM_AT_END.sub("", match.before) for _, match in matches}
    suffixes = {match.after for burst, match in matches if not burst.framed} or {"\r"}
    return Findings(
        seen=tuple(code.name for code in SHEET if any(match.code is code for _, match in matches)),
        layouts=_layouts([match for _, match in matches]),
        prefix=min(prefixes, key=len),
        suffix=next((_SUFFIXES[suffix] for suffix in suffixes if suffix in _SUFFIXES), Suffix.NONE),
        aim=any(burst.aim or _AIM_AT_END.search(match.before) for burst, match in matches),
        keypad=any(burst.keypad for burst in listened),
        problems=tuple(_problems(matches, prefixes, suffixes)),
    )


def _layouts(matches: list[_Match]) -> tuple[str, ...]:
    first, *rest = (match.layouts for match in matches)
    return tuple(layout for layout in first if layout and all(layout in more for more in rest))


def _match(burst: Burst) -> _Match | None:
    """The sheet's code in a scan. A whole one under any layout counts before a damaged one."""
    for look in (_whole, _damaged):
        for code in SHEET:
            found = {layout: spot for layout, text in burst.texts.items() if (spot := look(code.text, text))}
            if found:
                before, after, fault = next(iter(found.values()))
                return _Match(code, before, after, tuple(found), fault)
    return None


def _whole(known: str, text: str) -> tuple[str, str, str] | None:
    before, found, after = text.partition(known)
    fits = found and len(before) <= _MAX_AROUND and len(after) <= _MAX_AROUND
    return (before, after, "") if fits else None


def _damaged(known: str, text: str) -> tuple[str, str, str] | None:
    for variant, fault in (
        (known.swapcase(), "it swaps capitals and small letters: switch its caps lock setting off"),
        (known.upper(), "it turns all letters to capitals: switch case conversion off"),
        (known.lower(), "it turns all letters to small ones: switch case conversion off"),
        (known.replace("\x1d", ""), "it leaves the GS separator out: let it send control characters (as Ctrl+])"),
        (known[:-1] if known.isdigit() else known, "it leaves out the EAN-13 check digit: let it send that"),
        (known[1:] if known.isdigit() else known, "it leaves out the first digit of EAN-13: let it send that"),
    ):
        if variant != known and (spot := _whole(variant, text)):
            return spot[0], spot[1], fault
    return None


def _problems(matches: list[tuple[Burst, _Match]], prefixes: set[str], suffixes: set[str]) -> Iterable[str]:
    yield from dict.fromkeys(match.fault for _, match in matches if match.fault)
    if any("" not in match.layouts for _, match in matches) and not _layouts([match for _, match in matches]):
        yield "no layout fits all codes: set its keyboard language to English (US)"
    if len(prefixes) > 1:
        shown = ", ".join(sorted(repr(prefix) for prefix in prefixes))
        yield f"its prefix changes with the code ({shown}): switch the vendor's code id off, the AIM identifier on"
    if strange := sorted(suffix for suffix in suffixes if suffix not in _SUFFIXES):
        yield f"it sends {strange[0]!r} after a code: set the suffix to CR (Enter)"
    elif len(suffixes) > 1:
        yield "its suffix changes from code to code: set it to CR (Enter) for all"
    elif suffixes == {""}:
        yield "it sends no suffix, so each code waits for silence: set the suffix to CR (Enter)"
