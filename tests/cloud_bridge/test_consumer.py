"""The reader's tables: each event once, an exact account, a watermark without holes. SQLite here and PostgreSQL too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cloud_bridge.consumer.databases import open_tables
from cloud_bridge.consumer.report import lines, summary
from cloud_bridge.consumer.sorting import sort_out
from cloud_bridge.consumer.tables import Tables
from cloud_bridge.endpoint import Incoming
from cloud_bridge.payloads import Birth, Event, encode
from cloud_bridge.topics import Gateway, Lane
from edge.errors import UsageError
from edge.journal.outbox import Row
from tests.cloud_bridge.given_rows import row
from tests.peers.postgres import server

GATEWAY = Gateway("acme", "s1", "gw1")


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tables]:
    if request.param == "sqlite":
        made = open_tables(f"sqlite:///{tmp_path}/cloud.sqlite")
    else:
        made = open_tables(request.getfixturevalue("postgres"))
        for name in ("event", "stream", "lost", "dead"):
            made._run(f"DELETE FROM {name}")
    yield made
    made.close()


def message(topic: str, payload: bytes, encoding: str = "") -> Incoming:
    return Incoming(topic, payload, 1, 1, "", encoding, "", b"", None)


def events(*rows: Row, epoch: str = "e1", source: str = GATEWAY.source) -> Incoming:
    wire = encode(rows, source=source, epoch=epoch, always_deflate=False)
    topic = GATEWAY.events(Lane.EVENTS, f"storegate.{rows[0].type}")
    return message(topic, wire.payload, "deflate" if wire.deflated else "")


def span(first: int, last: int) -> Incoming:
    return events(*(row(seq) for seq in range(first, last + 1)))


def lost(seq: int, *ranges: tuple[int, int]) -> Incoming:
    count = sum(last - first + 1 for first, last in ranges)
    body = msgspec.json.encode({"kept": "diagnostic", "reason": "outbox_full", "count": count, "ranges": ranges})
    return events(row(seq, "records.lost.v1", body=body))


def birth(session: int, *, online: bool = True, oldest_seq: int = 1, last_seq: int = 0) -> Incoming:
    said = Birth(online=online, epoch="e1", session=session, oldest_seq=oldest_seq, last_seq=last_seq)
    return message(GATEWAY.session, msgspec.json.encode(said))


def test_the_account_is_exact(tables: Tables) -> None:
    tables.store(sort_out([birth(1, last_seq=12), span(1, 5), span(4, 6), lost(13, (6, 8))]))
    tables.store(sort_out([span(1, 5)]))
    (stream,) = tables.streams()
    account = tables.account(stream)
    assert (stream.received, stream.duplicates, stream.last_seq) == (7, 7, 13)
    assert account.lost == 2, "6 was received all the same"
    assert account.missing == [(9, 12)]
    found = summary([account], dead=0)
    assert found.produced == found.received + found.lost + found.missing == 13
    assert "missing 4 (9–12)" in lines(found)[0]


def test_the_watermark_stops_at_a_hole_and_steps_over_losses(tables: Tables) -> None:
    def advance() -> int:
        return tables.advance(tables.streams()[0])

    tables.store(sort_out([birth(1), span(1, 4), span(7, 9)]))
    assert advance() == 4
    tables.store(sort_out([lost(11, (5, 6))]))
    assert advance() == 9
    tables.store(sort_out([span(10, 10)]))
    assert advance() == 11
    assert tables.streams()[0].through == 11


def test_a_database_that_comes_late_begins_where_the_gateway_is(tables: Tables) -> None:
    tables.store(sort_out([span(101, 103), birth(1, oldest_seq=101, last_seq=103)]))
    (stream,) = tables.streams()
    assert tables.advance(stream) == 103
    account = tables.account(stream)
    assert (account.before, account.missing) == (100, [])


def test_a_will_that_comes_late_is_ignored(tables: Tables) -> None:
    tables.store(sort_out([birth(5), birth(6), birth(5, online=False)]))
    assert tables.streams()[0].online
    tables.store(sort_out([birth(6, online=False)]))
    assert not tables.streams()[0].online


def test_what_can_t_be_used_is_put_aside(tables: Tables) -> None:
    topic = GATEWAY.events(Lane.EVENTS, "device.found.v1")
    bad = [
        message(topic, b"\x00\xff"),
        message(topic, b"[]", "br"),
        message("storegate/v1/x", b""),
        message(GATEWAY.session, b"{}"),
        events(row(1), source="/storegate/acme/s1/another"),
        events(row(1, body=b"1"), epoch="a\0b"),
        lost(5, (6, 7)),
        lost(5, (0, 2)),
    ]
    batch = sort_out([*bad, span(1, 1)])
    assert tables.store(batch) == 1
    assert len(batch.dead) == len(bad)
    assert tables.dead_count() == len(bad)


def test_a_database_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="mysql"):
        open_tables("mysql://x")


EVENT = events(row(1)).payload
BIRTH = b'{"online":true,"epoch":"e1","session":1,"version":"%s"}'
LOST = GATEWAY.events(Lane.EVENTS, "records.lost.v1")


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (LOST, b'[{"id":"\xff"}]'),
        (LOST, b"[" * 100_000),
        (LOST, EVENT.replace(b'"data":{', b'"data":{"x":"\xff",')),
        (LOST, EVENT.replace(b'"data":{', b'"data":{"x":' + b"[" * 100_000 + b"],")),
        (LOST, EVENT.replace(b"0000000000000001", b"0" * 5000 + b"1")),
        (LOST, EVENT.replace(b"0000000000000001", b"0000000000000001\\n")),
        (GATEWAY.session, b'{"online":true,"epoch":"\xff"}'),
        (GATEWAY.session, b"[" * 100_000),
        (GATEWAY.session, BIRTH.replace(b":1,", b":99999999999999999999,")),
        (GATEWAY.session, BIRTH % b"\\u0000"),
    ],
)
def test_a_message_made_to_hurt_is_put_aside(tables: Tables, topic: str, payload: bytes) -> None:
    tables.store(sort_out([message(topic, payload), span(1, 3)]))
    (stream,) = tables.streams()
    assert stream.received == 3
    assert tables.dead_count() == 1


def test_a_fault_of_the_reader_costs_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(payload: bytes, *, encoding: str) -> list[Event]:
        raise ZeroDivisionError

    monkeypatch.setattr("cloud_bridge.consumer.sorting.decode", stumble)
    batch = sort_out([span(1, 1), birth(1)])
    assert len(batch.births) == 1
    assert batch.dead[0].problem == "a fault of the reader: ZeroDivisionError"
