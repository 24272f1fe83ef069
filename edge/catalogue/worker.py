"""The importer's process: `python -m edge.catalogue.worker SOURCE TARGET`. Speaks JSON lines; see importer.py."""

from __future__ import annotations

import argparse
import errno
import fcntl
import hashlib
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge.catalogue.build import build, update
from edge.catalogue.importer import Said
from edge.catalogue.product import CatalogueInfo
from edge.catalogue.schema import FORMAT
from edge.catalogue.table import read
from edge.errors import CatalogueError, StoregateError

FREE = "free some space, then import again; the catalogue in use is unchanged"
WHOLE = "import the whole file, without --update"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    source: Path
    target: Path
    skip_bad: bool = False
    update: bool = False
    priced_at_ms: int | None = None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--skip-bad", action="store_true")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--priced-at-ms", type=int)
    asked = Asked(**vars(parser.parse_args()))
    try:
        _say(Said(info=run(asked, say=_say)))
    except CatalogueError as error:
        _say(Said(mistakes=error.mistakes, hint=error.hint))
    except StoregateError as error:
        _say(Said(problem=str(error), hint=error.hint))
    except (OSError, sqlite3.Error) as error:
        full = (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "full" in str(error)
        _say(Said(problem=f"can't write {asked.target.name}: {error}", hint=FREE if full else ""))


def run(asked: Asked, *, say: Callable[[Said], None]) -> CatalogueInfo:
    """One import, from checking to renaming."""
    with _locked(asked.target):
        return _import(asked, say)


def publish(fresh: Path, target: Path) -> None:
    """The file's bytes, then its name, then the folder that holds the name: in this order a power cut loses nothing."""
    _sync(fresh)
    os.replace(fresh, target)  # noqa: PTH105 - the call a power-cut test watches
    _sync(target.parent)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _import(asked: Asked, say: Callable[[Said], None]) -> CatalogueInfo:
    sheet = read(asked.source, priced_at_ms=asked.priced_at_ms or _written_ms(asked.source), skip_bad=asked.skip_bad)
    for leftover in asked.target.parent.glob(f"{asked.target.name}.new-*"):
        leftover.unlink()  # of an import that was killed: we hold the lock, so nobody writes it
    fresh = asked.target.with_name(f"{asked.target.name}.new-{os.getpid()}")
    info = CatalogueInfo(
        products=len(sheet.rows),
        priced_at_ms=asked.priced_at_ms or _written_ms(asked.source),
        sha256=sheet.sha256,
        skipped=sheet.skipped,
        encoding=sheet.encoding,
    )

    def progress(done: int, total: int) -> None:
        say(Said(done=done, total=total))

    def ended(_number: int, _frame: object) -> None:
        """Whoever asked went away. The second process goes when we do."""
        fresh.unlink(missing_ok=True)
        os._exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, ended)
    try:
        if asked.update and asked.target.exists():
            shutil.copyfile(asked.target, fresh)
            info = update(fresh, sheet.rows, _after(fresh, info), progress=progress)
        else:
            build(fresh, sheet.rows, info, progress=progress)
        publish(fresh, asked.target)
    finally:
        fresh.unlink(missing_ok=True)
    return info


def _after(path: Path, info: CatalogueInfo) -> CatalogueInfo:
    """What an updated file says of itself: its sum is that of the old sum and the new file's."""
    db = sqlite3.connect(path)
    try:
        if db.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
            raise StoregateError("the catalogue in use is of another version", hint=WHOLE)
        facts = dict(db.execute("SELECT key, value FROM meta"))
    except sqlite3.DatabaseError as error:
        raise StoregateError(f"the catalogue in use can't be read: {error}", hint=WHOLE) from error
    finally:
        db.close()
    both = hashlib.sha256(f"{facts['sha256']}{info.sha256}".encode()).hexdigest()
    return msgspec.structs.replace(info, sha256=both, priced_at_ms=max(info.priced_at_ms, int(facts["priced_at_ms"])))


def _written_ms(source: Path) -> int:
    """When the file was written; a time in the future counts as now."""
    try:
        return min(int(source.stat().st_mtime * 1000), int(time.time() * 1000))
    except OSError as error:
        raise StoregateError(f"can't read {source}: {error.strerror}") from error


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Imports into one file go one after the other."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f"{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _say(said: Said) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
