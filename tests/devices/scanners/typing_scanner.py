"""What a wedge scanner's firmware does: text → keys pressed and released, for a layout."""

from __future__ import annotations

from devices.scanners import keymap
from devices.scanners.layouts import LAYOUTS

KEYPAD = {char: code for code, char in keymap.KEYPAD.items()}
Strokes = list[tuple[int, int]]


def press(code: int) -> Strokes:
    return [(code, 1), (code, 0)]


def held(modifier: int, keys: Strokes) -> Strokes:
    return [(modifier, 1), *keys, (modifier, 0)]


def alt_code(digits: str) -> Strokes:
    return held(keymap.LEFT_ALT, [stroke for digit in digits for stroke in press(KEYPAD[digit])])


def type_text(text: str, layout: str) -> Strokes:
    return [stroke for char in text for stroke in type_char(char, layout)]


def type_char(char: str, layout: str) -> Strokes:
    for code, fixed in keymap.FIXED.items():
        if fixed == char:
            return press(code)
    if char < " ":
        us = {typed: code for code, typed in LAYOUTS["us"].plain.items()}
        return held(keymap.LEFT_CTRL, press(us[chr(ord(char) + 0x40).lower()]))
    board = LAYOUTS[layout]
    for level, modifier in ((board.plain, 0), (board.shift, keymap.LEFT_SHIFT), (board.altgr, keymap.RIGHT_ALT)):
        for code, typed in level.items():
            if typed == char:
                keys = held(modifier, press(code)) if modifier else press(code)
                return [*keys, *press(keymap.SPACE)] if char in board.dead else keys
    raise AssertionError(f"no key types {char!r} on {layout}")
