"""What a journal notices of itself: commits that a flipped bit took away, files that somebody removed."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from edge import events as ev
from edge import telemetry as tm
from edge.board import Board
from edge.errors import JournalRefusedError, Refusal
from edge.journal import Journal
from edge.journal.head import Head
from edge.liveness import problem
from tests import given_disk
from tests.edge.test_journal import opened, scan
from tests.edge.test_journal_faults import submit_until_refused
from tests.edge.test_journal_starts import copy_files
from tests.given import stamp

NAME = "journal.sqlite"


def flip_a_bit(log: Path) -> None:
    """In the page of the third last frame: the last commits are behind it."""
    data = bytearray(log.read_bytes())
    data[len(data) - 3 * 4120 + 2000] ^= 1
    log.write_bytes(data)


async def killed(folder: Path, events: int) -> tuple[Path, Journal]:
    """The files of a journal as kill -9 leaves them."""
    journal = await asyncio.to_thread(opened, folder)
    for _ in range(events):
        await journal.submit(scan())
    await asyncio.to_thread(copy_files, folder, folder / "dead")
    await journal.close()
    return folder / "dead", journal


async def test_commits_that_a_flipped_bit_took_away_are_told_and_their_numbers_stay_used(tmp_path: Path) -> None:
    dead, first = await killed(tmp_path, 20)
    await asyncio.to_thread(flip_a_bit, dead / f"{NAME}-wal")
    second = await asyncio.to_thread(opened, dead)
    assert second.replaced is not None
    assert "gone from the log" in second.replaced.problem
    assert second.replaced.kept_as in [path.name for path in dead.iterdir()]
    assert second.epoch == first.epoch
    rows = await second.pending(after_seq=0)
    kept = [row.seq for row in rows if row.type == "code.scanned.v1"]
    assert kept == list(range(1, len(kept) + 1))
    assert 0 < len(kept) < 20
    [told] = [row for row in rows if row.type == tm.JournalReplaced.TYPE]
    assert told.seq > 20
    assert msgspec.json.decode(told.body, type=tm.JournalReplaced) == second.replaced
    [lost] = [msgspec.json.decode(row.body, type=tm.RecordsLost) for row in rows if row.type == tm.RecordsLost.TYPE]
    assert (lost.reason, lost.count) == ("damaged", 20 - len(kept))
    assert [(span.first, span.last) for span in lost.ranges] == [(len(kept) + 1, told.seq - 1)]
    last = second.last_seq
    await second.close()
    third = await asyncio.to_thread(opened, dead)
    assert (third.replaced, third.epoch, third.last_seq) == (None, first.epoch, last)
    await third.close()


async def test_a_log_that_was_removed_is_told(tmp_path: Path) -> None:
    dead, _ = await killed(tmp_path, 5)
    (dead / f"{NAME}-wal").unlink()
    # all of it was in the log: what is left is an empty file, or one without these events
    journal = await asyncio.to_thread(opened, dead)
    assert journal.replaced is not None
    await journal.close()


async def test_a_mark_that_is_behind_damaged_or_of_another_epoch_is_no_alarm(tmp_path: Path) -> None:
    dead, first = await killed(tmp_path, 5)
    for text in (b"", b"x" * 64, f"{first.epoch} {3:020d} 00000000\n".encode(), b"0123456789ab 99 1\n"):
        (dead / f"{NAME}.head").write_bytes(text)
        journal = await asyncio.to_thread(opened, dead)
        assert (journal.replaced, journal.last_seq) == (None, 5)
        await journal.close()
    head = Head(dead / f"{NAME}.head")
    head.write("0123456789ab", 99)
    head.close()
    journal = await asyncio.to_thread(opened, dead)
    assert journal.replaced is None
    await journal.submit(scan())
    head = Head(dead / f"{NAME}.head")
    assert (head.read(journal.epoch), head.read("0123456789ab")) == (6, 0)
    head.close()
    await journal.close()


async def test_after_a_clean_end_all_is_in_the_file(tmp_path: Path) -> None:
    journal = await asyncio.to_thread(opened, tmp_path)
    for _ in range(5):
        await journal.submit(scan())
    await journal.read(lambda db: db.execute("SELECT 1 FROM outbox").fetchall())  # the reader is open too
    await journal.close()
    log = tmp_path / f"{NAME}-wal"
    assert not log.exists() or not log.stat().st_size
    (tmp_path / "alone").mkdir()
    (tmp_path / NAME).rename(tmp_path / "alone" / NAME)
    with closing(sqlite3.connect(tmp_path / "alone" / NAME)) as db:
        assert db.execute("SELECT last_seq FROM journal").fetchone() == (5,)


@pytest.mark.parametrize("which", ["", "-wal", ".lock"])
async def test_files_that_are_removed_under_the_gateway_end_its_writing(tmp_path: Path, which: str) -> None:
    journal = await asyncio.to_thread(opened, tmp_path)
    await journal.submit(scan())
    assert problem(Board(), journal) == ""
    (tmp_path / f"{NAME}{which}").unlink()
    for _ in range(2):
        with pytest.raises(JournalRefusedError, match="removed or replaced") as refused:
            await journal.submit(ev.TimePassed(at=stamp()))
        assert refused.value.reason is Refusal.IO_ERROR
        assert "restart" in refused.value.hint
    assert (await journal.stats()).refusing is Refusal.IO_ERROR
    assert "removed or replaced" in problem(Board(), journal)
    await journal.close()
    assert not (tmp_path / f"{NAME}{which}").exists()


async def test_a_file_that_was_replaced_is_not_ours(tmp_path: Path) -> None:
    journal = await asyncio.to_thread(opened, tmp_path)
    await journal.submit(scan())
    (tmp_path / NAME).rename(tmp_path / "old")
    (tmp_path / NAME).write_bytes(b"")
    refused = await submit_until_refused(journal, 1)
    assert "replaced" in str(refused)
    await journal.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with given_disk.small_disk(tmp_path) as folder:
        yield folder


async def test_a_full_disk_is_said_until_a_write_went_through_with_room_to_spare(small_disk: Path) -> None:
    journal = await asyncio.to_thread(opened, small_disk)
    await asyncio.to_thread(given_disk.fill, small_disk)
    await submit_until_refused(journal)
    for _ in range(20):
        with contextlib.suppress(JournalRefusedError):
            await journal.submit(ev.TimePassed(at=stamp()))  # it may be taken: the reserve gives way
        assert (await journal.stats()).refusing is Refusal.DISK_FULL
    await asyncio.to_thread(given_disk.empty, small_disk)
    await journal.submit(ev.TimePassed(at=stamp()))
    assert (await journal.stats()).refusing is None
    await journal.close()
