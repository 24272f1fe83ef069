"""HID POS reports → codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.scanners.framing import Scan
from devices.scanners.hid_descriptor import Field, input_fields
from devices.scanners.pos_reports import DEFAULT, GAP_MS, Format, PosReports, format_of, is_pos_scanner
from tests.devices.scanners.pos_scanner import DESCRIPTOR, NEWLAND, report, reports

LONG = "M1" + "X" * 118


def test_the_descriptor_says_where_things_stand() -> None:
    assert format_of(DESCRIPTOR) == DEFAULT
    assert is_pos_scanner(DESCRIPTOR)
    fields = input_fields(DESCRIPTOR)
    assert fields[0] == Field(2, 0x0001003B, 0, 8, 1)
    assert fields[4] == Field(2, 0x008C00FE, 32, 8, 56)


def test_a_descriptor_without_aim_and_length() -> None:
    form = format_of(NEWLAND)
    assert form == Format(report_id=0, length_at=None, aim_at=None, data_at=0, data_bytes=8, continued_bit=64)
    joined = PosReports(form)
    assert joined.feed(b"69012345\x01", at_ms=0) == []
    assert joined.feed(b"67892\0\0\0\0", at_ms=5) == [Scan("6901234567892", "")]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([report("6901234567892", "]E0")], [Scan("6901234567892", "]E0")]),
        (reports(LONG, "]Q1"), [Scan(LONG, "]Q1")]),
        ([report("01\x1d10A", "]C1")], [Scan("01\x1d10A", "]C1")]),
        ([report("abc\r", "\0\0\0")], [Scan("abc", "")]),
        ([report("]E096385074", "\0\0\0")], [Scan("96385074", "]E0")]),
        ([b"\x04" + report("x", "]E0")[1:]], []),
        ([b"\x02"], []),
        ([b""], []),
        ([report("", "]E0")], []),
    ],
)
def test_reports(chunks: list[bytes], expected: list[Scan]) -> None:
    joined = PosReports(DEFAULT)
    assert [scan for chunk in chunks for scan in joined.feed(chunk, at_ms=0)] == expected


def test_data_where_the_aim_identifier_would_be() -> None:
    """Newland's layout, met without a descriptor that says so."""
    raw = bytes([2, 13]) + b"6901234567892".ljust(60, b"\0") + b"\0\0"
    assert PosReports(DEFAULT).feed(raw, at_ms=0) == [Scan("6901234567892", "")]


def test_a_part_that_never_comes() -> None:
    joined = PosReports(DEFAULT)
    first = reports(LONG, "]Q1")[0]
    assert joined.feed(first, at_ms=0) == []
    assert joined.waits_ms == GAP_MS
    assert joined.idle(at_ms=GAP_MS) == []
    assert joined.waits_ms is None
    joined.feed(first, at_ms=2000)
    assert joined.feed(report("new", "]C0"), at_ms=2000 + GAP_MS) == [Scan("new", "]C0")]


def test_endless_data_is_dropped() -> None:
    joined = PosReports(DEFAULT)
    full = report("x" * 56, "]Q1", more=True)
    for _ in range(200):
        assert joined.feed(full, at_ms=0) == []
    assert joined.feed(report("x", "]Q1"), at_ms=0) == []
    assert joined.feed(report("ok", "]Q1"), at_ms=0) == [Scan("ok", "]Q1")]


@given(st.lists(st.binary(max_size=70), max_size=5), st.binary(max_size=80))
def test_any_bytes_are_survived(chunks: list[bytes], descriptor: bytes) -> None:
    joined = PosReports(format_of(descriptor))
    for chunk in chunks:
        for scan in joined.feed(chunk, at_ms=0):
            assert scan.text
