"""Vouchers: so many minutes from the first use on, so many bytes over all sessions, so many devices at once.

The journal knows the hash of a code, keyed with a secret of the gateway. Like a session a voucher in use runs on the
monotonic clock while the machine is up.
"""

from __future__ import annotations

from typing import NamedTuple

from edge import events as ev
from edge import telemetry as tm
from edge.access_answers import AccessRefusal, AccessWhy, VoucherBatch
from edge.clock import Stamp
from edge.store.tx import Outcome, Rows, Tx

SCHEMA = """
CREATE TABLE voucher_batch (
  batch TEXT PRIMARY KEY, made_ms INTEGER NOT NULL, minutes INTEGER NOT NULL, max_bytes INTEGER,
  devices INTEGER NOT NULL, valid_to_ms INTEGER NOT NULL, voided INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE voucher (
  hash TEXT PRIMARY KEY, batch TEXT NOT NULL, boot_id TEXT, to_mono_ms INTEGER, to_ms INTEGER,
  used_bytes INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX voucher_batch_of ON voucher (batch);
"""
MAX_VOUCHERS = 100_000
MAX_BATCHES = 1_000
MEGABYTE = 1_000_000
MINUTE_MS = 60_000
KEEP_MS = 30 * 86_400_000
"""Used up, it is told from one that never was for so long."""


class Voucher(NamedTuple):
    hash: str
    batch: str
    boot_id: str | None
    to_mono_ms: int | None
    to_ms: int | None
    """None: not used yet."""
    used_bytes: int
    minutes: int
    max_bytes: int | None
    devices: int
    valid_to_ms: int
    voided: int

    def left_ms(self, at: Stamp) -> int:
        """0 or less: it is over."""
        if self.to_ms is None or self.to_mono_ms is None:
            return self.minutes * MINUTE_MS if at.at_ms <= self.valid_to_ms else 0
        return self.to_mono_ms - at.monotonic_ms if at.boot_id == self.boot_id else self.to_ms - at.at_ms

    @property
    def left_bytes(self) -> int | None:
        return None if self.max_bytes is None else max(0, self.max_bytes - self.used_bytes)

    def over(self, at: Stamp) -> bool:
        return bool(self.voided) or self.left_ms(at) <= 0 or self.left_bytes == 0


def voucher(db: Rows, hashed: str) -> Voucher | None:
    row = db.execute(
        "SELECT hash, batch, boot_id, to_mono_ms, to_ms, used_bytes, minutes, max_bytes, devices, valid_to_ms, voided"
        " FROM voucher JOIN voucher_batch USING (batch) WHERE hash = ?",
        (hashed,),
    ).fetchone()
    return None if row is None else Voucher(*row)


def begin(db: Rows, found: Voucher, at: Stamp) -> None:
    """Its first use; later ones change nothing."""
    if found.to_ms is None:
        left_ms = found.minutes * MINUTE_MS
        db.execute(
            "UPDATE voucher SET boot_id = ?, to_mono_ms = ?, to_ms = ? WHERE hash = ?",
            (at.boot_id, at.monotonic_ms + left_ms, at.at_ms + left_ms, found.hash),
        )


def use(db: Rows, hashed: str, count: int) -> bool:
    """Counts bytes; whether there are none left."""
    db.execute("UPDATE voucher SET used_bytes = used_bytes + ? WHERE hash = ?", (count, hashed))
    found = voucher(db, hashed)
    return found is not None and found.left_bytes == 0


def move(db: Rows, at: Stamp) -> None:
    """The wall clock was set."""
    db.execute(
        "UPDATE voucher SET to_ms = ? + to_mono_ms WHERE boot_id = ? AND to_mono_ms > ?",
        (at.at_ms - at.monotonic_ms, at.boot_id, at.monotonic_ms),
    )


def made(event: ev.VouchersMade, tx: Tx) -> Outcome:
    """VoucherBatch, or AccessRefusal FULL. A batch that is there already is not made again."""
    if (known := batch(tx.db, event.batch)) is not None:
        return Outcome(reply=known)
    (vouchers,) = tx.db.execute("SELECT COUNT(*) FROM voucher").fetchone()
    (batches_,) = tx.db.execute("SELECT COUNT(*) FROM voucher_batch").fetchone()
    if vouchers + len(event.hashes) > MAX_VOUCHERS or batches_ >= MAX_BATCHES:
        return Outcome(reply=AccessRefusal(why=AccessWhy.FULL))
    max_bytes = event.megabytes * MEGABYTE or None
    tx.db.execute(
        "INSERT INTO voucher_batch VALUES (?, ?, ?, ?, ?, ?, 0)",
        (event.batch, event.at.at_ms, event.minutes, max_bytes, event.devices, event.valid_to_ms),
    )
    for hashed in event.hashes:
        tx.db.execute("INSERT INTO voucher (hash, batch) VALUES (?, ?)", (hashed, event.batch))
    news = tm.VouchersMade(
        batch=event.batch,
        count=len(event.hashes),
        minutes=event.minutes,
        megabytes=event.megabytes,
        devices=event.devices,
        valid_to_ms=event.valid_to_ms,
    )
    tx.tell(news, at=event.at, subject=event.batch)
    return Outcome(reply=batch(tx.db, event.batch))


def void(db: Rows, name: str) -> list[str]:
    """The batch is worth nothing from now on; hashes of those in use."""
    db.execute("UPDATE voucher_batch SET voided = 1 WHERE batch = ?", (name,))
    rows = db.execute("SELECT hash FROM voucher WHERE batch = ? AND to_ms IS NOT NULL", (name,)).fetchall()
    return [row[0] for row in rows]


def batch(db: Rows, name: str) -> VoucherBatch | None:
    return next(iter(_batches(db, name)), None)


def batches(db: Rows) -> tuple[VoucherBatch, ...]:
    """All that are kept, the newest first."""
    return _batches(db, None)


def _batches(db: Rows, name: str | None) -> tuple[VoucherBatch, ...]:
    rows = db.execute(
        "SELECT batch, made_ms, minutes, max_bytes, devices, valid_to_ms, voided, COUNT(hash), COUNT(to_ms)"
        " FROM voucher_batch JOIN voucher USING (batch) WHERE ?1 IS NULL OR batch = ?1"
        " GROUP BY batch ORDER BY made_ms DESC, batch",
        (name,),
    ).fetchall()
    return tuple(
        VoucherBatch(
            batch=batch_,
            made_ms=made_ms,
            count=count,
            used=used,
            minutes=minutes,
            megabytes=(max_bytes or 0) // MEGABYTE,
            devices=devices,
            valid_to_ms=valid_to_ms,
            voided=bool(voided),
        )
        for batch_, made_ms, minutes, max_bytes, devices, valid_to_ms, voided, count, used in rows
    )


def forget(db: Rows, *, at_ms: int, limit: int) -> None:
    """Batches of which none can be used any more, for a month now. Who is on by one all the same, for the clock was
    set by months meanwhile, stays on.
    """
    row = db.execute(
        "SELECT batch FROM voucher_batch WHERE valid_to_ms + minutes * ? < ? AND batch NOT IN"
        " (SELECT batch FROM access_session JOIN voucher ON voucher.hash = access_session.voucher) LIMIT 1",
        (MINUTE_MS, at_ms - KEEP_MS),
    ).fetchone()
    if row is None:
        return
    db.execute("DELETE FROM voucher WHERE hash IN (SELECT hash FROM voucher WHERE batch = ? LIMIT ?)", (*row, limit))
    if db.execute("SELECT 1 FROM voucher WHERE batch = ?", row).fetchone() is None:
        db.execute("DELETE FROM voucher_batch WHERE batch = ?", row)
