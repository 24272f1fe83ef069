"""DNS packets that nobody sane would send."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.access.dns import wire
from devices.access.dns.wire import Code, NotAnAnswerError, Question
from tests.devices.access.dns.given_dns import captive

HEAD = struct.Struct("!HHHHHH")
QUERY = dns.message.make_query("www.example.com", "A").to_wire()
ANSWER = wire.answer(wire.read(QUERY), Code.OK, [ip_address("203.0.113.7")], ttl_s=60)  # type: ignore[arg-type]
label = st.binary(max_size=63).map(lambda text: bytes([len(text)]) + text)
body = st.lists(st.one_of(label, st.binary(max_size=8), st.just(b"\xc0\x0c"), st.just(b"\0\0\x01\0\x01"))).map(b"".join)
heads = st.builds(
    HEAD.pack,
    st.integers(0, 65535),
    st.one_of(st.just(0x0100), st.integers(0, 65535)),
    st.one_of(st.just(1), st.integers(0, 65535)),
    *[st.one_of(st.just(0), st.integers(0, 65535))] * 3,
)
packets = st.one_of(st.binary(max_size=1500), st.builds(bytes.__add__, heads, body))


@st.composite
def flipped(draw: st.DrawFn, packet: bytes) -> bytes:
    """A right packet with some bytes that are not."""
    spoilt = bytearray(packet)
    for _ in range(draw(st.integers(1, 4))):
        spoilt[draw(st.integers(0, len(spoilt) - 1))] = draw(st.integers(0, 255))
    return bytes(spoilt[: draw(st.integers(0, len(spoilt)))])


@settings(max_examples=500, deadline=None)
@given(packet=st.one_of(packets, flipped(QUERY)))
async def test_any_packet_is_answered_in_little_or_not_at_all(packet: bytes) -> None:
    answered = captive().answer(packet, "10.64.0.7")
    assert answered is None or isinstance(answered, bytes)
    if answered:
        assert len(answered) <= max(len(packet) + 28 + 11, 512)
        answer = dns.message.from_wire(answered)
        assert answer.flags & dns.flags.QR
        assert answered[:2] == packet[:2]


@settings(max_examples=500, deadline=None)
@given(packet=st.one_of(packets, flipped(ANSWER)))
def test_any_answer_is_read_or_passed_over(packet: bytes) -> None:
    wire.is_cut(packet)
    assert isinstance(wire.is_answer(packet, QUERY), bool)
    try:
        found = wire.read_answer(packet, QUERY)
    except NotAnAnswerError:
        return
    assert len(found.addresses) <= wire.MOST_ADDRESSES


@given(name=st.text(max_size=80))
def test_any_name_is_asked_for_or_refused(name: str) -> None:
    try:
        packet = wire.ask(name, wire.A, 7)
    except ValueError:
        return
    assert isinstance(wire.read(packet), Question)


def test_too_much_is_cut_and_says_so() -> None:
    question = wire.read(dns.message.make_query("a" * 60 + "." + "b" * 40 + ".example.com", "AAAA").to_wire())
    assert isinstance(question, Question)
    many = [ip_address(f"2606:4700::{number:x}") for number in range(1, 200)]
    packet = wire.answer(question, Code.OK, many, ttl_s=60)
    assert len(packet) <= wire.UDP_BYTES
    answer = dns.message.from_wire(packet)
    assert (bool(answer.flags & dns.flags.TC), answer.answer) == (True, [])
    whole = dns.message.from_wire(wire.answer(question, Code.OK, many, ttl_s=60, room=wire.TCP_BYTES))
    assert (bool(whole.flags & dns.flags.TC), len(whole.answer[0])) == (False, wire.MOST_ADDRESSES)


def test_a_signed_question_is_malformed_to_us() -> None:
    signature = b"\0" + struct.pack("!HHIH", 250, 255, 0, 16) + b"\0" * 16
    packet = HEAD.pack(7, 0x100, 1, 0, 0, 1) + QUERY[12:] + signature
    answered = wire.read(packet[: len(packet)])
    assert isinstance(answered, wire.Unreadable)
    assert answered.answer[3] & 15 == dns.rcode.FORMERR


@pytest.mark.parametrize("kind", [0, 1, 28, 41, 65535])
def test_the_question_stands_in_the_answer_as_it_came(kind: int) -> None:
    packet = HEAD.pack(7, 0x100, 1, 0, 0, 0) + b"\x03WwW\x07eXample\x00" + struct.pack("!HH", kind, 1)
    question = wire.read(packet)
    assert isinstance(question, Question)
    assert question.name == "www.example"
    assert wire.answer(question)[12:] == packet[12:]
