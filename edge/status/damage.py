"""What a start found broken, and what that means for the shop: for the log, the status page and `storegate doctor`.

Damage that nobody hears of is found by a shopper. What is told here stays told until the next start; the files that
were put aside tell it for as long as they lie there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from edge.documents import Documents
from edge.journal import Journal
from edge.keys import GatewayKeys

ASIDE = ("journal.sqlite.broken-*", "documents.json.broken")
MEANS = {
    "coupon.key": "the QR codes of coupons that are out can't be read any more",
    "short.key": "the short codes of coupons that are out are refused",
    "guest.key": "phones no longer show the coupons that were taken with them",
    "beacon.key": "printed zone codes are refused, print them anew; rotating beacons have other ids",
    "wifi.key": "vouchers that are out are refused, and sealed records of guests' sessions can't be opened",
}


class Damage(NamedTuple):
    code: str
    """`admin.finding_{code}` are its words."""
    where: str
    text: str
    hint: str


async def found(journal: Journal, documents: Documents, keys: GatewayKeys) -> AsyncIterator[Damage]:
    """Of this start."""
    for damage in (*_journal(journal), *_documents(documents)):
        yield damage
    for name in keys.made:
        if out := await journal.read(partial(missed, name=name)):
            text = f"keys/{name} was gone and a new one was made: {MEANS[name]} ({out} are out)"
            yield Damage("damage_keys", "keys", text, "stop the gateway and put keys/ back from the backup")


def missed(db: sqlite3.Connection, *, name: str) -> int:
    """How much of the journal needs this key: coupons, or vouchers and sealed records. 0: nobody misses it."""
    if name != "wifi.key":
        return outstanding(db)
    try:
        row = db.execute("SELECT (SELECT COUNT(*) FROM voucher) + (SELECT COUNT(*) FROM access_record)").fetchone()
    except sqlite3.OperationalError:
        return 0  # of a release that had no guest Wi-Fi
    return int(row[0])


def outstanding(db: sqlite3.Connection) -> int:
    """Coupons that guests hold."""
    row = db.execute("SELECT SUM(units) FROM ledger_account WHERE account = 'outstanding'").fetchone()
    return int(row[0] or 0)


def kept(state: Path) -> tuple[str, ...]:
    """Files that were put aside because they were damaged. Blocking; a folder that can't be read has none."""
    try:
        names = {path.name for pattern in ASIDE for path in state.glob(pattern)}
    except OSError:
        return ()
    return tuple(sorted({name.removesuffix("-shm").removesuffix("-wal") for name in names}))


def _journal(journal: Journal) -> Iterator[Damage]:
    replaced = journal.replaced
    if replaced is None:
        return
    aside = f"; kept as {replaced.kept_as}" if replaced.kept_as else ""
    hint = "check the SD card; tell support"
    if replaced.old_epoch == journal.epoch:
        text = f"the journal was damaged: {replaced.problem}{aside}"
        yield Damage("damage_journal_end", "journal", text, hint)
    else:
        text = f"the journal was damaged ({replaced.problem}) and a new, empty one began{aside}"
        yield Damage("damage_journal", "journal", text, hint)


def _documents(documents: Documents) -> Iterator[Damage]:
    if documents.problem:
        hint = "see them with storegate documents get; put them again with storegate documents put"
        yield Damage("damage_documents", "documents", documents.problem, hint)
