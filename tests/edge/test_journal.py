from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from edge import events as ev
from edge import store
from edge.clock import Stamp
from edge.errors import JournalRefusedError, Refusal, StoregateError
from edge.ids import DeviceId, StationId
from edge.journal import Journal
from edge.shop import Shop
from edge.telemetry import Kept
from tests.given import HandClock, stamp


def scan(at: Stamp | None = None, *, station: str | None = "k1") -> ev.CodeScanned:
    return ev.CodeScanned(
        at=at or stamp(),
        device=DeviceId("dock-1"),
        transport=ev.Transport.FAKE,
        code=ev.Code(kind=ev.CodeKind.UNKNOWN, value="x"),
        station=StationId(station) if station else None,
    )


def opened(folder: Path, hand: HandClock | None = None, **more: int) -> Journal:
    hand = hand or HandClock()
    return Journal.open(folder / "journal.sqlite", shop=Shop(), clock=hand.clock, **{"free_floor_bytes": 0, **more})


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = await asyncio.to_thread(opened, tmp_path)
    yield journal
    await journal.close()


async def test_an_event_is_decided_and_waits_for_the_cloud(journal: Journal) -> None:
    outcome = await journal.submit(scan())
    assert [type(effect).__name__ for effect in outcome.effects] == ["ShowOnKiosk"]
    [row] = await journal.pending(after_seq=0)
    assert (row.seq, row.type, row.subject, row.kept) == (1, "code.scanned.v1", "dock-1", Kept.LEDGER)
    assert row.at == stamp()
    assert msgspec.json.decode(row.body)["kind"] == "unknown"


async def test_a_thousand_callers_share_few_commits(journal: Journal) -> None:
    await asyncio.gather(*(journal.submit(scan()) for _ in range(1000)))
    stats = await journal.stats()
    assert (stats.events, stats.last_seq, journal.last_seq) == (1000, 1000, 1000)
    assert stats.commits < 20
    rows = await journal.pending(after_seq=0, limit=5000)
    assert [row.seq for row in rows] == list(range(1, 1001))


async def test_a_rule_that_fails_costs_only_its_own_event(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    decide = store.handle

    def faulty(event: ev.Event, tx: store.Tx) -> store.Outcome:
        outcome = decide(event, tx)
        if isinstance(event, ev.CodeScanned) and event.station == "bad":
            raise ZeroDivisionError
        return outcome

    monkeypatch.setattr(store, "handle", faulty)
    answers = await asyncio.gather(
        *(journal.submit(scan(station="bad" if n == 3 else "k1")) for n in range(6)), return_exceptions=True
    )
    refused = answers.pop(3)
    assert isinstance(refused, JournalRefusedError)
    assert refused.reason is Refusal.FAULT
    assert all(isinstance(answer, store.Outcome) for answer in answers)
    assert [row.seq for row in await journal.pending(after_seq=0)] == [1, 2, 3, 4, 5]
    assert "ZeroDivisionError" in caplog.text


async def test_pending_is_bounded_by_count_bytes_and_range(journal: Journal) -> None:
    await asyncio.gather(*(journal.submit(scan()) for _ in range(20)))
    assert [row.seq for row in await journal.pending(after_seq=5, up_to_seq=8)] == [6, 7, 8]
    assert len(await journal.pending(after_seq=0, limit=7)) == 7
    assert len(await journal.pending(after_seq=0, max_bytes=1)) == 1
    await journal.forget([(1, 4), (7, 7)])
    assert [row.seq for row in await journal.pending(after_seq=0, limit=4)] == [5, 6, 8, 9]
    assert (await journal.stats()).depth[Kept.LEDGER] == 15


async def test_what_was_committed_is_there_after_a_new_start(tmp_path: Path) -> None:
    hand = HandClock()
    first = await asyncio.to_thread(opened, tmp_path, hand)
    await first.submit(scan())
    epoch = first.epoch
    await first.close()
    second = await asyncio.to_thread(opened, tmp_path, hand)
    assert (second.epoch, second.last_seq, second.replaced) == (epoch, 1, None)
    await second.submit(scan())
    assert [row.seq for row in await second.pending(after_seq=0)] == [1, 2]
    await second.close()


async def test_numbers_are_never_used_twice_even_when_all_was_sent(tmp_path: Path) -> None:
    first = await asyncio.to_thread(opened, tmp_path)
    await first.submit(scan())
    await first.forget([(1, 1)])
    await first.close()
    second = await asyncio.to_thread(opened, tmp_path)
    await second.submit(scan())
    assert [row.seq for row in await second.pending(after_seq=0)] == [2]
    await second.close()


async def test_the_clock_starts_where_the_journal_ended(tmp_path: Path) -> None:
    hand = HandClock()
    first = await asyncio.to_thread(opened, tmp_path, hand)
    await first.submit(scan(hand.clock.now()))
    await first.close()
    woken = HandClock(wall_ms=1_000_000)  # 1970: a board without a battery
    second = await asyncio.to_thread(opened, tmp_path, woken)
    assert woken.clock.now().at_ms >= hand.wall_ms
    await second.close()


async def test_news_wakes_who_waits_for_it(journal: Journal) -> None:
    waiting = asyncio.create_task(journal.wait_news(0))
    await asyncio.sleep(0)
    await journal.submit(scan())
    assert await waiting == 1
    assert await journal.wait_news(0) == 1


async def test_readers_see_what_was_answered_and_cannot_write(journal: Journal) -> None:
    await journal.submit(scan())
    count = await journal.read(lambda db: db.execute("SELECT COUNT(*) FROM outbox").fetchone()[0])
    assert count == 1
    with pytest.raises(Exception, match="readonly"):
        await journal.read(lambda db: db.execute("DELETE FROM outbox"))


async def test_a_second_process_is_told_that_the_journal_is_taken(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "journal.sqlite.lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(StoregateError, match="in use"):
        await asyncio.to_thread(opened, tmp_path)
    os.close(lock)


async def test_closed_and_busy_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.journal.journal.MAX_WAITING", 3)
    journal = await asyncio.to_thread(opened, tmp_path)
    answers = await asyncio.gather(*(journal.submit(scan()) for _ in range(5)), return_exceptions=True)
    assert [a.reason for a in answers if isinstance(a, JournalRefusedError)] == [Refusal.BUSY, Refusal.BUSY]
    await journal.close()
    await journal.close()
    with pytest.raises(JournalRefusedError) as refused:
        await journal.submit(scan())
    assert refused.value.reason is Refusal.CLOSED


async def test_a_cancelled_caller_harms_nobody(journal: Journal) -> None:
    leaving = asyncio.create_task(journal.submit(scan()))
    await asyncio.sleep(0)
    leaving.cancel()
    await journal.submit(scan())
    with pytest.raises(asyncio.CancelledError):
        await leaving
