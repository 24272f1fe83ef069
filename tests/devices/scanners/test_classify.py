"""Golden meanings, and what must hold for every text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.scanners import upc_e
from devices.scanners.classify import MAX_CHARS, classifier, classify
from edge import gtin
from edge.config import CodesSection
from edge.events import Code, CodeKind

GS = "\x1d"
COUPON = "SE" + "A" * 150  # base32 of 0x91 …
SHORT = "ABCDEFGHIJKLMNOPQRSTUVWXYA"


@pytest.mark.parametrize(
    ("text", "aim", "expected"),
    [
        ("6901234567892", "]E0", Code(kind=CodeKind.GTIN, value="06901234567892", gtin="06901234567892", aim="]E0")),
        ("]E06901234567892", "", Code(kind=CodeKind.GTIN, value="06901234567892", gtin="06901234567892", aim="]E0")),
        ("036000291452", "", Code(kind=CodeKind.GTIN, value="00036000291452", gtin="00036000291452")),
        ("96385074", "]E4", Code(kind=CodeKind.GTIN, value="00000096385074", gtin="00000096385074", aim="]E4")),
        ("16901234567899", "", Code(kind=CodeKind.GTIN, value="16901234567899", gtin="16901234567899")),
        ("01234565", "]E0", Code(kind=CodeKind.GTIN, value="00012345000065", gtin="00012345000065", aim="]E0")),
        ("977167352800112", "]E3", Code(kind=CodeKind.UNKNOWN, value="977167352800112", aim="]E3")),
        (
            "977167352800912",
            "]E3",
            Code(kind=CodeKind.GTIN, value="09771673528009", gtin="09771673528009", aim="]E3"),
        ),
        ("6901234567890", "", Code(kind=CodeKind.UNKNOWN, value="6901234567890")),
        ("0000000000000", "", Code(kind=CodeKind.UNKNOWN, value="0000000000000")),
        (
            "2012345012509",
            "",
            Code(kind=CodeKind.EMBEDDED, value="2012345012509", item="12345", price_fen=1250),
        ),
        (
            "2112345007502",
            "",
            Code(kind=CodeKind.EMBEDDED, value="2112345007502", item="12345", weight_g=750),
        ),
        ("2212345007509", "", Code(kind=CodeKind.GTIN, value="02212345007509", gtin="02212345007509")),
        (
            f"010690123456789217261231{'10'}AB-1",
            "]C1",
            Code(
                kind=CodeKind.GS1,
                value="06901234567892",
                gtin="06901234567892",
                aim="]C1",
                batch="AB-1",
                expires="2026-12-31",
            ),
        ),
        (
            f"010690123456789210AB-1{GS}17261200",
            "]d2",
            Code(
                kind=CodeKind.GS1,
                value="06901234567892",
                gtin="06901234567892",
                aim="]d2",
                batch="AB-1",
                expires="2026-12-31",
            ),
        ),
        (
            "0106901234567892310300125039220350",
            "",
            Code(kind=CodeKind.GS1, value="06901234567892", gtin="06901234567892", weight_g=1250, price_fen=350),
        ),
        (
            "https://id.example.cn/01/06901234567892/10/L7?17=261231",
            "]Q1",
            Code(
                kind=CodeKind.GS1,
                value="06901234567892",
                gtin="06901234567892",
                aim="]Q1",
                batch="L7",
                expires="2026-12-31",
            ),
        ),
        ("https://example.cn/menu", "", Code(kind=CodeKind.UNKNOWN, value="https://example.cn/menu")),
        ("0106901234567890", "]C1", Code(kind=CodeKind.UNKNOWN, value="0106901234567890", aim="]C1")),
        (COUPON, "]Q1", Code(kind=CodeKind.COUPON, value=COUPON, aim="]Q1")),
        (f"http://10.0.0.1:8080/c/{COUPON}", "", Code(kind=CodeKind.COUPON, value=COUPON)),
        (SHORT, "]C0", Code(kind=CodeKind.COUPON, value=SHORT, aim="]C0")),
        ("SGM1MFRGGZDF", "", Code(kind=CodeKind.MEMBER, value="SGM1MFRGGZDF")),
        ("SGC1MFRGGZDF", "", Code(kind=CodeKind.CART, value="SGC1MFRGGZDF")),
        ("SGP1MFRGGZDF", "", Code(kind=CodeKind.PICKUP, value="SGP1MFRGGZDF")),
        ("SGM1mfrg gzdf", "", Code(kind=CodeKind.UNKNOWN, value="SGM1mfrg gzdf")),
        ("134567890123456789", "]Q1", Code(kind=CodeKind.PAYMENT, aim="]Q1")),
        ("100000000000000000", "]C0", Code(kind=CodeKind.PAYMENT, aim="]C0")),
        ("159999999999999999", "", Code(kind=CodeKind.PAYMENT)),
        ("2512345678901234", "", Code(kind=CodeKind.PAYMENT)),
        ("281234567890123456", "", Code(kind=CodeKind.PAYMENT)),
        ("301234567890123456789012", "", Code(kind=CodeKind.PAYMENT)),
        ("6212345678901234567", "", Code(kind=CodeKind.PAYMENT)),
        ("1345 6789 0123 4567 89", "", Code(kind=CodeKind.PAYMENT)),
        ("\x02A134567890123456789\x03", "", Code(kind=CodeKind.PAYMENT)),
        ("１３４５６７８９０１２３４５６７８９", "", Code(kind=CodeKind.PAYMENT)),
        ("164567890123456789", "", Code(kind=CodeKind.UNKNOWN, value="164567890123456789")),
        ("134567890123456789", "]C1", Code(kind=CodeKind.UNKNOWN, value="134567890123456789", aim="]C1")),
        ("", "", Code(kind=CodeKind.UNKNOWN)),
        ("x" * 600, "", Code(kind=CodeKind.UNKNOWN, value="x" * MAX_CHARS)),
        ("ab\x00c\u202ed\ne", "", Code(kind=CodeKind.UNKNOWN, value="abcde")),
    ],
)
def test_meaning(text: str, aim: str, expected: Code) -> None:
    assert classify(text, aim=aim) == expected


def test_a_magazine_is_no_payment_code() -> None:
    """EAN-13 with a five-digit add-on has 18 digits; one beginning 25 would look like Alipay."""
    code = classify("25123456789" + "0" * 7, aim="]E3")
    assert code.kind is CodeKind.UNKNOWN or code.gtin


def test_the_shops_own_18_digits_are_no_payment_code() -> None:
    own = classifier(CodesSection(embedded=("28PPPPPWWWWWVVVVVC",)))
    body = "28" + "12345" + "00750" + "01250"
    digits = body + gtin.check_digit(body)
    assert own(digits, "") == Code(kind=CodeKind.EMBEDDED, value=digits, item="12345", weight_g=750, price_fen=1250)
    wrong = body + str((int(digits[-1]) + 1) % 10)
    assert own(wrong, "") == Code(kind=CodeKind.PAYMENT)


@given(st.text(max_size=700), st.text(max_size=4) | st.sampled_from(["", "]E0", "]C1", "]Q1", "]Q3", "]d2", "]e0"]))
def test_every_text_has_a_meaning(text: str, aim: str) -> None:
    code = classify(text, aim=aim)
    assert len(code.value) <= MAX_CHARS
    assert code.value.isprintable()
    assert code.kind is not CodeKind.PAYMENT or code.value == ""


@given(st.text(alphabet="0123456789", min_size=1, max_size=40), st.sampled_from(["]C1", "]d2", "]Q3", "]e0", ""]))
def test_every_digit_string_has_a_meaning(digits: str, aim: str) -> None:
    classify("01" + digits, aim=aim)
    classify("https://a.cn/01/" + digits, aim=aim)
    code = classify(digits, aim=aim)
    assert code.kind is not CodeKind.GTIN or gtin.checks(digits)


payment_codes = st.one_of(
    st.from_regex(r"\A1[0-5][0-9]{16}\Z"),
    st.from_regex(r"\A(2[5-9]|30)[0-9]{14,22}\Z"),
    st.from_regex(r"\A62[0-9]{17}\Z"),
).filter(str.isascii)
stray = st.text(alphabet=st.characters(exclude_categories=["Nd", "Nl", "No"]), max_size=6)


@given(stray, payment_codes, stray, st.sampled_from(["", "]Q1", "]C0", "]d1", "]A0", "x"]))
def test_a_payment_code_never_leaves(before: str, digits: str, after: str, aim: str) -> None:
    code = classify(before + digits + after, aim=aim)
    assert digits not in repr(code)


@given(st.from_regex(r"\A[0-9]{7,13}\Z").filter(str.isascii))
def test_check_digits(body: str) -> None:
    right = body + gtin.check_digit(body)
    assert gtin.checks(right)
    wrong = body + str((int(right[-1]) + 3) % 10)
    assert not gtin.checks(wrong)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("01234565", "012345000065"),
        ("04252614", "042100005264"),
        ("12345670", "123456000070"),
        ("01234531", "012300000451"),
        ("01234532", ""),
        ("21234565", ""),
        ("0123456", ""),
    ],
)
def test_upc_e(short: str, long: str) -> None:
    assert upc_e.expanded(short) == long
