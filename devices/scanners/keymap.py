"""Keys pressed → text typed. Pure; no X11, no console: what the scanner presses is all there is.

Handles shift, caps lock, AltGr, dead keys, the key-pad, Enter and its key-pad twin, Tab, control characters (GS comes
as Ctrl+]) and characters typed as Alt + their number on the key-pad.
"""

from __future__ import annotations

import unicodedata

from devices.scanners.layouts import LAYOUTS, Layout

UP, DOWN = 0, 1

# linux/input-event-codes.h
ENTER, KP_ENTER, TAB, SPACE, CAPS_LOCK = 28, 96, 15, 57, 58
LEFT_CTRL, RIGHT_CTRL, LEFT_SHIFT, RIGHT_SHIFT, LEFT_ALT, RIGHT_ALT = 29, 97, 42, 54, 56, 100
SHIFTS = frozenset({LEFT_SHIFT, RIGHT_SHIFT})
CTRLS = frozenset({LEFT_CTRL, RIGHT_CTRL})
MODIFIERS = SHIFTS | CTRLS | {LEFT_ALT, RIGHT_ALT}
KEYPAD = {
    82: "0", 79: "1", 80: "2", 81: "3", 75: "4", 76: "5", 77: "6", 71: "7", 72: "8", 73: "9",
    83: ".", 98: "/", 55: "*", 74: "-", 78: "+", 117: "=", 121: ",",
}  # fmt: skip
"""As with Num Lock on: a scanner means digits, whatever the light says."""
FIXED = {ENTER: "\r", KP_ENTER: "\r", TAB: "\t", SPACE: " "}
_COMBINING = {"^": "\u0302", "´": "\u0301", "`": "\u0300", "¨": "\u0308"}
_MAX_ALT_DIGITS = 7


class Keyboard:
    """One keyboard's state. `layout` is the one the scanner was set to."""

    def __init__(self, layout: str = "us") -> None:
        self._layout: Layout = LAYOUTS[layout]
        self.reset()

    def reset(self) -> None:
        """All keys up; after events were lost."""
        self._held: set[int] = set()
        self._caps = False
        self._dead = ""
        self._alt_digits = ""

    def key(self, code: int, value: int) -> str:
        """What one event types: mostly nothing or one character. Auto-repeat (value 2) types nothing: a scanner never
        means it.
        """
        if value == UP:
            return self._up(code)
        if value != DOWN:
            return ""
        if code in MODIFIERS:
            self._held.add(code)
            return ""
        if code == CAPS_LOCK:
            self._caps = not self._caps
            return ""
        return self._down(code)

    def _up(self, code: int) -> str:
        self._held.discard(code)
        if code != LEFT_ALT or not self._alt_digits:
            return ""
        digits, self._alt_digits = self._alt_digits, ""
        return _alt_char(digits)

    def _down(self, code: int) -> str:
        if LEFT_ALT in self._held and KEYPAD.get(code, "").isdigit():
            if len(self._alt_digits) < _MAX_ALT_DIGITS:
                self._alt_digits += KEYPAD[code]
            return ""
        if self._held & CTRLS and RIGHT_ALT not in self._held:
            return self._control(code)
        char = FIXED.get(code) or KEYPAD.get(code) or self._char(code)
        return self._composed(char) if char else ""

    def _char(self, code: int) -> str:
        if RIGHT_ALT in self._held:
            return self._layout.altgr.get(code, "")
        plain = self._layout.plain.get(code, "")
        shifted = bool(self._held & SHIFTS)
        if self._caps and plain.isalpha() and plain.upper() == self._layout.shift.get(code, ""):
            shifted = not shifted
        return self._layout.shift.get(code, "") if shifted else plain

    def _control(self, code: int) -> str:
        """Ctrl+A … Ctrl+_ → 0x01 … 0x1F, by what the key types, else by where it is on a US keyboard."""
        for char in (self._layout.plain.get(code, ""), LAYOUTS["us"].plain.get(code, "")):
            upper = char.upper()
            if len(upper) == 1 and "A" <= upper <= "_":
                return chr(ord(upper) & 0x1F)
        return ""

    def _composed(self, char: str) -> str:
        before, self._dead = self._dead, ""
        if not before:
            if char in self._layout.dead:
                self._dead = char
                return ""
            return char
        if char == " ":
            return before
        one = unicodedata.normalize("NFC", char + _COMBINING[before])
        return one if len(one) == 1 else before + char


def _alt_char(digits: str) -> str:
    """Windows' rule: a leading zero means code page 1252, else 437 below 256; larger numbers are Unicode."""
    number = int(digits)
    if number < 0x80 or 0x100 <= number < 0xD800 or 0xE000 <= number <= 0x10FFFF:
        return chr(number)
    if number > 0xFF:
        return ""
    return bytes([number]).decode("cp1252" if digits.startswith("0") else "cp437", "replace")


def typed(keys: list[tuple[int, int]], layout: str) -> str:
    """The text of a whole recording of (key, value)."""
    board = Keyboard(layout)
    return "".join(board.key(code, value) for code, value in keys)
