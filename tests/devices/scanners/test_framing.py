"""Bytes → codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.scanners import aim
from devices.scanners.framing import MAX_BYTES, Framer, Framing, Scan, Suffix, decode


def fed(framing: Framing, *chunks: bytes, step_ms: int = 1) -> list[Scan]:
    framer = Framer(framing)
    return [scan for index, chunk in enumerate(chunks) for scan in framer.feed(chunk, at_ms=index * step_ms)]


@pytest.mark.parametrize(
    ("framing", "chunks", "expected"),
    [
        (Framing(), [b"690", b"123\r"], [Scan("690123", "")]),
        (Framing(suffix=Suffix.CRLF), [b"1\r\n2\r", b"\n"], [Scan("1", ""), Scan("2", "")]),
        (Framing(suffix=Suffix.LF), [b"1\n\n\n2\n"], [Scan("1", ""), Scan("2", "")]),
        (Framing(suffix=Suffix.TAB), [b"a\rb\tc"], [Scan("a\rb", "")]),
        (Framing(prefix="#"), [b"#]E06901234567892\r"], [Scan("6901234567892", "]E0")]),
        (Framing(prefix="#"), [b"x\r"], [Scan("x", "")]),
        (Framing(), [b"]C101\x1d10A\r"], [Scan("01\x1d10A", "]C1")]),
        (Framing(), ["可乐\r".encode()], [Scan("可乐", "")]),
        (Framing(), ["可乐\r".encode("gb18030")], [Scan("可乐", "")]),
        (Framing(), [b"\x00 \r\n \r"], []),
    ],
)
def test_frames(framing: Framing, chunks: list[bytes], expected: list[Scan]) -> None:
    assert fed(framing, *chunks) == expected


def test_half_a_code_is_not_glued_to_the_next() -> None:
    assert fed(Framing(gap_ms=100), b"690", b"123\r", step_ms=100) == [Scan("123", "")]
    assert fed(Framing(gap_ms=100), b"690", b"123\r", step_ms=99) == [Scan("690123", "")]


def test_without_a_suffix_silence_ends_a_code() -> None:
    framer = Framer(Framing(suffix=Suffix.NONE, gap_ms=50))
    assert framer.feed(b"6901\r", at_ms=0) == []
    assert framer.waits_ms == 50
    assert framer.idle(at_ms=49) == []
    assert framer.idle(at_ms=50) == [Scan("6901", "")]
    assert framer.waits_ms is None
    assert framer.feed(b"1", at_ms=100) == []
    assert framer.feed(b"2", at_ms=150) == [Scan("1", "")]


def test_what_is_too_long_is_dropped_whole() -> None:
    assert fed(Framing(), b"x" * (MAX_BYTES + 1) + b"\r" + b"ok\r") == [Scan("ok", "")]


def test_the_torn_rest_of_a_code_is_no_code() -> None:
    framer = Framer(Framing(gap_ms=100))
    framer.feed(b"https:", at_ms=0)
    framer.spoil(at_ms=1000)
    assert framer.feed(b"/a?b\rok\r", at_ms=1001) == [Scan("ok", "")]
    framer.spoil(at_ms=2000)
    assert framer.feed(b"after a pause\r", at_ms=2100) == [Scan("after a pause", "")]


@given(st.lists(st.binary(max_size=50), max_size=20), st.sampled_from(Suffix))
def test_any_bytes_are_survived(chunks: list[bytes], suffix: Suffix) -> None:
    for scan in fed(Framing(suffix=suffix, prefix="]"), *chunks):
        assert scan.text


@given(st.binary(max_size=50))
def test_any_bytes_are_text(raw: bytes) -> None:
    assert isinstance(decode(raw), str)


def test_aim() -> None:
    assert aim.split("]E0690") == ("]E0", "690")
    assert aim.split("E0690") == ("", "E0690")
    assert aim.split("]E") == ("", "]E")
    assert aim.split("") == ("", "")
