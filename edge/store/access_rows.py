"""The rows that sessions of guests live in while they last, and the one place that reads and writes them.

A session runs on the monotonic clock: a wall clock that is set ends nobody and gives nobody a longer stay. Its wall
times are moved when the clock is, and carry it over a restart of the machine. The row has the phone's MAC, and goes
with the session. Marks are given in turn, so that what the kernel remembers of an old one is nobody's for years.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from edge.access_answers import Member, Standing, Way
from edge.clock import Stamp
from edge.ids import Mac
from edge.store.tx import Rows

SCHEMA = """
CREATE TABLE access_session (
  mark INTEGER PRIMARY KEY, session TEXT NOT NULL UNIQUE, mac TEXT NOT NULL UNIQUE, holder TEXT NOT NULL,
  visitor TEXT NOT NULL, device TEXT NOT NULL, way TEXT NOT NULL, voucher TEXT NOT NULL, marketing INTEGER NOT NULL,
  came_back INTEGER NOT NULL, boot_id TEXT NOT NULL, since_ms INTEGER NOT NULL, since_mono_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL, to_mono_ms INTEGER NOT NULL, heard_ms INTEGER NOT NULL, max_bytes INTEGER,
  up_bytes INTEGER NOT NULL, down_bytes INTEGER NOT NULL, run TEXT NOT NULL, run_up INTEGER NOT NULL,
  run_down INTEGER NOT NULL
);
CREATE INDEX access_session_holder ON access_session (holder);
CREATE INDEX access_session_device ON access_session (device);
CREATE INDEX access_session_voucher ON access_session (voucher) WHERE voucher != '';
CREATE TABLE access_mark (one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL);
"""
MAX_MARK = 2**31 - 1


class Session(msgspec.Struct, frozen=True, kw_only=True):
    mark: int
    session: str
    mac: Mac
    holder: str
    visitor: str
    device: str
    way: Way
    voucher: str
    """Hash of its code; empty: none."""
    marketing: bool
    came_back: bool
    boot_id: str
    """The boot that the monotonic times are of."""
    since_ms: int
    since_mono_ms: int
    to_ms: int
    to_mono_ms: int
    heard_ms: int
    """When it last was known to do something."""
    max_bytes: int | None
    up_bytes: int = 0
    down_bytes: int = 0
    run: str = ""
    """The kernel's counter that was read last, and what it said then."""
    run_up: int = 0
    run_down: int = 0

    @property
    def bytes(self) -> int:
        return self.up_bytes + self.down_bytes

    def left_ms(self, at: Stamp) -> int:
        return self.to_mono_ms - at.monotonic_ms if at.boot_id == self.boot_id else self.to_ms - at.at_ms

    def lasted_ms(self, at: Stamp) -> int:
        since = self.since_mono_ms if at.boot_id == self.boot_id else None
        return max(0, at.at_ms - self.since_ms if since is None else at.monotonic_ms - since)


_FIELDS = Session.__struct_fields__
_SELECT = f"SELECT {', '.join(_FIELDS)} FROM access_session"  # noqa: S608 - our own names
_INSERT = f"INSERT INTO access_session ({', '.join(_FIELDS)}) VALUES ({', '.join('?' * len(_FIELDS))})"  # noqa: S608


def add(db: Rows, row: Session) -> None:
    values = dict(zip(_FIELDS, msgspec.structs.astuple(row), strict=True))
    db.execute(_INSERT, tuple({**values, "mac": row.mac.colons, "way": row.way.value}.values()))


def drop(db: Rows, mark: int) -> None:
    db.execute("DELETE FROM access_session WHERE mark = ?", (mark,))


def by_mark(db: Rows, mark: int) -> Session | None:
    return _one(db.execute(f"{_SELECT} WHERE mark = ?", (mark,)))


def by_mac(db: Rows, mac: Mac) -> Session | None:
    return _one(db.execute(f"{_SELECT} WHERE mac = ?", (mac.colons,)))


def of_holder(db: Rows, holder: str) -> list[Session]:
    """The oldest first."""
    return _all(db.execute(f"{_SELECT} WHERE holder = ? ORDER BY since_ms, mark", (holder,)))


def of_device(db: Rows, device: str) -> list[Session]:
    return _all(db.execute(f"{_SELECT} WHERE device = ? ORDER BY since_ms, mark", (device,)))


def of_voucher(db: Rows, voucher: str) -> list[Session]:
    return _all(db.execute(f"{_SELECT} WHERE voucher = ?1 AND voucher != '' ORDER BY since_ms, mark", (voucher,)))


def run_out(db: Rows, at: Stamp, *, limit: int) -> list[Session]:
    where = "WHERE CASE boot_id WHEN ?1 THEN to_mono_ms <= ?2 ELSE to_ms <= ?3 END ORDER BY mark LIMIT ?4"
    return _all(db.execute(f"{_SELECT} {where}", (at.boot_id, at.monotonic_ms, at.at_ms, limit)))


def but_way(db: Rows, way: Way, *, limit: int) -> list[Session]:
    """All that came in by another way."""
    return _all(db.execute(f"{_SELECT} WHERE way != ? ORDER BY mark LIMIT ?", (way.value, limit)))


def of_other_boots(db: Rows, boot_id: str) -> list[Session]:
    return _all(db.execute(f"{_SELECT} WHERE boot_id != ? ORDER BY mark", (boot_id,)))


def count(db: Rows) -> int:
    return int(db.execute("SELECT COUNT(*) FROM access_session").fetchone()[0])


def count_way(db: Rows, way: Way) -> int:
    return int(db.execute("SELECT COUNT(*) FROM access_session WHERE way = ?", (way.value,)).fetchone()[0])


def next_mark(db: Rows) -> int:
    """One that no session has, and none had lately."""
    known = db.execute("SELECT last FROM access_mark").fetchone()
    mark = 0 if known is None else known[0]
    while True:
        mark = mark % MAX_MARK + 1
        if by_mark(db, mark) is None:
            db.execute("INSERT OR REPLACE INTO access_mark VALUES (1, ?)", (mark,))
            return mark


def set_counts(db: Rows, row: Session) -> None:
    db.execute(
        "UPDATE access_session SET heard_ms = ?, up_bytes = ?, down_bytes = ?, run = ?, run_up = ?, run_down = ?"
        " WHERE mark = ?",
        (row.heard_ms, row.up_bytes, row.down_bytes, row.run, row.run_up, row.run_down, row.mark),
    )


def set_heard(db: Rows, mark: int, at_ms: int) -> None:
    db.execute("UPDATE access_session SET heard_ms = ? WHERE mark = ?", (at_ms, mark))


def anchor(db: Rows, row: Session, at: Stamp) -> None:
    """From now on it runs on this boot's clock."""
    set_anchor = "SET boot_id = ?1, since_mono_ms = since_ms - ?2, to_mono_ms = to_ms - ?2"
    db.execute(
        f"UPDATE access_session {set_anchor} WHERE mark = ?3",
        (at.boot_id, at.at_ms - at.monotonic_ms, row.mark),
    )


def move(db: Rows, at: Stamp) -> None:
    """The wall clock was set: wall times follow the monotonic ones."""
    db.execute(
        "UPDATE access_session SET heard_ms = heard_ms + ?1 + since_mono_ms - since_ms, since_ms = ?1 + since_mono_ms,"
        " to_ms = ?1 + to_mono_ms WHERE boot_id = ?2",
        (at.at_ms - at.monotonic_ms, at.boot_id),
    )


# --- for others ------------------------------------------------------------------------------------------


def members(db: Rows) -> tuple[Member, ...]:
    """All that the gate should have let in, as it is told after it came back."""
    rows = db.execute("SELECT mac, mark, to_ms FROM access_session ORDER BY mark")
    return tuple(Member(mac=Mac(mac), mark=mark, to_ms=to_ms) for mac, mark, to_ms in rows)


def standing(db: Rows, mac: Mac) -> Standing | None:
    row = by_mac(db, mac)
    return None if row is None else _standing(row)


def standings(db: Rows) -> tuple[Standing, ...]:
    """Everybody who is on, the newest first."""
    return tuple(_standing(row) for row in _all(db.execute(f"{_SELECT} ORDER BY since_ms DESC, mark DESC")))


def _standing(row: Session) -> Standing:
    return Standing(
        session=row.session,
        mark=row.mark,
        way=row.way,
        holder=row.holder,
        since_ms=row.since_ms,
        to_ms=row.to_ms,
        max_bytes=row.max_bytes,
        up_bytes=row.up_bytes,
        down_bytes=row.down_bytes,
    )


def _one(found: Any) -> Session | None:
    return next(iter(_all(found)), None)


def _all(found: Iterable[tuple[Any, ...]]) -> list[Session]:
    return [_session(dict(zip(_FIELDS, row, strict=True))) for row in found]


def _session(row: dict[str, Any]) -> Session:
    row |= {"mac": Mac(row["mac"]), "way": Way(row["way"])}
    row |= {name: bool(row[name]) for name in ("marketing", "came_back")}
    return Session(**row)
