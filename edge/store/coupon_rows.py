"""The rows coupons live in beside the ledger, and the one place that reads and writes them."""

from __future__ import annotations

from typing import NamedTuple

from edge.clock import Stamp
from edge.coupon_answers import CouponState
from edge.ids import Serial
from edge.store.tx import Rows

SCHEMA = """
CREATE TABLE coupon_grant (
  id TEXT PRIMARY KEY, campaign TEXT NOT NULL, units INTEGER NOT NULL, value_cap_fen INTEGER NOT NULL,
  not_after_ms INTEGER NOT NULL, seq INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  units_left INTEGER NOT NULL CHECK (units_left >= 0), fen_left INTEGER CHECK (fen_left >= 0),
  UNIQUE (campaign, seq)
) WITHOUT ROWID;
CREATE INDEX coupon_grant_open ON coupon_grant (not_after_ms) WHERE units_left > 0;
CREATE TABLE coupon (
  n INTEGER PRIMARY KEY, serial TEXT NOT NULL UNIQUE, campaign TEXT NOT NULL, holder TEXT NOT NULL,
  state TEXT NOT NULL, here INTEGER NOT NULL, grant_id TEXT NOT NULL, request_key TEXT UNIQUE,
  from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  ended_ms INTEGER, ended_at TEXT NOT NULL DEFAULT '', hold_key TEXT
);
CREATE INDEX coupon_holder ON coupon (holder, campaign) WHERE holder <> '';
CREATE INDEX coupon_runs_out ON coupon (to_ms) WHERE state = 'outstanding';
CREATE INDEX coupon_open ON coupon (campaign, n) WHERE state IN ('outstanding', 'held');
CREATE TABLE coupon_hold (
  key TEXT PRIMARY KEY, serial TEXT NOT NULL, till TEXT NOT NULL, state TEXT NOT NULL, boot_id TEXT NOT NULL,
  until_ms INTEGER NOT NULL, until_monotonic_ms INTEGER NOT NULL, held_fen INTEGER NOT NULL,
  answer BLOB NOT NULL, closing BLOB, asked TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX coupon_hold_open ON coupon_hold (until_ms) WHERE state = 'held';
CREATE TABLE coupon_void (
  n INTEGER PRIMARY KEY, campaign TEXT NOT NULL, up_to INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  reason TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0
);
"""
_COUPON = "n, serial, campaign, holder, state, here, grant_id, from_ms, to_ms, at_ms, ended_ms, ended_at, hold_key"
_HOLD = "key, serial, till, state, boot_id, until_ms, until_monotonic_ms, held_fen, answer, closing, asked"


class CouponRow(NamedTuple):
    n: int
    serial: Serial
    campaign: str
    holder: str
    state: CouponState
    here: bool
    """Issued by this gateway."""
    grant_id: str
    from_ms: int
    to_ms: int
    at_ms: int
    ended_ms: int | None
    ended_at: str
    hold_key: str | None


class HoldRow(NamedTuple):
    """One reservation asked for, for ever: it is the memory of what that key was answered."""

    key: str
    serial: Serial
    till: str
    state: str
    """held | lapsed | committed | released | refused"""
    boot_id: str
    until_ms: int
    until_monotonic_ms: int
    held_fen: int
    answer: bytes
    closing: bytes | None
    asked: str = ""
    """Sum and holder that were asked with; empty in rows of a release that did not write it."""

    def lapsed(self, now: Stamp) -> bool:
        """Measured on the monotonic clock while the machine is up, else on the wall clock."""
        if self.boot_id == now.boot_id:
            return now.monotonic_ms >= self.until_monotonic_ms
        return now.at_ms >= self.until_ms


def coupon(db: Rows, serial: str) -> CouponRow | None:
    return _coupon(db.execute(f"SELECT {_COUPON} FROM coupon WHERE serial = ?", (serial,)).fetchone())  # noqa: S608


def coupon_by_request(db: Rows, request_key: str) -> CouponRow | None:
    return _coupon(
        db.execute(f"SELECT {_COUPON} FROM coupon WHERE request_key = ?", (request_key,)).fetchone()  # noqa: S608
    )


def coupons_of(db: Rows, holder: str, *, limit: int) -> list[CouponRow]:
    """The newest first."""
    found = db.execute(
        f"SELECT {_COUPON} FROM coupon WHERE holder = ? AND holder <> '' ORDER BY n DESC LIMIT ?",  # noqa: S608
        (holder, limit),
    )
    return [row for row in map(_coupon, found) if row is not None]


def run_out(db: Rows, *, before_ms: int, limit: int) -> list[CouponRow]:
    """Outstanding coupons whose last moment is past, the earliest first."""
    found = db.execute(
        f"SELECT {_COUPON} FROM coupon WHERE state = 'outstanding' AND to_ms < ? ORDER BY to_ms LIMIT ?",  # noqa: S608
        (before_ms, limit),
    )
    return [row for row in map(_coupon, found) if row is not None]


def still_open(db: Rows, campaign: str, *, up_to: int, limit: int) -> list[CouponRow]:
    found = db.execute(
        f"SELECT {_COUPON} FROM coupon WHERE campaign = ? AND n <= ?"  # noqa: S608
        " AND state IN ('outstanding', 'held') ORDER BY n LIMIT ?",
        (campaign, up_to, limit),
    )
    return [row for row in map(_coupon, found) if row is not None]


def _coupon(row: tuple[object, ...] | None) -> CouponRow | None:
    if row is None:
        return None
    made = CouponRow(*row)  # type: ignore[arg-type]
    return made._replace(state=CouponState(made.state), here=bool(made.here))


def add_coupon(
    db: Rows,
    *,
    serial: str,
    campaign: str,
    holder: str,
    here: bool,
    grant_id: str,
    request_key: str | None,
    from_ms: int,
    to_ms: int,
    at_ms: int,
    state: CouponState = CouponState.OUTSTANDING,
) -> None:
    db.execute(
        "INSERT INTO coupon (serial, campaign, holder, state, here, grant_id, request_key, from_ms, to_ms, at_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (serial, campaign, holder, str(state), here, grant_id, request_key, from_ms, to_ms, at_ms),
    )


def set_state(db: Rows, serial: str, state: CouponState, *, hold_key: str | None = None) -> None:
    db.execute("UPDATE coupon SET state = ?, hold_key = ? WHERE serial = ?", (str(state), hold_key, serial))


def end_coupon(db: Rows, serial: str, state: CouponState, *, at_ms: int, ended_at: str = "") -> None:
    db.execute(
        "UPDATE coupon SET state = ?, hold_key = NULL, ended_ms = ?, ended_at = ? WHERE serial = ?",
        (str(state), at_ms, ended_at, serial),
    )


def hold(db: Rows, key: str) -> HoldRow | None:
    row = db.execute(f"SELECT {_HOLD} FROM coupon_hold WHERE key = ?", (key,)).fetchone()  # noqa: S608
    return None if row is None else HoldRow(*row)


def add_hold(db: Rows, row: HoldRow) -> None:
    db.execute("INSERT INTO coupon_hold VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", tuple(row))


def close_hold(db: Rows, key: str, state: str, closing: bytes | None) -> None:
    db.execute("UPDATE coupon_hold SET state = ?, closing = ? WHERE key = ?", (state, closing, key))


def open_holds(db: Rows, *, limit: int) -> list[HoldRow]:
    found = db.execute(f"SELECT {_HOLD} FROM coupon_hold WHERE state = 'held' ORDER BY until_ms LIMIT ?", (limit,))  # noqa: S608
    return [HoldRow(*row) for row in found]


def void_order(db: Rows, row: CouponRow) -> int | None:
    """When a whole campaign's coupons, this one among them, were withdrawn; None: they were not."""
    found = db.execute(
        "SELECT at_ms FROM coupon_void WHERE campaign = ? AND up_to >= ? LIMIT 1", (row.campaign, row.n)
    ).fetchone()
    return None if found is None else int(found[0])
