"""Given rows, acks and refusals, expect parcels and what may be forgotten."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.delivery import LIVE_RUN, Delivery, Fetch, Forget, Limits, Parcel
from cloud_bridge.topics import Gateway, Lane
from edge.journal.outbox import Row
from tests.cloud_bridge.given_rows import row

GATEWAY = Gateway("acme", "s1", "gw1")


def delivery(
    *, head_seq: int = 0, window: int = 4, payload_bytes: int = 100_000, batch: int = 10, forget: Forget = Forget.PUBACK
) -> Delivery:
    limits = Limits(window, payload_bytes, batch)
    return Delivery(gateway=GATEWAY, epoch="e1", limits=limits, forget=forget, head_seq=head_seq)


def feed(made: Delivery, rows: list[Row]) -> None:
    while (fetch := made.wanted()) is not None:
        found = [each for each in rows if fetch.after_seq < each.seq <= fetch.up_to_seq]
        made.fetched(fetch, found[: fetch.limit])


def parcels(made: Delivery) -> list[Parcel]:
    found = []
    while (parcel := made.next()) is not None:
        found.append(parcel)
    return found


def test_a_batch_has_one_type_and_keeps_its_order() -> None:
    made = delivery(head_seq=30, batch=10)
    feed(made, [row(seq, "a.v1" if seq % 2 else "b.v1") for seq in range(1, 31)])
    sent = parcels(made)
    assert [(parcel.kind, [each.seq for each in parcel.rows]) for parcel in sent] == [
        ("a.v1", list(range(1, 20, 2))),
        ("a.v1", list(range(21, 30, 2))),
        ("b.v1", list(range(2, 21, 2))),
        ("b.v1", list(range(22, 31, 2))),
    ]
    assert {parcel.lane for parcel in sent} == {Lane.BACKLOG}


def test_the_window_is_kept() -> None:
    made = delivery(head_seq=100, window=3)
    feed(made, [row(seq) for seq in range(1, 101)])
    first = parcels(made)
    assert len(first) == 3
    assert made.acked(first[1].number) == [(11, 20)]
    assert len(parcels(made)) == 1


def test_live_overtakes_the_backlog_which_still_moves() -> None:
    rows = [row(seq) for seq in range(1, 1001)]
    made = delivery(head_seq=500, window=1)
    lanes = []
    made.news(1000)
    for _ in range(2 * LIVE_RUN):
        feed(made, rows)
        (parcel,) = parcels(made)
        lanes.append(parcel.lane)
        made.acked(parcel.number)
    assert lanes.count(Lane.BACKLOG) == 2
    assert lanes[0] is Lane.EVENTS


def test_a_batch_that_is_too_big_is_halved() -> None:
    noise = random.Random(1)
    rows = [row(seq, body=b'"' + noise.randbytes(150).hex().encode() + b'"') for seq in range(1, 9)]
    made = delivery(head_seq=8, payload_bytes=900, window=50)
    feed(made, rows)
    sent = parcels(made)
    assert all(len(parcel.wire.payload) <= 900 for parcel in sent)
    assert [each.seq for parcel in sent for each in parcel.rows] == list(range(1, 9))
    assert len(sent) > 1


def test_an_event_too_big_for_any_packet_is_handed_back() -> None:
    made = delivery(head_seq=2, payload_bytes=600)
    feed(made, [row(1, body=b'"' + random.Random(1).randbytes(2000).hex().encode() + b'"'), row(2)])
    assert [each.seq for parcel in parcels(made) for each in parcel.rows] == [2]
    assert [each.seq for each in made.too_big] == [1]


def test_a_limit_is_learned_from_a_refusal() -> None:
    made = delivery(head_seq=20, batch=20)
    feed(made, [row(seq) for seq in range(1, 21)])
    (whole,) = parcels(made)
    made.refused_as_too_big(whole.number)
    halves = parcels(made)
    assert [len(parcel.rows) for parcel in halves] == [10, 10]
    assert made.payload_bytes < len(whole.wire.payload)


def test_a_quota_brings_the_same_parcel_first() -> None:
    made = delivery(head_seq=20, window=1)
    feed(made, [row(seq) for seq in range(1, 21)])
    (refused,) = parcels(made)
    made.again(refused.number)
    assert parcels(made) == [refused]


def test_watermark_mode_holds_what_was_acknowledged() -> None:
    made = delivery(head_seq=0, forget=Forget.WATERMARK)
    made.news(30)
    feed(made, [row(seq) for seq in range(1, 31)])
    one, two, three = parcels(made)
    assert made.acked(one.number) == []
    assert made.acked(three.number) == []
    assert made.watermark(25) == [(1, 10), (21, 25)], "11 to 20 are not acknowledged in this session"
    assert made.held
    made.acked(two.number)
    assert made.watermark(10**9) == [(11, 20), (26, 30)]
    assert not made.held


def test_a_watermark_at_the_start_frees_earlier_sessions() -> None:
    assert delivery(head_seq=50, forget=Forget.WATERMARK).watermark(40) == [(1, 40)]
    assert delivery(head_seq=50, forget=Forget.WATERMARK).watermark(10**9) == [(1, 50)]
    assert delivery(head_seq=50).watermark(40) == []


@settings(max_examples=60, deadline=None)
@given(
    kinds=st.lists(st.sampled_from(["a.v1", "b.v1", "c.v1"]), min_size=1, max_size=120),
    head=st.integers(0, 120),
    window=st.integers(1, 6),
    batch=st.integers(1, 9),
    seed=st.integers(0, 1000),
)
def test_everything_is_sent_and_forgotten_whatever_happens(
    kinds: list[str], head: int, window: int, batch: int, seed: int
) -> None:
    chance = random.Random(seed)
    rows = [row(seq, kind) for seq, kind in enumerate(kinds, 1)]
    made = delivery(head_seq=min(head, len(rows)), window=window, batch=batch)
    made.news(len(rows))
    in_flight: list[Parcel] = []
    forgotten: list[int] = []
    for _ in range(5000):
        feed(made, rows)
        in_flight += parcels(made)
        assert len(in_flight) <= window
        if not in_flight:
            break
        parcel = in_flight.pop(chance.randrange(len(in_flight)))
        if chance.random() < 0.2:
            made.again(parcel.number)
        else:
            forgotten += [seq for first, last in made.acked(parcel.number) for seq in range(first, last + 1)]
    assert made.drained
    assert sorted(forgotten) == list(range(1, len(rows) + 1)), "each once"


@pytest.mark.parametrize("live", [True, False])
def test_a_span_without_rows_ends(live: bool) -> None:
    made = delivery(head_seq=0 if live else 9)
    made.news(9)
    fetch = made.wanted()
    assert fetch == Fetch(Lane.EVENTS if live else Lane.BACKLOG, 0, 9, 80)
    made.fetched(fetch, [])
    assert made.wanted() is None
