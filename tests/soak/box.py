"""What runs on the forgetful disk: the gateway's own storage, kept busy. Says on standard output what it was promised.

    python -m tests.soak.box journal FOLDER --seed 7 [--again KEYS.json]

Each line is JSON: `{"did": "issued", "key": …, "serial": …}` is written after the promise, `asking`, `putting`,
`forgetting` before the deed. Ends when the disk fails (`{"did": "failed"}`), or after `--rounds`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sqlite3
import sys
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import TypeVar

import msgspec

from edge import events as ev
from edge.catalogue import FILE_NAME, import_file
from edge.clock import Clock
from edge.coupon_answers import Issued, Redeemed, Reserved
from edge.documents import Documents
from edge.errors import JournalRefusedError, StoregateError
from edge.ids import CampaignId, DeviceId, Serial, StationId
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.shop import Campaign, CouponKind, Shop
from edge.store import Outcome
from edge.tokens import SERIAL_BYTES, serial_text

A = TypeVar("A")
CALLERS = 6
PATIENCE = 40
"""Refusals in a row, of all callers together."""
GTINS = tuple(f"69{number:010d}" for number in range(40))
DAY_MS = 86_400_000
CAMPAIGN = CampaignId("milk")


def say(did: str, **facts: object) -> None:
    """One write: a line is in the pipe whole, or not at all."""
    os.write(sys.stdout.fileno(), msgspec.json.encode({"did": did, **facts}) + b"\n")


# --- the journal ------------------------------------------------------------------------------------------


def shop() -> Shop:
    now_ms = int(time.time() * 1000)
    milk = Campaign(
        id=CAMPAIGN,
        name_zh="牛奶减三元",
        name_en="3 yuan off milk",
        kind=CouponKind.CASH,
        value=300,
        starts_ms=now_ms - DAY_MS,
        ends_ms=now_ms + 30 * DAY_MS,
        stock=1_000_000,
        per_member=0,
    )
    return Shop(campaigns={CAMPAIGN: milk})


class Counter:
    """Everybody who asks the journal for something, and the bridge that empties its outbox."""

    def __init__(self, journal: Journal, clock: Clock, seed: int) -> None:
        self._journal = journal
        self._clock = clock
        self._random = Random(seed)
        self._life = f"{seed:x}"
        self._scans = 0
        self._refusals = 0

    async def run(self, again: list[str], rounds: int) -> None:
        await self._grant()
        await self._journal.read(lambda db: db.execute("SELECT COUNT(*) FROM coupon").fetchone())  # as pages do
        async with asyncio.TaskGroup() as group:
            carrier = group.create_task(self._carry())
            shares = [again[number::CALLERS] for number in range(CALLERS)]
            callers = [group.create_task(self._customers(number, share, rounds)) for number, share in enumerate(shares)]
            await asyncio.wait(callers)
            carrier.cancel()

    async def _grant(self) -> None:
        grant = ev.GrantReceived(
            at=self._clock.now(),
            grant_id="g1",
            campaign=CAMPAIGN,
            units=900_000,
            value_cap_fen=0,
            not_after_ms=4_000_000_000_000,
            seq=1,
        )
        await self._submit(grant)

    async def _customers(self, number: int, again: list[str], rounds: int) -> None:
        for key in (*again, *(f"{self._life}-{number}-{n}" for n in range(rounds))):
            await self._scan(number)
            await self._coupon(key)

    async def _coupon(self, key: str) -> None:
        say("asking", key=key)
        fresh = Serial(serial_text(self._random.randbytes(SERIAL_BYTES)))
        asked = ev.CouponAsked(at=self._clock.now(), request_key=key, campaign=CAMPAIGN, serial=fresh, via="cli")
        issued = await self._ask(asked, Issued)
        say("issued", key=key, serial=issued.serial)
        if zlib.crc32(key.encode()) % 3 == 0:
            return
        till = StationId("till-1")
        at = self._clock.now()
        await self._ask(
            ev.ReserveAsked(at=at, key=f"till-1/{key}", serial=issued.serial, campaign=CAMPAIGN, till=till), Reserved
        )
        redeemed = await self._ask(ev.CommitAsked(at=self._clock.now(), key=f"till-1/{key}", till=till), Redeemed)
        say("redeemed", key=key, serial=redeemed.serial)

    async def _scan(self, number: int) -> None:
        self._scans += 1
        item = f"{self._life}-{self._scans}"
        code = ev.Code(kind=ev.CodeKind.EMBEDDED, value=item, item=item)
        device = DeviceId(f"scanner-{number}")
        await self._submit(ev.CodeScanned(at=self._clock.now(), device=device, transport=ev.Transport.FAKE, code=code))
        say("scanned", item=item)

    async def _ask(self, event: ev.Event, kind: type[A]) -> A:
        reply = (await self._submit(event)).reply
        if not isinstance(reply, kind):
            say("refused", event=type(event).__name__, reply=repr(reply))
            raise TypeError(f"{type(event).__name__} was answered with {reply!r}")
        return reply

    async def _submit(self, event: ev.Event) -> Outcome:
        """Asks again when it is refused: one fsync may fail. A disk that takes nothing any more ends it."""
        while True:
            try:
                outcome = await self._journal.submit(event)
            except JournalRefusedError:
                self._refusals += 1
                if self._refusals > PATIENCE:
                    raise
                await asyncio.sleep(0.005)
            else:
                self._refusals = 0
                return outcome

    async def _carry(self) -> None:
        """The cloud hears rows, and lets the gateway forget half of them."""
        cursor = 0
        while True:
            await self._journal.wait_news(cursor)
            await asyncio.sleep(self._random.uniform(0, 0.02))
            try:
                rows = await self._journal.pending(after_seq=cursor)
            except JournalRefusedError:
                continue  # the callers find out whether it is for good
            if not rows:
                continue
            say("sent", rows=[(row.seq, zlib.crc32(row.body), fact(row.type, row.body)) for row in rows])
            cursor = rows[-1].seq
            if self._random.random() < 0.5:
                say("forgetting", first=rows[0].seq, last=cursor)
                with contextlib.suppress(JournalRefusedError):
                    await self._journal.forget([(rows[0].seq, cursor)])


def fact(kind: str, body: bytes) -> str:
    """What a row is about: `coupon.issued.v1 SERIAL`."""
    told = msgspec.json.decode(body)
    return f"{kind} {told.get('serial') or told.get('item') or ''}"


def journal(folder: Path, given: argparse.Namespace) -> None:
    clock = Clock()
    opened = _opened(folder / "journal.sqlite", clock)
    if opened.replaced is not None:
        say("replaced", problem=opened.replaced.problem)
    again = msgspec.json.decode(given.again.read_bytes(), type=list[str]) if given.again else []
    _run(lambda: Counter(opened, clock, given.seed).run(again, given.rounds))


def _opened(path: Path, clock: Clock) -> Journal:
    """A start that fails is tried again, as systemd does."""
    starts = 5
    while True:
        try:
            return Journal.open(path, shop=shop(), clock=clock, free_floor_bytes=1 << 20)
        except StoregateError:
            starts -= 1
            if not starts:
                raise


# --- documents, catalogue, and SQLite as it should not be used --------------------------------------------


def documents(folder: Path, given: argparse.Namespace) -> None:
    """Generation after generation of one set; all its items are of one generation."""
    opened = Documents.open(folder)
    say("opened", problem=opened.problem)

    async def put() -> None:
        for number in range(given.first, given.first + given.rounds):
            say("putting", number=number)
            title = f"generation {number}"
            items = [{"id": f"slide-{index}", "title_zh": title, "title_en": title} for index in range(30)]
            await opened.put("slides", list(items), by="cli")
            say("put", number=number)

    _run(put)


def catalogue(folder: Path, given: argparse.Namespace) -> None:
    """Imports price lists; all prices of one list are the same."""
    for number in range(given.first, given.first + given.rounds):
        source = given.work / f"prices-{number}.csv"
        lines = [f"{with_check(gtin)},商品{index},Goods {index},{number}" for index, gtin in enumerate(GTINS)]
        source.write_text("\n".join(["gtin,name_zh,name_en,price_fen", *lines, ""]), "utf-8")
        say("putting", number=number)
        import_file(source, folder / FILE_NAME, progress=lambda _done, _total: None)
        say("put", number=number)


def with_check(twelve: str) -> str:
    """An EAN-13 of its first twelve digits."""
    total = sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(twelve))
    return f"{twelve}{-total % 10}"


def keys(folder: Path, given: argparse.Namespace) -> None:
    opened = GatewayKeys.open(folder)
    say("opened", holder=opened.holder("member", "somebody"), public=opened.public.hex(), short=opened.short.hex())


def sqlite(folder: Path, given: argparse.Namespace) -> None:
    db = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA synchronous = {given.synchronous}")
    db.execute("CREATE TABLE IF NOT EXISTS kept (number INTEGER PRIMARY KEY, text TEXT)")
    for number in range(given.first, given.first + given.rounds):
        db.execute("INSERT INTO kept VALUES (?, ?)", (number, f"{number} " * 40))
        say("put", number=number)


# --- the program ------------------------------------------------------------------------------------------


def _run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await work()

    asyncio.run(main())


def _end() -> None:
    """No tidying up: the power is off, or will be at once."""
    os._exit(0)


def main() -> None:
    works = {"journal": journal, "documents": documents, "catalogue": catalogue, "keys": keys, "sqlite": sqlite}
    parser = argparse.ArgumentParser()
    parser.add_argument("work_on", choices=works)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", type=Path, help="keys that were asked and not answered")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--work", type=Path, help="a folder on a disk that remembers")
    parser.add_argument("--synchronous", default="FULL")
    given = parser.parse_args()
    try:
        works[given.work_on](given.folder, given)
    except (StoregateError, OSError, sqlite3.Error) as error:
        say("failed", problem=str(error))
    except ExceptionGroup as group:
        if group.split(StoregateError)[1] is not None:
            raise
        say("failed", problem=str(group.exceptions[0]))
    else:
        say("finished")
    _end()


if __name__ == "__main__":
    main()
