"""From what a scanner makes of the sheet to how it is set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.scanners import keymap
from devices.scanners.framing import Suffix
from devices.scanners.keymap import typed
from devices.scanners.layouts import LAYOUTS
from devices.scanners.pairing import DIGITS, GROUPS, LETTERS, SHEET, SYMBOLS, Burst, Findings, SheetCode, pair
from edge import gtin
from tests.devices.scanners.typing_scanner import KEYPAD, press, type_text


def wedge(text: str, layout: str) -> Burst:
    """A wedge scanner set to `layout` types a text; we read it in every layout."""
    keys = type_text(text, layout)
    return Burst(texts={name: typed(keys, name) for name in LAYOUTS})


def serial(text: str) -> Burst:
    return Burst(texts={"": text})


def typable(code: SheetCode, layout: str) -> bool:
    keyboard = LAYOUTS[layout]
    can = {*keyboard.plain.values(), *keyboard.shift.values(), *keyboard.altgr.values(), " ", "\x1d"}
    return set(code.text) <= can


@pytest.mark.parametrize("layout", ["us", "gb", "de", "fr", "es"])
def test_the_layout_is_found(layout: str) -> None:
    found = pair(wedge(f"{code.text}\r", layout) for code in SHEET if typable(code, layout))
    assert found.layouts == (layout,)
    assert found.suffix is Suffix.CR
    assert found.problems == ()
    assert {"digits", "letters"} <= set(found.seen)


def test_letters_alone_leave_layouts_open() -> None:
    found = pair([wedge(f"{LETTERS.text}\r", "us")])
    assert found.layouts[0] == "us"
    assert len(found.layouts) > 1
    assert "symbols" in found.missing


def test_prefix_aim_and_suffix() -> None:
    found = pair(serial(f"#]X0{code.text}\r\n") for code in SHEET)
    assert found == Findings(
        seen=("digits", "letters", "symbols", "separator"), prefix="#", suffix=Suffix.CRLF, aim=True
    )
    assert found.missing == ()


def test_a_pos_scanner_tells_aim_by_itself_and_needs_no_suffix() -> None:
    found = pair([Burst(texts={"": DIGITS.text}, aim="]E0", framed=True)])
    assert (found.aim, found.problems) == (True, ())


@pytest.mark.parametrize(
    ("burst", "words"),
    [
        (serial(LETTERS.text.swapcase() + "\r"), "caps lock"),
        (serial(LETTERS.text.upper() + "\r"), "all letters to capitals"),
        (serial(LETTERS.text.lower() + "\r"), "small ones"),
        (serial(GROUPS.text.replace("\x1d", "") + "\r"), "GS separator"),
        (serial(DIGITS.text[:-1] + "\r"), "check digit"),
        (serial(DIGITS.text[1:] + "\r"), "first digit"),
        (serial(DIGITS.text), "no suffix"),
        (serial(DIGITS.text + "**"), "'\\*\\*'"),
        (serial("hello\r"), "nothing"),
    ],
)
def test_what_to_change_is_said(burst: Burst, words: str) -> None:
    (problem,) = pair([burst]).problems
    assert words.replace("\\", "") in problem


def test_a_prefix_that_changes_is_a_vendors_code_id() -> None:
    found = pair([serial(f"d{DIGITS.text}\r"), serial(f"j{LETTERS.text}\r")])
    assert "code id" in found.problems[0]


def test_a_suffix_that_changes() -> None:
    found = pair([serial(f"{DIGITS.text}\r"), serial(f"{LETTERS.text}\t")])
    assert "changes from code to code" in found.problems[0]


def test_key_pad_digits_are_noticed() -> None:
    keys = [stroke for char in DIGITS.text for stroke in press(KEYPAD[char])] + press(keymap.KP_ENTER)
    found = pair([Burst(texts={name: typed(keys, name) for name in LAYOUTS}, keypad=True)])
    assert found.keypad
    assert found.layouts == tuple(LAYOUTS)


def test_the_sheets_codes_are_good() -> None:
    assert gtin.checks(DIGITS.text)
    assert len({code.name for code in SHEET}) == len(SHEET)
    assert SYMBOLS.text.isascii()


def test_nothing_heard_says_nothing() -> None:
    assert pair([]) == Findings()


@given(st.lists(st.text(max_size=40), max_size=4))
def test_any_text_is_survived(texts: list[str]) -> None:
    pair(serial(text) for text in texts)


def test_nothing_of_a_secret_scan_is_repeated() -> None:
    assert pair([Burst(texts={"": f"2861234567890123{DIGITS.text}\r"}, secret=True)]) == Findings()
