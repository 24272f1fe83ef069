"""GS1 data, held to biip, which carries GS1's own table of identifiers."""

from __future__ import annotations

from datetime import date

import biip
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.scanners import gs1
from edge import gtin

GS = gs1.GS
TEXT = st.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZabcz0123456789-./_", min_size=1, max_size=20)
ARTICLE = st.text(alphabet="0123456789", min_size=13, max_size=13).map(lambda body: body + gtin.check_digit(body))
DAY = st.dates(min_value=date(2001, 1, 1), max_value=date(2049, 12, 31))
ELEMENTS = st.one_of(
    ARTICLE.map(lambda value: ("01", value, False)),
    DAY.map(lambda day: ("17", day.strftime("%y%m%d"), False)),
    DAY.map(lambda day: ("15", day.strftime("%y%m%d"), False)),
    TEXT.map(lambda value: ("10", value, True)),
    TEXT.map(lambda value: ("21", value, True)),
    TEXT.map(lambda value: ("240", value, True)),
    st.integers(0, 999_999).map(lambda grams: ("3103", f"{grams:06}", False)),
    st.integers(1, 99_999_999).map(lambda count: ("37", str(count), True)),
    st.integers(1, 999_999).map(lambda fen: ("3922", str(fen), True)),
)


@given(st.lists(ELEMENTS, min_size=1, max_size=6, unique_by=lambda element: element[0]))
def test_what_biip_reads_we_read(parts: list[tuple[str, str, bool]]) -> None:
    message = "".join(key + value + (GS if ends else "") for key, value, ends in parts).rstrip(GS)
    theirs = biip.parse(f"]C1{message}").gs1_message
    assert theirs is not None
    assert gs1.elements(message) == {part.ai.ai: part.value for part in theirs.element_strings}


@given(st.text(alphabet=f"0123456789A{GS}", max_size=40))
def test_what_is_wrong_to_us_is_wrong_to_biip_or_of_an_unknown_identifier(message: str) -> None:
    """We are not stricter in what a shop acts on: whenever biip finds a GTIN, a batch or an expiry, so do we."""
    theirs = biip.parse(f"]C1{message}").gs1_message
    if theirs is None:
        return
    ours = gs1.elements(message)
    for part in theirs.element_strings:
        if part.ai.ai in {"01", "10", "17"}:
            assert part.ai.ai in ours


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://id.gs1.org/01/09506000134352", {"01": "09506000134352"}),
        ("https://id.gs1.org/01/9506000134352/", {"01": "09506000134352"}),
        (
            "https://a.cn/x/y/01/09506000134352/22/2A/10/L%2F1/21/S1?17=261231&utm=1",
            {"01": "09506000134352", "22": "2A", "10": "L/1", "21": "S1", "17": "261231"},
        ),
        ("https://a.cn/01/0950600013435x", {}),
        ("https://a.cn/01/09506000134352/10", {}),
        ("https:///01/09506000134352", {}),
        ("https://[/01/09506000134352", {}),
        ("https://a.cn/menu?01=09506000134352", {}),
    ],
)
def test_links(uri: str, expected: dict[str, str]) -> None:
    assert gs1.link(uri) == expected


@pytest.mark.parametrize(
    "message",
    ["", GS, "01", "0106901234567", "05" + "1" * 14, "10", "10\x01", "3a", "39", "392", "1726123101", "10" + "A" * 91],
)
def test_what_is_no_message(message: str) -> None:
    assert gs1.elements(message) == {}


@pytest.mark.parametrize(
    "text",
    ["0106901234567892" + "17261331", "0106901234567892" + "17260230", "0106901234567891", "10" + "A" * 21],
)
def test_a_message_that_lies_is_not_believed(text: str) -> None:
    assert gs1.read(text, aim="]C1") is None


def test_day_zero_is_the_last_of_the_month() -> None:
    code = gs1.read("17280200", aim="]C1")
    assert code is not None
    assert code.expires == "2028-02-29"
