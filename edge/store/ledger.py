"""The coupons' book: double entry, append only, hash-chained.

Theory of operation. Each entry moves `units` of one campaign from one account to another:

    stock → unallocated → available → outstanding → redeemed | expired | voided | gifted
              (the cloud's)  (granted)   (issued)
    stock → elsewhere → honoured          other shops' coupons, redeemed here inside the offline budget (risk class B)

`stock` is the contra account: minus the units the campaign has. So the sum over all accounts is 0 for ever; every
other account never goes below zero (CHECK); a serial is issued once and ends once (UNIQUE); no row is ever changed or
removed (triggers); and each row's hash covers the row and the hash before it, so a head (number, hash) that the cloud
has seen pins down all that came before.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec

from edge.store.tx import Rows


class Account(StrEnum):
    STOCK = "stock"
    UNALLOCATED = "unallocated"
    AVAILABLE = "available"
    OUTSTANDING = "outstanding"
    REDEEMED = "redeemed"
    EXPIRED = "expired"
    VOIDED = "voided"
    GIFTED = "gifted"
    ELSEWHERE = "elsewhere"
    HONOURED = "honoured"


ENDS = (Account.REDEEMED, Account.EXPIRED, Account.VOIDED, Account.GIFTED, Account.HONOURED)
"""Where a serial's life ends."""

SCHEMA = """
CREATE TABLE ledger (
  n INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, campaign TEXT NOT NULL, serial TEXT,
  source TEXT NOT NULL, target TEXT NOT NULL, units INTEGER NOT NULL CHECK (units > 0),
  value_fen INTEGER NOT NULL CHECK (value_fen >= 0), ref TEXT NOT NULL, hash BLOB NOT NULL CHECK (length(hash) = 32)
);
CREATE UNIQUE INDEX ledger_issued_once ON ledger (serial) WHERE target = 'outstanding';
CREATE UNIQUE INDEX ledger_ends_once ON ledger (serial)
  WHERE target IN ('redeemed', 'expired', 'voided', 'gifted', 'honoured');
CREATE TRIGGER ledger_is_not_changed BEFORE UPDATE ON ledger
  BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END;
CREATE TRIGGER ledger_is_not_cut BEFORE DELETE ON ledger
  BEGIN SELECT RAISE(ABORT, 'the ledger is append only'); END;
CREATE TABLE ledger_account (
  campaign TEXT NOT NULL, account TEXT NOT NULL, units INTEGER NOT NULL, value_fen INTEGER NOT NULL,
  PRIMARY KEY (campaign, account), CHECK (units >= 0 OR account = 'stock')
) WITHOUT ROWID;
"""

GENESIS = bytes(32)
"""The hash before the first entry."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One line of the book. Its canonical bytes are the JSON array of these fields in this order."""

    n: int
    at_ms: int
    campaign: str
    serial: str | None
    source: Account
    target: Account
    units: int
    value_fen: int
    ref: str
    """What caused it: a grant's id, a reservation's key, a reason."""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The newest entry: who has seen it can tell a book that was turned back."""

    n: int
    hash: str
    """Hexadecimal."""


def post(
    db: Rows,
    *,
    at_ms: int,
    campaign: str,
    source: Account,
    target: Account,
    units: int = 1,
    serial: str | None = None,
    value_fen: int = 0,
    ref: str = "",
) -> Head:
    """Writes one entry. sqlite3.IntegrityError where it would break a rule of the book: nothing is written."""
    n, before = _newest(db)
    entry = Entry(
        n=n + 1,
        at_ms=at_ms,
        campaign=campaign,
        serial=serial,
        source=source,
        target=target,
        units=units,
        value_fen=value_fen,
        ref=ref,
    )
    chained = link(before, entry)
    db.execute(
        "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (entry.n, at_ms, campaign, serial, str(source), str(target), units, value_fen, ref, chained),
    )
    _add(db, campaign=campaign, account=source, units=-units, value_fen=0)
    _add(db, campaign=campaign, account=target, units=units, value_fen=value_fen)
    return Head(n=entry.n, hash=chained.hex())


def link(before: bytes, entry: Entry) -> bytes:
    return hashlib.sha256(before + msgspec.json.encode(entry)).digest()


def balance(db: Rows, campaign: str, account: Account) -> int:
    return _account(db, campaign, account)[0]


def spent_fen(db: Rows, campaign: str, account: Account) -> int:
    """Money that left through an account."""
    return _account(db, campaign, account)[1]


def head(db: Rows) -> Head:
    n, newest = _newest(db)
    return Head(n=n, hash=newest.hex())


def _newest(db: Rows) -> tuple[int, bytes]:
    row = db.execute("SELECT n, hash FROM ledger ORDER BY n DESC LIMIT 1").fetchone()
    return (0, GENESIS) if row is None else (row[0], bytes(row[1]))


def _account(db: Rows, campaign: str, account: Account) -> tuple[int, int]:
    row = db.execute(
        "SELECT units, value_fen FROM ledger_account WHERE campaign = ? AND account = ?", (campaign, str(account))
    ).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def _add(db: Rows, *, campaign: str, account: Account, units: int, value_fen: int) -> None:
    had_units, had_fen = _account(db, campaign, account)
    db.execute(
        "INSERT OR REPLACE INTO ledger_account VALUES (?, ?, ?, ?)",
        (campaign, str(account), had_units + units, had_fen + value_fen),
    )
