"""Full, read-only, failing and damaged disks under the real journal: refused with a reason, back by itself."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from edge import telemetry as tm
from edge.errors import JournalRefusedError, Refusal, StoregateError
from edge.events import DeviceFound
from edge.ids import DeviceId
from edge.journal import Journal
from edge.shop import Shop
from tests import given_disk
from tests.edge.test_journal import opened, scan
from tests.given import HandClock, stamp

MIB = 1024 * 1024


def big_news(n: int = 0) -> DeviceFound:
    return DeviceFound(at=stamp(), device=DeviceId(f"d{n}"), kind="x" * 50_000)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with given_disk.small_disk(tmp_path) as folder:
        yield folder


@pytest.fixture
async def on_small_disk(small_disk: Path) -> AsyncIterator[tuple[Journal, Path]]:
    journal = await asyncio.to_thread(opened, small_disk)
    yield journal, small_disk
    await journal.close()


async def submit_until_refused(journal: Journal, at_most: int = 2000) -> JournalRefusedError:
    for _ in range(at_most):
        try:
            await journal.submit(scan())
        except JournalRefusedError as error:
            return error
    raise AssertionError("it was never refused")


async def test_a_full_disk_refuses_and_comes_back_when_space_does(on_small_disk: tuple[Journal, Path]) -> None:
    journal, folder = on_small_disk
    before = [(await journal.submit(scan()), journal.last_seq)[1] for _ in range(5)]
    await asyncio.to_thread(given_disk.fill, folder)
    refused = await submit_until_refused(journal)
    assert refused.reason is Refusal.DISK_FULL
    assert refused.hint
    assert (await journal.stats()).refusing is Refusal.DISK_FULL
    assert [row.seq for row in await journal.pending(after_seq=0)][:5] == before
    last = journal.last_seq
    await asyncio.to_thread(given_disk.empty, folder)
    await journal.submit(scan())
    stats = await journal.stats()
    assert (journal.last_seq, stats.refusing, stats.max_bytes) == (last + 1, None, Shop().outbox_max_bytes)
    seqs = [row.seq for row in await journal.pending(after_seq=0, limit=5000)]
    assert seqs == list(range(1, last + 2))


async def test_on_a_full_disk_diagnostics_go_and_their_loss_is_written(on_small_disk: tuple[Journal, Path]) -> None:
    journal, folder = on_small_disk
    for n in range(40):
        await journal.submit(big_news(n))
    await asyncio.to_thread(given_disk.fill, folder)
    taken = 0
    for _ in range(300):
        await journal.submit(scan())
        taken += 1
    assert taken == 300
    stats = await journal.stats()
    gone = stats.lost_total[tm.Kept.DIAGNOSTIC, "outbox_full"]
    assert gone > 0
    rows = await journal.pending(after_seq=0, limit=5000, max_bytes=100 * MIB)
    losses = [msgspec.json.decode(row.body, type=tm.RecordsLost) for row in rows if row.type == tm.RecordsLost.TYPE]
    assert sum(loss.count for loss in losses) == gone
    lost = {seq for loss in losses for each in loss.ranges for seq in range(each.first, each.last + 1)}
    assert lost | {row.seq for row in rows} == set(range(1, journal.last_seq + 1))


async def test_below_the_floor_the_outbox_does_not_grow(small_disk: Path) -> None:
    journal = await asyncio.to_thread(opened, small_disk, None, free_floor_bytes=64 * MIB)
    refused = await submit_until_refused(journal, 2)
    assert refused.reason is Refusal.DISK_FULL
    await journal.close()


@pytest.fixture
def dying_disk(tmp_path: Path) -> Iterator[Path]:
    """An ext4 that `remount,abort` turns read-only, as the kernel does at the first error of a worn-out card."""
    image, folder = tmp_path / "image", tmp_path / "card"
    folder.mkdir()
    for command in (
        ["truncate", "-s", "16M", image],
        ["mkfs.ext4", "-q", "-E", "nodiscard", image],
        ["mount", "-o", "loop", image, folder],
    ):
        done = subprocess.run(command, capture_output=True)
        if done.returncode:
            pytest.skip(f"an ext4 of its own needs root and a loop device: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_a_disk_that_turns_read_only_is_said_and_survived(dying_disk: Path) -> None:
    journal = await asyncio.to_thread(opened, dying_disk)
    await journal.submit(scan())
    remount = await asyncio.create_subprocess_exec("mount", "-o", "remount,abort", dying_disk)
    await remount.wait()
    for _ in range(3):
        refused = await submit_until_refused(journal, 1)
        assert refused.reason in {Refusal.READ_ONLY, Refusal.IO_ERROR}
        assert refused.hint
    assert (await journal.stats()).refusing is refused.reason
    await journal.close()


async def test_a_file_made_read_only_is_said_and_survived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = await asyncio.to_thread(opened, tmp_path)
    await journal.submit(scan())
    writer = journal._writer
    await asyncio.to_thread(writer._db_now().execute, "PRAGMA query_only = ON")
    refused = await submit_until_refused(journal, 1)
    assert refused.reason is Refusal.READ_ONLY
    await journal.submit(scan())
    assert [row.seq for row in await journal.pending(after_seq=0)] == [1, 2]
    await journal.close()


async def test_an_io_error_costs_its_group_only(tmp_path: Path) -> None:
    """RLIMIT_FSIZE makes every write beyond it fail with EFBIG, which SQLite tells as an I/O error or a full disk."""
    journal = await asyncio.to_thread(opened, tmp_path)
    await journal.submit(scan())
    wal = (tmp_path / "journal.sqlite-wal").stat().st_size
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (wal, hard))
        refused = await submit_until_refused(journal, 50)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert refused.reason in {Refusal.IO_ERROR, Refusal.DISK_FULL}
    last = journal.last_seq
    await journal.submit(scan())
    assert journal.last_seq == last + 1
    await journal.close()


def damage(path: Path, how: str) -> None:
    match how:
        case "not a database":
            path.write_bytes(b"hello, I am no journal" * 1000)
        case "torn":
            data = bytearray(path.read_bytes())
            data[4096 : 4096 * 6] = os.urandom(4096 * 5)
            path.write_bytes(data)
        case "cut":
            path.write_bytes(path.read_bytes()[:5000])
        case "empty":
            path.write_bytes(b"")
        case "gone":
            path.unlink()
        case "somebody else's":
            path.unlink()
            db = sqlite3.connect(path)
            db.execute("CREATE TABLE photos (x)")
            db.close()


@pytest.mark.parametrize("how", ["not a database", "torn", "cut", "empty", "gone", "somebody else's"])
async def test_a_damaged_journal_is_put_aside_and_told_first(tmp_path: Path, how: str) -> None:
    path = tmp_path / "journal.sqlite"
    first = await asyncio.to_thread(opened, tmp_path)
    for _ in range(20):
        await first.submit(scan())
    await first.close()
    await asyncio.to_thread(damage, path, how)
    (tmp_path / "journal.sqlite-wal").write_bytes(b"stale")
    second = await asyncio.to_thread(opened, tmp_path)
    assert second.replaced is not None
    assert second.epoch != first.epoch
    [row] = await second.pending(after_seq=0)
    told = msgspec.json.decode(row.body, type=tm.JournalReplaced)
    assert (row.seq, row.type) == (1, "journal.replaced.v1")
    assert told == second.replaced
    assert (told.old_epoch, bool(told.problem)) == (first.epoch, True)
    assert (tmp_path / told.kept_as).exists()
    await second.submit(scan())
    await second.close()
    third = await asyncio.to_thread(opened, tmp_path)
    assert (third.replaced, third.epoch) == (None, second.epoch)
    await third.close()


def list_names(folder: Path, part: str) -> list[str]:
    return [path.name for path in folder.iterdir() if part in path.name]


async def test_few_broken_journals_are_kept(tmp_path: Path) -> None:
    hand = HandClock()
    for _ in range(6):
        journal = await asyncio.to_thread(opened, tmp_path, hand)
        await journal.close()
        hand.forward(60_000)
        await asyncio.to_thread(damage, tmp_path / "journal.sqlite", "not a database")
    assert len(list_names(tmp_path, ".broken-")) == 3


async def test_a_newer_journal_is_left_alone(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "journal.sqlite")
    db.execute("PRAGMA user_version = 99")
    db.execute("CREATE TABLE journal (x)")
    db.close()
    with pytest.raises(StoregateError, match="newer release"):
        await asyncio.to_thread(opened, tmp_path)
    assert "journal.sqlite" in list_names(tmp_path, "journal")


WORKER = """
import asyncio, sys
from pathlib import Path
from tests import given_disk
from tests.edge.test_journal import opened, scan

async def main() -> None:
    journal = await asyncio.to_thread(opened, Path(sys.argv[1]))
    async def caller() -> None:
        while True:
            await journal.submit(scan())
            print(journal.last_seq, flush=True)
    await asyncio.gather(*(caller() for _ in range(10)))

asyncio.run(main())
"""


async def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    known = 0
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", WORKER, str(tmp_path), stdout=asyncio.subprocess.PIPE, env={**os.environ}
        )
        assert process.stdout is not None
        for _ in range(300):
            known = max(known, int(await process.stdout.readline()))
        process.kill()
        rest = await process.stdout.read()
        known = max([known, *(int(line) for line in rest.split(b"\n")[:-1])])
        await process.wait()
        journal = await asyncio.to_thread(opened, tmp_path)
        assert journal.replaced is None
        assert journal.last_seq >= known
        rows = await journal.pending(after_seq=0, limit=10**6, max_bytes=10**9)
        assert [row.seq for row in rows] == list(range(1, journal.last_seq + 1))
        await journal.close()
