"""Rows ⇄ CloudEvents batches; whatever else comes is refused."""

from __future__ import annotations

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_bridge import payloads
from cloud_bridge.payloads import PayloadError, decode, encode, place_of
from tests.cloud_bridge.given_rows import row

SOURCE = "/storegate/acme/s1/gw1"


def test_a_batch_is_cloudevents_json() -> None:
    wire = encode([row(7)], source=SOURCE, epoch="e1", always_deflate=False)
    assert not wire.deflated
    assert json.loads(wire.payload) == [
        {
            "specversion": "1.0",
            "id": "e1-7",
            "source": SOURCE,
            "type": "storegate.device.found.v1",
            "time": "2026-11-18T11:06:40.000Z",
            "sequence": "0000000000000007",
            "bootid": "boot0",
            "monotonicms": "1000000",
            "clockstate": "synced",
            "data": {"device": "d", "kind": "k"},
        }
    ]


def test_sequences_sort_as_text() -> None:
    wire = encode([row(9), row(10), row(100)], source=SOURCE, epoch="e1", always_deflate=False)
    sequences = [event.sequence for event in decode(wire.payload, encoding="")]
    assert sequences == sorted(sequences)


@pytest.mark.parametrize(("count", "backlog", "deflated"), [(1, False, False), (2, True, True), (20, False, True)])
def test_what_pays_is_deflated(count: int, backlog: bool, deflated: bool) -> None:
    rows = [row(seq) for seq in range(1, count + 1)]
    wire = encode(rows, source=SOURCE, epoch="e-1", always_deflate=backlog)
    assert wire.deflated is deflated
    events = decode(wire.payload, encoding="deflate" if deflated else "")
    assert [place_of(event) for event in events] == [("e-1", seq) for seq in range(1, count + 1)]


def test_a_bomb_is_refused_before_it_is_in_memory() -> None:
    bomb = zlib.compress(b"[" + b" " * (2 * payloads.MAX_PLAIN), 9)
    with pytest.raises(PayloadError, match="at most"):
        decode(bomb, encoding="deflate")


@pytest.mark.parametrize(
    ("payload", "encoding", "words"),
    [
        (b"{}", "", "not a batch"),
        (b"[{}]", "", "not a batch"),
        (b"\xff\xfe", "", "not a batch"),
        (b"[]", "gzip", "content-encoding"),
        (b"not zlib", "deflate", "broken deflate"),
        (zlib.compress(b"[]")[:-3], "deflate", "too early"),
    ],
)
def test_broken_payloads_are_refused(payload: bytes, encoding: str, words: str) -> None:
    with pytest.raises(PayloadError, match=words):
        decode(payload, encoding=encoding)


def test_an_id_that_is_not_its_sequence_is_refused() -> None:
    plain = encode([row(7)], source=SOURCE, epoch="e1", always_deflate=False).payload
    with pytest.raises(PayloadError, match="does not fit"):
        decode(plain.replace(b'"e1-7"', b'"e1-8"'), encoding="")
    with pytest.raises(PayloadError, match="epoch-seq"):
        decode(plain.replace(b'"e1-7"', b'"e1-\xe2\x91\xa6"'), encoding="")


@given(payload=st.binary(max_size=300), encoding=st.sampled_from(["", "deflate", "br"]))
def test_no_bytes_crash_it(payload: bytes, encoding: str) -> None:
    try:
        decode(payload, encoding=encoding)
    except PayloadError as error:
        assert str(error)  # noqa: PT017 - either an answer or this error
