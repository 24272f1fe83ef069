"""The oracle: the reference reader's database against what callers heard and what the journal says. Blocking."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from cloud_bridge.consumer.tables import Account, Tables
from tests.soak.load import Load


class Verdict(NamedTuple):
    produced: int
    received: int
    recorded_lost: int
    missing: int
    lost: int
    """Acknowledged to a caller, and not in the cloud."""
    doubled: int
    """Effects that the cloud has twice, or that nobody asked for."""
    redeemed_twice: int
    resent: int
    """Came twice over the wire, and were recognised."""
    details: tuple[str, ...]

    @property
    def good(self) -> bool:
        return not (self.missing or self.lost or self.doubled or self.redeemed_twice or self.details)


def waiting(journal: Path, cloud: Path) -> int:
    """Rows of the journal that the cloud does not have yet."""
    try:
        with closing(_read_only(journal)) as db:
            (last_seq,) = db.execute("SELECT last_seq FROM journal").fetchone()
        with closing(_read_only(cloud)) as db:
            (through,) = db.execute("SELECT COALESCE(MAX(through), 0) FROM stream").fetchone()
    except sqlite3.OperationalError:
        return -1
    return int(last_seq - through)


def judge(journal: Path, cloud: Path, load: Load) -> Verdict:
    """After the daemon has ended. Every question has been answered by then, so effects and answers are the same set."""
    with closing(_read_only(journal)) as db:
        epoch, last_seq = db.execute("SELECT epoch, last_seq FROM journal").fetchone()
        left = {seq for (seq,) in db.execute("SELECT seq FROM outbox")}
    with closing(sqlite3.connect(cloud)) as db:
        tables = Tables(db, mark="?", blob="BLOB")
        accounts = [tables.account(stream) for stream in tables.streams()]
        issued = _serials(db, "storegate.coupon.issued.v1")
        redeemed = _serials(db, "storegate.coupon.redeemed.v1")
        scans = _count(db, "SELECT COUNT(*) FROM event WHERE type = 'storegate.code.scanned.v1'")
        dead = _count(db, "SELECT COUNT(*) FROM dead")
        copies = _count(db, "SELECT COUNT(*) - COUNT(DISTINCT source || epoch || seq) FROM event")
    heard_issued, heard_redeemed = Counter(load.issued.values()), Counter(load.redeemed.values())
    effects = (*_against(heard_issued, issued), *_against(heard_redeemed, redeemed))
    details = [*load.wrong[:10], *_accounts(accounts, epoch, last_seq, left)]
    details += [f"{dead} messages could not be read"] if dead else []
    details += [f"{scans} scans from {load.scans}"] if scans > load.scans else []
    details += [text for _, text in effects][:10]
    return Verdict(
        produced=last_seq,
        received=sum(account.stream.received for account in accounts),
        recorded_lost=sum(account.lost for account in accounts),
        missing=sum(account.missing_count for account in accounts),
        lost=sum(what == "lost" for what, _ in effects),
        doubled=sum(what == "doubled" for what, _ in effects) + copies,
        redeemed_twice=sum(count > 1 for count in redeemed.values())
        + sum(count > 1 for count in heard_redeemed.values()),
        resent=sum(account.stream.duplicates for account in accounts),
        details=tuple(details),
    )


def _against(heard: Counter[str], got: Counter[str]) -> Iterator[tuple[str, str]]:
    for serial in heard:
        if got[serial] == 0:
            yield "lost", f"{serial} was acknowledged and never reached the cloud"
        elif got[serial] > 1:
            yield "doubled", f"{serial} is {got[serial]} times in the cloud"
    for serial in got.keys() - heard.keys():
        yield "doubled", f"{serial} is in the cloud and was given to nobody: a second effect of one question"


def _accounts(accounts: list[Account], epoch: str, last_seq: int, left: set[int]) -> Iterator[str]:
    if [account.stream.epoch for account in accounts] != [epoch]:
        yield f"the cloud knows the epochs {[account.stream.epoch for account in accounts]}, the journal is {epoch}"
    for account in accounts:
        stream = account.stream
        unsent = [seq for seq in left if seq > stream.last_seq]
        if stream.last_seq + len(unsent) != last_seq:
            yield f"the journal ends at {last_seq}, the cloud at {stream.last_seq}, {len(unsent)} wait"
        if account.before:
            yield f"{account.before} numbers were let go of before the cloud had them"
        if stream.received + account.lost + account.missing_count != stream.last_seq:
            yield f"the account of {stream.source} does not add up: {account}"


def _serials(db: sqlite3.Connection, kind: str) -> Counter[str]:
    rows = db.execute("SELECT json_extract(data, '$.serial') FROM event WHERE type = ?", (kind,))
    return Counter(serial for (serial,) in rows)


def _count(db: sqlite3.Connection, sql: str) -> int:
    return int(db.execute(sql).fetchone()[0])


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
