"""Sessions that are over but for their last bytes: what was used since the kernel was counted last.

A session's row goes, with its MAC, when it ends; what is left of it waits here for the gate's last count, so that
nobody uses more than they may by coming and going. The count comes with the gate's answer, within milliseconds; while
the gate is down it is waited for for `WAIT_MS`, and then the session ends with what is known.
"""

from __future__ import annotations

from typing import Any

import msgspec

from edge.access_answers import LeftReason, Way
from edge.clock import Stamp
from edge.store.access_rows import Session
from edge.store.tx import Rows

SCHEMA = """
CREATE TABLE access_ended (
  n INTEGER PRIMARY KEY, mark INTEGER NOT NULL, session TEXT NOT NULL, holder TEXT NOT NULL, visitor TEXT NOT NULL,
  device TEXT NOT NULL, way TEXT NOT NULL, voucher TEXT NOT NULL, marketing INTEGER NOT NULL, reason TEXT NOT NULL,
  seconds INTEGER NOT NULL, boot_id TEXT NOT NULL, ended_mono_ms INTEGER NOT NULL, up_bytes INTEGER NOT NULL,
  down_bytes INTEGER NOT NULL, run TEXT NOT NULL, run_up INTEGER NOT NULL, run_down INTEGER NOT NULL
);
CREATE INDEX access_ended_mark ON access_ended (mark);
"""
WAIT_MS = 600_000
"""As long as the gate remembers whose time is over."""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    n: int | None = None
    mark: int
    session: str
    holder: str
    visitor: str
    device: str
    way: Way
    voucher: str
    marketing: bool
    reason: LeftReason
    seconds: int
    boot_id: str
    """The boot that the kernel's counters are of."""
    ended_mono_ms: int
    up_bytes: int
    down_bytes: int
    run: str
    run_up: int
    run_down: int


_FIELDS = Ended.__struct_fields__
_SELECT = f"SELECT {', '.join(_FIELDS)} FROM access_ended"  # noqa: S608 - our own names
_INSERT = f"INSERT INTO access_ended ({', '.join(_FIELDS)}) VALUES ({', '.join('?' * len(_FIELDS))})"  # noqa: S608


def add(db: Rows, row: Session, at: Stamp, reason: LeftReason, *, seconds: int) -> None:
    ended = Ended(
        mark=row.mark,
        session=row.session,
        holder=row.holder,
        visitor=row.visitor,
        device=row.device,
        way=row.way,
        voucher=row.voucher,
        marketing=row.marketing,
        reason=reason,
        seconds=seconds,
        boot_id=row.boot_id,
        ended_mono_ms=at.monotonic_ms,
        up_bytes=row.up_bytes,
        down_bytes=row.down_bytes,
        run=row.run,
        run_up=row.run_up,
        run_down=row.run_down,
    )
    values = dict(zip(_FIELDS, msgspec.structs.astuple(ended), strict=True))
    db.execute(_INSERT, tuple({**values, "way": row.way.value, "reason": reason.value}.values()))


def drop(db: Rows, ended: Ended) -> None:
    db.execute("DELETE FROM access_ended WHERE n = ?", (ended.n,))


def of_mark(db: Rows, mark: int) -> list[Ended]:
    """The oldest first: a phone that goes on by another way keeps its mark."""
    return _all(db.execute(f"{_SELECT} WHERE mark = ? ORDER BY n", (mark,)))


def waited_for(db: Rows, at: Stamp, *, limit: int) -> list[Ended]:
    """Long enough, or in vain: counters are gone with their boot."""
    where = "WHERE boot_id != ? OR ended_mono_ms <= ? ORDER BY n LIMIT ?"
    return _all(db.execute(f"{_SELECT} {where}", (at.boot_id, at.monotonic_ms - WAIT_MS, limit)))


def set_counts(db: Rows, ended: Ended) -> None:
    db.execute(
        "UPDATE access_ended SET up_bytes = ?, down_bytes = ?, run = ?, run_up = ?, run_down = ? WHERE n = ?",
        (ended.up_bytes, ended.down_bytes, ended.run, ended.run_up, ended.run_down, ended.n),
    )


def _all(found: Any) -> list[Ended]:
    return [_ended(dict(zip(_FIELDS, row, strict=True))) for row in found]


def _ended(row: dict[str, Any]) -> Ended:
    row |= {"way": Way(row["way"]), "reason": LeftReason(row["reason"]), "marketing": bool(row["marketing"])}
    return Ended(**row)
