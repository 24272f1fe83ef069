"""Keys → text, as real scanners press them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.scanners import keymap
from devices.scanners.keymap import typed
from devices.scanners.layouts import LAYOUTS, ROWS
from tests.devices.scanners.typing_scanner import KEYPAD, alt_code, press, type_text

ALL = "".join(chr(code) for code in range(0x20, 0x7F))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_ascii_character_of_every_layout(layout: str) -> None:
    keyboard = LAYOUTS[layout]
    can = {*keyboard.plain.values(), *keyboard.shift.values(), *keyboard.altgr.values(), " "}
    text = "".join(char for char in ALL if char in can)
    assert typed(type_text(text, layout), layout) == text
    missing = set(ALL) - can
    assert missing <= set("`~{}")  # Italian keyboards have no key for them


def test_a_german_scanner_read_as_us_swaps_y_and_z() -> None:
    assert typed(type_text("yz-/", "de"), "us") == "zy/&"


def test_enter_key_pad_enter_and_tab() -> None:
    assert typed([*press(keymap.ENTER), *press(keymap.KP_ENTER), *press(keymap.TAB)], "us") == "\r\r\t"


def test_key_pad_digits() -> None:
    keys = [stroke for char in "0123456789." for stroke in press(KEYPAD[char])]
    assert typed(keys, "fr") == "0123456789."


@pytest.mark.parametrize("layout", LAYOUTS)
def test_gs_is_ctrl_and_right_bracket(layout: str) -> None:
    keys = [(keymap.LEFT_CTRL, 1), *press(27), (keymap.LEFT_CTRL, 0)]
    assert typed(keys, layout) == "\x1d"


def test_control_characters() -> None:
    keys = [(keymap.LEFT_CTRL, 1), *press(50), *press(36), (keymap.LEFT_CTRL, 0)]
    assert typed(keys, "us") == "\r\n"


def test_caps_lock_turns_letters_only() -> None:
    keys = [*press(keymap.CAPS_LOCK), *type_text("aB1!", "us"), *press(keymap.CAPS_LOCK), *type_text("c", "us")]
    assert typed(keys, "us") == "Ab1!c"


@pytest.mark.parametrize(
    ("digits", "char"), [("065", "A"), ("0228", "ä"), ("132", "ä"), ("029", "\x1d"), ("20048", "乐"), ("0x", "")]
)
def test_alt_codes(digits: str, char: str) -> None:
    if digits.isdigit():
        assert typed([*alt_code(digits), *type_text("b", "us")], "us") == char + "b"


def test_dead_keys_wait_for_the_next() -> None:
    assert typed([*press(41), *press(keymap.SPACE)], "de") == "^"
    assert typed([*press(13), *press(18)], "de") == "é"
    assert typed([*press(41), *press(2)], "de") == "^1"


def test_auto_repeat_types_nothing() -> None:
    assert typed([(2, 1), (2, 2), (2, 2), (2, 0)], "us") == "1"


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 2)), max_size=60), st.sampled_from(sorted(LAYOUTS)))
def test_any_keys_are_survived(keys: list[tuple[int, int]], layout: str) -> None:
    assert isinstance(typed(keys, layout), str)


def test_layouts_fill_their_rows() -> None:
    for layout in LAYOUTS.values():
        assert len(layout.plain) == len(layout.shift) == sum(len(row) for row in ROWS)
