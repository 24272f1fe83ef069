"""What a box was promised over its whole life, through many cuts, and whether a journal keeps it."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from edge.clock import Clock
from edge.journal import Journal
from edge.store import ledger_check
from tests.soak.box import fact, shop


class History:
    """`hear` takes what the box said before a cut; `problems` looks at what survived it."""

    def __init__(self) -> None:
        self.issued: dict[str, str] = {}
        """Request key → serial."""
        self.redeemed: dict[str, str] = {}
        self.scanned: set[str] = set()
        self.sent: dict[int, tuple[int, str]] = {}
        """Sequence number → (checksum, what it is about), as the cloud heard it."""
        self.forgotten: set[int] = set()
        """Numbers that the box was allowed to forget; it may still have them."""
        self.asked: set[str] = set()

    @property
    def promises(self) -> int:
        return len(self.issued) + len(self.redeemed) + len(self.scanned)

    @property
    def unanswered(self) -> list[str]:
        return sorted(self.asked - self.issued.keys())

    def hear(self, said: list[dict[str, Any]]) -> list[str]:
        """Contradictions."""
        found: list[str] = []
        for line in said:
            match line["did"]:
                case "asking":
                    self.asked.add(line["key"])
                case "issued" | "redeemed":
                    known = self.issued if line["did"] == "issued" else self.redeemed
                    before = known.setdefault(line["key"], line["serial"])
                    if before != line["serial"]:
                        found.append(f"{line['did']} {line['key']}: {before}, then {line['serial']}")
                case "scanned":
                    self.scanned.add(line["item"])
                case "replaced":
                    found.append(f"the journal was put aside: {line['problem']}")
                case "sent":
                    found += [text for row in line["rows"] for text in self._sent(*row)]
                case "forgetting":
                    self.forgotten.update(range(line["first"], line["last"] + 1))
        return found

    def _sent(self, seq: int, checksum: int, what: str) -> Iterator[str]:
        before = self.sent.setdefault(seq, (checksum, what))
        if before != (checksum, what):
            yield f"number {seq} was sent as {before[1]!r} and as {what!r}"

    def problems(self, survivors: Path, place: Path) -> list[str]:
        """Opens a copy as the daemon would after the cut. Blocking."""
        shutil.copytree(survivors, place)
        path = place / "journal.sqlite"
        journal = Journal.open(path, shop=shop(), clock=Clock(), free_floor_bytes=1 << 20)
        replaced = journal.replaced
        asyncio.run(journal.close())
        if replaced is not None:
            return [f"the journal was put aside: {replaced.problem}"]
        with closing(sqlite3.connect(path)) as db:
            return [*self._ledger(db), *self._rows(db), *self._outbox(db)]

    def _ledger(self, db: sqlite3.Connection) -> Iterator[str]:
        report = ledger_check.verify(db)
        yield from (f"ledger: {fault}" for fault in report.faults)

    def _rows(self, db: sqlite3.Connection) -> Iterator[str]:
        serials = dict(db.execute("SELECT request_key, serial FROM coupon"))
        states = dict(db.execute("SELECT serial, state FROM coupon"))
        for key, serial in self.issued.items():
            if serials.get(key) != serial:
                yield f"coupon {serial} of {key} is lost ({serials.get(key)})"
        for key, serial in self.redeemed.items():
            if states.get(serial) != "redeemed":
                yield f"the redemption of {serial} by {key} is lost ({states.get(serial)})"
        if strangers := serials.keys() - self.asked:
            yield f"coupons that nobody asked for: {sorted(strangers)[:5]}"

    def _outbox(self, db: sqlite3.Connection) -> Iterator[str]:
        (last_seq,) = db.execute("SELECT last_seq FROM journal").fetchone()
        if self.sent and last_seq < max(self.sent):
            yield f"the cloud has number {max(self.sent)}, the journal ends at {last_seq}"
        told: Counter[str] = Counter()
        for seq, kind, body in db.execute("SELECT seq, type, body FROM outbox"):
            checksum, what = zlib.crc32(body), fact(kind, body)
            told[what] += 1
            if self.sent.get(seq, (checksum, what)) != (checksum, what):
                yield f"number {seq} was {self.sent[seq][1]!r} to the cloud and is {what!r} now"
            if seq > last_seq:
                yield f"number {seq} is beyond the journal's last, {last_seq}"
        gone = Counter(what for seq, (_, what) in self.sent.items() if seq in self.forgotten and not _has(db, seq))
        told += gone
        wanted = [f"coupon.issued.v1 {serial}" for serial in self.issued.values()]
        wanted += [f"coupon.redeemed.v1 {serial}" for serial in self.redeemed.values()]
        wanted += [f"code.scanned.v1 {item}" for item in self.scanned]
        yield from (f"{what} is told {told[what]} times" for what in wanted if told[what] != 1)


def _has(db: sqlite3.Connection, seq: int) -> bool:
    return db.execute("SELECT 1 FROM outbox WHERE seq = ?", (seq,)).fetchone() is not None
