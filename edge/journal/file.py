"""The journal's file: one owner, checked at every start, put aside when it is broken, migrated in place."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from edge.clock import Clock
from edge.errors import Refusal, StoregateError, refusal_of
from edge.journal import outbox
from edge.store import schema
from edge.telemetry import JournalReplaced

SCHEMA = (
    """
CREATE TABLE journal (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch TEXT NOT NULL, last_seq INTEGER NOT NULL, clock_ms INTEGER NOT NULL, handed_to INTEGER NOT NULL
);
INSERT INTO journal VALUES (1, lower(hex(randomblob(6))), 0, 0, 0);
"""
    + outbox.SCHEMA
)
CUT_OFF = "a start that put it aside was cut off"
CHUNK = 1 << 20
"""Bytes of the log that are written again at a time."""
KEEP_BROKEN = 3
"""Broken files put aside; older ones are deleted, so that a dying disk does not fill itself."""
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
SIDE_FILES = ("-wal", "-shm")


class BrokenJournalError(Exception):
    """The file is no journal any more. Never leaves this module."""


class Tail(NamedTuple):
    """The journal's one-row table: where it stands."""

    epoch: str
    last_seq: int
    clock_ms: int
    """The newest moment that was ever written: no clock may show less."""
    handed_to: int
    """No higher number was handed to the bridge by an earlier process."""


class Opened(NamedTuple):
    db: sqlite3.Connection
    tail: Tail
    replaced: JournalReplaced | None


def lock(path: Path) -> int:
    """Takes the journal for this process; the file descriptor holds it. Raises StoregateError when it is taken."""
    name = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        hint = "gateway.state_dir must be a folder that the daemon may write"
        raise StoregateError(f"can't open {name}: {error.strerror}", hint=hint) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(held)
        hint = "stop the running daemon first, or ask it over its admin address"
        raise StoregateError(f"{path} is in use by another process", hint=hint) from error
    return held


def open_file(path: Path, held: int, clock: Clock) -> Opened:
    """Opens, checks and migrates. A broken file is put aside and a new epoch begins.

    `held` is the lock's descriptor: the lock file remembers the epoch for the day the journal can't tell it.
    Raises StoregateError when the folder can't be written or the journal is of a newer release.
    """
    remembered = os.pread(held, 64, 0).decode("ascii", "replace").strip()
    try:
        return _open_or_replace(path, remembered, clock)
    except sqlite3.Error as error:
        raise cant_open(path, error) from error


def cant_open(path: Path, error: sqlite3.Error) -> StoregateError:
    reason, words = explain(error)
    return StoregateError(f"can't open the journal {path}: {words}", hint=HINTS[reason])


def remember(held: int, epoch: str) -> None:
    """Puts the epoch into the lock file, once the journal's first words are in the journal and not before: what a start
    that was cut off did not tell, the next one does.

    Best effort: without it a broken journal can't name its old epoch, and nothing else changes.
    """
    text = epoch.encode("ascii")
    try:
        if os.pread(held, 64, 0) != text:
            os.ftruncate(held, 0)
            os.pwrite(held, text, 0)
            os.fsync(held)
    except OSError as error:
        if refusal_of(error) is Refusal.IO_ERROR:
            raise StoregateError(f"can't write the journal's lock file: {error.strerror}") from error


def connect(path: Path) -> sqlite3.Connection:
    """The writer's connection: a commit returns when it is on the disk. No other may have the file open for writing."""
    _write_log_again(path)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    try:
        (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":  # SQLite goes on in the old mode, in which synchronous = FULL promises less
            raise sqlite3.OperationalError(f"it can't have a write-ahead log, only {mode!r}")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA journal_size_limit = 16777216")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA temp_store = MEMORY")  # /tmp may be full or forbidden
    except sqlite3.Error:
        db.close()
        raise
    return db


def _write_log_again(path: Path) -> None:
    """Makes sure that the write-ahead log is on the disk as it reads, before anything is built on it.

    Linux tells of a failed fsync once; what it did not write counts as clean from then on and reads well, from memory.
    Commits behind it would be acknowledged, and go with it when the power does.
    """
    try:
        with path.with_name(path.name + "-wal").open("r+b", buffering=0) as log:
            at = 0
            while data := os.pread(log.fileno(), CHUNK, at):
                at += os.pwrite(log.fileno(), data, at)
            os.fsync(log.fileno())
    except OSError as error:
        if error.errno == errno.EIO:
            raise sqlite3.OperationalError(f"the write-ahead log: {error.strerror}") from error
        # there is none; or what forbids writing it will forbid SQLite to, which has the words for it


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that can't write."""
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA query_only = ON")
    return db


def keep_log(path: Path, clock: Clock) -> str:
    """Copies the write-ahead log aside, for a person who wants to read what is behind its damage; its name, or ""."""
    log = path.with_name(path.name + "-wal")
    aside = _aside(path, clock)
    kept = aside.with_name(aside.name + "-wal")
    try:
        if not log.stat().st_size:
            return ""
        shutil.copyfile(log, kept)
    except OSError:  # a full disk: what is gone is told, and that is what counts
        kept.unlink(missing_ok=True)
        return ""
    _keep_few(path)
    return kept.name


def migrate(db: sqlite3.Connection) -> None:
    """Brings a database, empty or older, to the newest version; each step is one transaction."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > len(schema.MIGRATIONS):
        hint = "install that release again, or move the journal away: what it has not sent is then lost"
        raise StoregateError(f"the journal was written by a newer release (version {version})", hint=hint)
    for number in range(version, len(schema.MIGRATIONS)):
        text = (SCHEMA if number == 0 else "") + schema.MIGRATIONS[number]
        try:
            db.executescript(f"BEGIN IMMEDIATE;{text};PRAGMA user_version = {number + 1};COMMIT;")
        except sqlite3.Error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def shrink_log(db: sqlite3.Connection) -> None:
    """Moves the write-ahead log into the file and gives its space back to a full disk."""
    with contextlib.suppress(sqlite3.Error):  # the next write tells what is wrong
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def checkpoint_every(db: sqlite3.Connection, pages: int) -> None:
    """How long the write-ahead log may become: short while the disk is low."""
    db.execute(f"PRAGMA wal_autocheckpoint = {pages:d}").fetchall()


def read_tail(db: sqlite3.Connection) -> Tail:
    row = db.execute("SELECT epoch, last_seq, clock_ms, handed_to FROM journal").fetchone()
    if row is None:
        raise BrokenJournalError("its first row is missing")
    return Tail(*row)


def write_tail(db: sqlite3.Connection, tail: Tail) -> None:
    db.execute("UPDATE journal SET last_seq = ?, clock_ms = ?, handed_to = ?", tail[1:])


def explain(error: sqlite3.Error) -> tuple[Refusal, str]:
    """What a SQLite error means to a caller, and in words."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return Refusal.DISK_FULL, "the disk is full"
    if code == sqlite3.SQLITE_READONLY:
        return Refusal.READ_ONLY, "the disk is read-only"
    if code in BROKEN:
        return Refusal.IO_ERROR, f"the journal is damaged ({error}); a restart begins a new one"
    return Refusal.IO_ERROR, f"the disk answers with an error ({error})"


HINTS = {
    Refusal.DISK_FULL: "free space on the disk of gateway.state_dir",
    Refusal.READ_ONLY: "mount the disk of gateway.state_dir for writing; a card that turned read-only is worn out",
    Refusal.IO_ERROR: "look at the kernel's log (`journalctl -k`): the disk or card may be dying",
}


def _open_or_replace(path: Path, remembered: str, clock: Clock) -> Opened:
    if remembered and (not path.exists() or not path.stat().st_size):
        return _replace(path, remembered, "the file was gone", clock)
    try:
        db, tail = _open_checked(path)
    except BrokenJournalError as error:
        return _replace(path, remembered, str(error), clock)
    except sqlite3.DatabaseError as error:
        if (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF not in BROKEN:
            raise
        return _replace(path, remembered, str(error), clock)
    replaced = None
    if remembered not in {"", tail.epoch} and not tail.last_seq:
        replaced = JournalReplaced(old_epoch=remembered, kept_as=_newest_aside(path), problem=CUT_OFF)
    return Opened(db, tail, replaced)


def _open_checked(path: Path) -> tuple[sqlite3.Connection, Tail]:
    db = connect(path)
    try:
        _look_sound(db)
        migrate(db)
        return db, read_tail(db)
    except BaseException:
        db.close()
        raise


def _look_sound(db: sqlite3.Connection) -> None:
    """The file is ours and whole, or new; else raises BrokenJournalError."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version == 0 and db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
        raise BrokenJournalError("it is somebody else's database")
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise BrokenJournalError(str(verdict).replace("\n", " "))


def _replace(path: Path, epoch: str, problem: str, clock: Clock) -> Opened:
    aside = _aside(path, clock)
    kept_as = ""
    if path.exists() and not path.stat().st_size:
        path.unlink()  # of a start that was cut off: it must not push out a file with something in it
    for side in ("", *SIDE_FILES):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + side).rename(aside.with_name(aside.name + side))
            kept_as = kept_as or aside.name + side
    _keep_few(path)
    db, tail = _open_checked(path)
    return Opened(db, tail, JournalReplaced(old_epoch=epoch, kept_as=kept_as, problem=problem))


def _aside(path: Path, clock: Clock) -> Path:
    now = datetime.fromtimestamp(clock.now().at_ms / 1000, UTC)
    return path.with_name(f"{path.name}.broken-{now:%Y%m%dT%H%M%S}")


def _keep_few(path: Path) -> None:
    found: dict[str, list[Path]] = {}
    for each in path.parent.glob(f"{path.name}.broken-*"):
        found.setdefault(each.name.removesuffix("-wal").removesuffix("-shm"), []).append(each)
    for name in sorted(found)[:-KEEP_BROKEN]:
        for old in found[name]:
            old.unlink(missing_ok=True)


def _newest_aside(path: Path) -> str:
    return max((found.name for found in path.parent.glob(f"{path.name}.broken-*[0-9]")), default="")
