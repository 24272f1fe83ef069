"""Messages to and from nf_tables: what we send, and that nothing which comes can hurt."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from devices.access.gate.netlink import Batch, Element, _element, attributes, messages

KEY = Element(b"\2\0\0\0\0\1", b"\7\0\0\0", 1500)


def test_a_batch_is_one_datagram_between_begin_and_end() -> None:
    batch = Batch("storegate")
    assert not batch
    batch.flush("members")
    batch.renew("members", [KEY])
    assert batch
    data, last = batch.packed(10)
    found = list(messages(data))
    assert [kind for kind, *_ in found] == [16, 10 << 8 | 14, 10 << 8 | 12, 10 << 8 | 14, 10 << 8 | 12, 17]
    assert [number for _, number, _, _ in found] == [10, 11, 12, 13, 14, 15]
    assert last == 14
    assert [bool(flags & 4) for *_, flags in found] == [False, False, False, False, True, False]
    whole = dict(attributes(found[4][2][4:]))
    assert (whole[1], whole[2]) == (b"storegate\0", b"members\0")
    ((_, packed),) = attributes(whole[3])
    assert dict(attributes(packed))[4] == struct.pack(">Q", 1500)
    assert _element(packed)[:2] == (KEY.key, KEY.data)


def test_many_elements_are_several_messages_each_within_its_attribute() -> None:
    batch = Batch("storegate")
    batch.add("members", [Element(at.to_bytes(6, "big"), b"\1\0\0\0", 1) for at in range(5000)])
    found = list(messages(batch.packed(1)[0]))[1:-1]
    assert len(found) == 9
    keys = [
        _element(one).key
        for _, _, body, _ in found
        for name, value in attributes(body[4:])
        if name == 3
        for _, one in attributes(value)
    ]
    assert keys == [at.to_bytes(6, "big") for at in range(5000)]


@given(st.binary(max_size=200))
def test_garbage_is_read_to_its_end(data: bytes) -> None:
    for _, _, body, _ in messages(data):
        for _, value in attributes(body[4:]):
            _element(value)
    _element(data)


@given(st.binary(max_size=120), st.integers(0, 119), st.integers(0, 255))
def test_a_bent_message_is_read_to_its_end(seed: bytes, at: int, value: int) -> None:
    batch = Batch("storegate")
    batch.add("up", [Element(seed[:4].ljust(4, b"\0")), KEY])
    data = bytearray(batch.packed(1)[0])
    data[at % len(data)] = value
    for _, _, body, _ in messages(bytes(data)):
        for _, inner in attributes(body[4:]):
            for _, one in attributes(inner):
                _element(one)
