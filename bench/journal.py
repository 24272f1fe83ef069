"""Durable events a second: rule, rows and outbox in one commit, beside what one would use instead.

A scan at a station is the event: one outbox row, one effect. `raw` is this disk's own fsync of 8 kB, the floor under
all of it. TinyDB keeps its outbox in one JSON file that it rewrites for each event, here with an fsync added, since
without one it promises nothing. synchronous=NORMAL is fast and loses what the disk had not yet: 8.6 % of the
acknowledged events in a simulated power cut.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import msgspec
from tinydb import TinyDB

from bench.row import Row
from edge import events as ev
from edge.clock import Clock
from edge.ids import DeviceId, Gtin, StationId
from edge.journal import Journal
from edge.shop import Shop

EVENTS = 30_000
CALLERS = 100
ALONE = 300
TINY = 300
WAITING = 1_000
"""Rows that wait already while TinyDB adds its own: an hour offline."""
HOLD = 10_000
HOLD_ALONE = 3.0
CODE = ev.Code(kind=ev.CodeKind.GTIN, value="06901234567892", gtin=Gtin("06901234567892"), aim="]E0")


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="storegate-bench-", dir=_disk()) as name:
        folder = Path(name)
        _say("journal: fsync of this disk")
        raw_ms = raw_fsync_ms(folder)
        yield Row(part="journal", what="fsync of 8 kB, median", by="raw", value=raw_ms, unit="ms")
        _say(f"journal: {EVENTS} events, {CALLERS} callers")
        busy, per_commit = asyncio.run(_journal(folder / "full", callers=CALLERS, events=EVENTS))
        note = f"{per_commit:.0f} events a commit, synchronous=FULL"
        what = f"durable events, {CALLERS} callers"
        yield Row(part="journal", what=what, value=EVENTS / busy, unit="/s", hold=HOLD, at_least=True, note=note)
        weak, _ = asyncio.run(_journal(folder / "normal", callers=CALLERS, events=EVENTS, weak=True))
        note = "not durable: a power cut takes acknowledged events"
        yield Row(part="journal", what=what, by="synchronous=NORMAL", value=EVENTS / weak, unit="/s", note=note)
        _say("journal: TinyDB")
        tiny_ms = tiny_outbox_ms(folder)
        note = f"{WAITING} rows waiting; the file is rewritten for each event"
        yield Row(part="journal", what=what, by="TinyDB outbox", value=1000 / tiny_ms, unit="/s", note=note)
        _say("journal: one lone caller")
        alone, _ = asyncio.run(_journal(folder / "alone", callers=1, events=ALONE))
        raw_ms = (raw_ms + raw_fsync_ms(folder)) / 2
        alone_ms = alone / ALONE * 1000
        what = "one lone caller, one event"
        note = f"{alone_ms / raw_ms:.1f} × one fsync"
        yield Row(part="journal", what=what, value=alone_ms, unit="ms", hold=HOLD_ALONE * raw_ms, note=note)
        yield Row(part="journal", what=what, by="TinyDB outbox", value=tiny_ms, unit="ms")
        yield Row(part="journal", what="clock.now()", value=_stamp_us(), unit="µs")


def raw_fsync_ms(folder: Path) -> float:
    """Overwriting 8 kB of a file that is there, then fsync: what a WAL commit of one event comes to."""
    handle = os.open(folder / "raw", os.O_RDWR | os.O_CREAT)
    os.write(handle, bytes(8192 * 64))
    os.fsync(handle)
    took: list[float] = []
    for turn in range(200):
        began = time.perf_counter()
        os.pwrite(handle, b"x" * 8192, 8192 * (turn % 64))
        os.fsync(handle)
        took.append(time.perf_counter() - began)
    os.close(handle)
    return median(took) * 1000


def tiny_outbox_ms(folder: Path) -> float:
    """Milliseconds an event for TinyDB as an outbox."""
    path = folder / "tiny.json"
    body = msgspec.json.encode(_scan(Clock())).decode()
    with TinyDB(path) as database:
        database.insert_multiple({"seq": seq, "body": body} for seq in range(WAITING))
        began = time.perf_counter()
        for seq in range(TINY):
            database.insert({"seq": seq, "body": body})
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
        return (time.perf_counter() - began) / TINY * 1000


async def _journal(folder: Path, *, callers: int, events: int, weak: bool = False) -> tuple[float, float]:
    """Seconds for the events, and events a commit."""
    clock = Clock()
    journal = await asyncio.to_thread(partial(Journal.open, folder / "journal.sqlite", shop=Shop(), clock=clock))
    if weak:
        await asyncio.to_thread(journal._writer._db_now().execute, "PRAGMA synchronous = NORMAL")  # noqa: SLF001

    async def caller(count: int) -> None:
        for _ in range(count):
            await journal.submit(_scan(clock))

    await asyncio.gather(*(caller(10) for _ in range(callers)))
    before, began = await journal.stats(), time.perf_counter()
    await asyncio.gather(*(caller(events // callers) for _ in range(callers)))
    took_s, after = time.perf_counter() - began, await journal.stats()
    await journal.close()
    return took_s, (after.events - before.events) / (after.commits - before.commits)


def _scan(clock: Clock) -> ev.CodeScanned:
    at, device = clock.now(), DeviceId("dock-1")
    return ev.CodeScanned(at=at, device=device, transport=ev.Transport.FAKE, code=CODE, station=StationId("k1"))


def _stamp_us() -> float:
    clock, count = Clock(), 50_000
    began = time.perf_counter()
    for _ in range(count):
        clock.now()
    return (time.perf_counter() - began) / count * 1e6


def _disk() -> str | None:
    """A folder on a disk: /tmp may be memory, where an fsync costs nothing. STOREGATE_BENCH_DIR overrides it."""
    return os.environ.get("STOREGATE_BENCH_DIR") or ("out" if Path("out").is_dir() else None)


def _say(text: str) -> None:
    sys.stderr.write(text + " …\n")
