"""Numbers as people type them; abroad, landlines and tricks are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.portal.ways.phone_numbers import MOBILE, digits_of, e164, masked


@pytest.mark.parametrize(
    "typed",
    ["13812345678", "138 1234 5678", "138-1234-5678", " 13812345678 ", "+86 138 1234 5678", "008613812345678",
     "8613812345678", "１３８１２３４５６７８", "+86(138)1234‐5678", "\u3000138\u00a01234\u20095678"],
)  # fmt: skip
def test_a_chinese_mobile_number(typed: str) -> None:
    assert e164(typed, country="86") == "+8613812345678"


@pytest.mark.parametrize(
    "typed",
    ["", "1", "12812345678", "1381234567", "138123456789", "+8613812345678x", "+1 212 555 0100", "+85291234567",
     "0013812345678", "+13812345678", "02112345678", "138\n12345678;123", "13812345678,13912345678", "१३८१२३४५६७८",
     "+8686138123456", "1" * 41, "138\x0012345678", "٠١٢٣٤٥٦٧٨٩٠", "①③⑧12345678abc"],
)  # fmt: skip
def test_what_is_none(typed: str) -> None:
    assert e164(typed, country="86") is None


@pytest.mark.parametrize(
    ("typed", "country", "wanted"),
    [
        ("0151 23456789", "49", "+4915123456789"),
        ("+49 (0)151 23456789", "49", "+4915123456789"),
        ("07700 900123", "44", "+447700900123"),
        ("9123 4567", "852", "+85291234567"),
        ("(212) 555-0100", "1", "+12125550100"),
        ("090-1234-5678", "81", "+819012345678"),
        ("0612345678", "33", "+33612345678"),
        ("0900 123456", "49", None),
        ("0912345678", "886", "+886912345678"),
        ("0412345678", "61", "+61412345678"),
        ("+61412345678", "61", "+61412345678"),
        ("+62412345678", "61", None),
    ],
)
def test_other_countries(typed: str, country: str, wanted: str | None) -> None:
    assert e164(typed, country=country) == wanted


@given(st.text(max_size=60), st.sampled_from([*MOBILE, "61", "7", "999"]))
def test_any_text_is_a_number_of_the_country_or_none(typed: str, country: str) -> None:
    number = e164(typed, country=country)
    if number is not None:
        assert number.startswith(f"+{country}")
        assert number.isascii()
        assert number[1:].isdecimal()
        assert 7 <= len(number) <= 16
        assert e164(number, country=country) == number


def test_only_its_end_is_shown() -> None:
    assert masked("+8613812345678") == "••• 5678"


@pytest.mark.parametrize(
    ("typed", "code"), [("271 828", "271828"), ("２７１８２８", "271828"), (" 271-828\n", "271828")]
)
def test_a_code_as_it_is_typed(typed: str, code: str) -> None:
    assert digits_of(typed) == code


@given(st.text(max_size=60))
def test_any_text_is_digits_or_nothing(typed: str) -> None:
    code = digits_of(typed)
    assert not code or (code.isascii() and code.isdecimal())
