"""Starts of the journal that were cut off, by a kill or a power cut, and what the next start makes of them."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from edge import telemetry as tm
from edge.clock import Clock
from edge.errors import StoregateError
from edge.journal import file
from edge.store import schema
from tests.edge.test_journal import opened, scan
from tests.given import HandClock

NAME = "journal.sqlite"


def start_cut_off(folder: Path, clock: Clock) -> None:
    """A start that ends once the file is open, before the journal's first words."""
    held = file.lock(folder / NAME)
    file.open_file(folder / NAME, held, clock).db.close()
    os.close(held)


def damage(folder: Path) -> None:
    (folder / NAME).write_bytes(b"not a database, not even nearly" * 400)


async def test_a_first_start_that_was_cut_off_is_no_damage(tmp_path: Path) -> None:
    db = await asyncio.to_thread(file.connect, tmp_path / NAME)
    await asyncio.to_thread(file.migrate, db)  # the last step that is one transaction of its own
    db.close()
    journal = await asyncio.to_thread(opened, tmp_path)
    assert journal.replaced is None
    assert len(journal.epoch) == 12
    await journal.close()


async def test_what_a_cut_off_start_did_not_tell_the_next_one_tells_once(tmp_path: Path, hand_clock: HandClock) -> None:
    first = await asyncio.to_thread(opened, tmp_path)
    await first.close()
    damage(tmp_path)
    await asyncio.to_thread(start_cut_off, tmp_path, hand_clock.clock)
    second = await asyncio.to_thread(opened, tmp_path)
    assert second.replaced is not None
    [row] = await second.pending(after_seq=0)
    told = msgspec.json.decode(row.body, type=tm.JournalReplaced)
    assert (row.seq, told, told.old_epoch) == (1, second.replaced, first.epoch)
    assert (tmp_path / told.kept_as).exists()
    await second.close()
    third = await asyncio.to_thread(opened, tmp_path)
    assert (third.replaced, third.epoch) == (None, second.epoch)
    await third.close()


async def test_starts_that_were_cut_off_do_not_push_out_the_broken_journal(tmp_path: Path) -> None:
    hand = HandClock()
    first = await asyncio.to_thread(opened, tmp_path, hand)
    await first.close()
    damage(tmp_path)
    for _ in range(6):
        await asyncio.to_thread(start_cut_off, tmp_path, hand.clock)
        hand.forward(60_000)
        (tmp_path / NAME).write_bytes(b"")  # all that a power cut left of the new one
    assert broken(tmp_path) == [b"not a"]


def broken(folder: Path) -> list[bytes]:
    return [path.read_bytes()[:5] for path in folder.iterdir() if ".broken-" in path.name]


async def test_the_log_of_a_dead_process_is_on_the_disk_before_anything_is_built_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be whole in memory only: an fsync that failed is told once, to a process that is gone."""
    first = await asyncio.to_thread(opened, tmp_path)
    await first.submit(scan())
    dead = tmp_path / "dead"
    await asyncio.to_thread(copy_files, tmp_path, dead)  # as kill -9 leaves them
    await first.close()
    before = (dead / f"{NAME}-wal").read_bytes()
    assert before

    def no_sync(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_sync)
        with pytest.raises(StoregateError, match="write-ahead log"):
            await asyncio.to_thread(opened, dead)
    assert (dead / f"{NAME}-wal").read_bytes() == before
    second = await asyncio.to_thread(opened, dead)
    assert (second.epoch, second.last_seq) == (first.epoch, first.last_seq)
    await second.close()


def copy_files(source: Path, target: Path) -> None:
    target.mkdir()
    for path in source.glob(f"{NAME}*"):
        shutil.copy(path, target)


async def test_a_journal_of_an_older_version_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = await asyncio.to_thread(opened, tmp_path)
    await older.submit(scan())
    before = (older.epoch, older.last_seq)
    await older.close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "CREATE TABLE of_the_next_release (n INTEGER);"))
    newer = await asyncio.to_thread(opened, tmp_path)
    assert (newer.epoch, newer.last_seq, newer.replaced) == (*before, None)
    count = await newer.read(lambda db: db.execute("SELECT count(*) FROM of_the_next_release").fetchone())
    assert tuple(count) == (0,)
    await newer.close()
