"""What comes between two silences: apart at the suffixes, and secret as a whole where a payment code is in it."""

from __future__ import annotations

import pytest

from devices.scanners.keymap import typed
from devices.scanners.layouts import LAYOUTS
from devices.scanners.listen import SILENCE_MS, apart
from devices.scanners.listen import _Raw as Raw
from devices.scanners.pairing import SHEET, pair
from tests.devices.scanners.typing_scanner import type_text

PAY = "134567890123456789"
ALIPAY = "2861234567890123"
COLA = "6901234567892"


def heard(text: str) -> list[tuple[str, bool]]:
    return [(burst.texts[""], burst.secret) for burst in apart({"": text})]


def test_codes_are_apart_each_with_its_suffix() -> None:
    assert heard(f"{COLA}\r\n]E0{COLA}\r\n") == [(f"{COLA}\r\n", False), (f"]E0{COLA}\r\n", False)]
    assert heard(f"{COLA}\t") == [(f"{COLA}\t", False)]
    assert heard(COLA) == [(COLA, False)]


@pytest.mark.parametrize(
    "text",
    [
        f"{PAY}\r",
        f"{COLA}\r{PAY}\r",
        f"{PAY}\r{PAY}\r",
        f"{PAY}\n" * 5,
        f"{PAY}\t{COLA}\t",
        f"{COLA}{PAY}",
        f"{PAY}{COLA}",
        f"{PAY}{PAY}",
        f"{COLA}{ALIPAY}{COLA}",
        f"]E0{COLA}]Q1{PAY}",
        f"]C10106901234567892 10AB{PAY}".replace(" ", ""),
        f"a text of more than twelve letters\x1d{PAY}",
        "1345 6789 0123 4567 89\r" + f"{COLA}\r",
        "１３４５６７８９０１２３４５６７８９" + COLA,
        "1345678\r90123456789\r",
    ],
)
def test_a_breath_with_a_payment_code_is_secret(text: str) -> None:
    assert all(secret for _, secret in heard(text))


@pytest.mark.parametrize("text", [f"{COLA}\r" * 3, "]C1010690123456789217261231\r", "010690123456789210LOT7\r"])
def test_goods_are_shown(text: str) -> None:
    assert not any(secret for _, secret in heard(text))


def test_a_wedge_of_another_layout_is_secret_too() -> None:
    keys = type_text(f"{COLA}\r{PAY}\r", "fr")
    bursts = list(apart({name: typed(keys, name) for name in LAYOUTS}))
    assert [burst.texts["fr"] for burst in bursts] == [f"{COLA}\r", f"{PAY}\r"]
    assert all(burst.secret for burst in bursts)


def test_the_sheet_is_heard_in_one_breath() -> None:
    found = pair(apart({"": "".join(f"]X0{code.text}\r" for code in SHEET)}))
    assert (found.missing, found.suffix, found.problems) == ((), "cr", ())


def test_half_a_code_that_was_too_much_is_dropped() -> None:
    raw = Raw()
    raw.feed(f"{COLA}\r".encode() + b"x" * 4065 + PAY.encode(), at_ms=0)
    assert [scan.text for scan in raw.idle(at_ms=SILENCE_MS)] == [f"{COLA}\r"]
