"""The daemon is killed, again and again, while people work; so are the broker and the cloud's reader."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from edge.demo.peers import Program
from tests.peers.broker import need_mosquitto
from tests.soak.cloud import Verdict, judge, waiting
from tests.soak.conftest import Told
from tests.soak.load import Load
from tests.soak.shop import Shop, opened

pytestmark = [pytest.mark.soak, pytest.mark.peer, pytest.mark.allow_blocking]
LOOK_EVERY = 20
"""Kills between two looks at the dead journal: the ledger, and SQLite's own check."""
SETTLE_S = 150.0
"""Two patiences of the bridge for a watermark, and a bit."""
FINISH_S = 60.0


async def test_nothing_that_was_acknowledged_is_lost_to_kills(folder: Path, seed: int, kills: int, told: Told) -> None:
    need_mosquitto()
    random = Random(seed)
    told.begin("kills", kills)
    async with opened(folder, random) as shop:
        load = Load(shop, random)
        async with asyncio.TaskGroup() as group:
            people = group.create_task(load.run())
            others = [
                group.create_task(disturb(shop.broker, random, every_s=(6, 18), down_s=(0.1, 3))),
                group.create_task(disturb(shop.reader, random, every_s=(5, 15), down_s=(0.1, 2))),
            ]
            for number in range(kills):
                await kill(shop, load, random)
                if (number + 1) % LOOK_EVERY == 0:
                    await look_at_the_dead(shop)
                began_s = time.monotonic()
                await shop.start_box()
                if random.random() < 0.85:
                    await shop.until_ready(began_s)
                told.step(number + 1, kills, figures(load, shop))
            await shop.until_ready(time.monotonic())
            for task in others:
                task.cancel()
            await asyncio.wait(others)
            deaths = [0 if task.cancelled() else task.result() for task in others]
            for program in (shop.broker, shop.reader):
                if not program.running:
                    await program.start()
            load.close()
            async with asyncio.timeout(FINISH_S):
                await people
        await settle(shop)
        verdict = await judged(shop, load)
    told.say(summary(verdict, load, shop, kills=kills, deaths=deaths, seed=seed))
    assert verdict.good, verdict.details
    assert load.acknowledged


async def kill(shop: Shop, load: Load, random: Random) -> None:
    """At a random moment, or right when somebody has heard an answer: then its fsync is as fresh as can be."""
    await asyncio.sleep(random.uniform(0.5, 2.5) if random.random() < 0.8 else random.uniform(0, 0.5))
    if random.random() < 0.4:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await load.next_answer()
    await shop.kill_box()


async def disturb(
    program: Program, random: Random, *, every_s: tuple[float, float], down_s: tuple[float, float]
) -> int:
    """Kills another program now and then, until cancelled; how often."""
    deaths = 0
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(random.uniform(*every_s))
            await program.stop(signal.SIGKILL)
            deaths += 1
            await asyncio.sleep(random.uniform(*down_s))
            await program.start()
    return deaths


async def look_at_the_dead(shop: Shop) -> None:
    assert not (problem := await shop.ledger_is_whole()), problem
    with closing(sqlite3.connect(f"file:{shop.journal}?mode=ro", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


async def settle(shop: Shop) -> None:
    """Waits until the cloud has all there is; the daemon may still say something about itself meanwhile."""
    ends_s, calm = time.monotonic() + SETTLE_S, 0
    while time.monotonic() < ends_s and calm < 3:
        await asyncio.sleep(0.5)
        calm = calm + 1 if waiting(shop.journal, shop.cloud) == 0 else 0


async def judged(shop: Shop, load: Load) -> Verdict:
    assert await shop.box.stop() == 0, shop.box.tail()
    await asyncio.sleep(1)  # its farewell reaches the reader
    await shop.reader.stop()
    assert not (problem := await shop.ledger_is_whole()), problem
    return judge(shop.journal, shop.cloud, load)


def figures(load: Load, shop: Shop) -> str:
    return (
        f"kills, {load.acknowledged} acknowledged, {load.unanswered} calls cut off, "
        f"longest restart {shop.longest_start_s:.1f} s"
    )


def summary(verdict: Verdict, load: Load, shop: Shop, *, kills: int, deaths: list[int], seed: int) -> str:
    return (
        f"kill: {kills} kills of the daemon, {deaths[0]} of the broker, {deaths[1]} of the reader; "
        f"{load.calls} calls, {load.unanswered} without an answer and asked again, {load.refused} put off; "
        f"acknowledged {load.acknowledged} ({len(load.issued)} issued, {len(load.redeemed)} redeemed), "
        f"lost {verdict.lost}, doubled {verdict.doubled}, redeemed twice {verdict.redeemed_twice}; "
        f"produced {verdict.produced}, received {verdict.received}, recorded as lost {verdict.recorded_lost}, "
        f"missing {verdict.missing}, sent again and recognised {verdict.resent}; "
        f"longest restart {shop.longest_start_s:.1f} s; seed {seed}"
    )
