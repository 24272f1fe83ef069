"""Documents on disk: TinyDB over a storage that renames. The only file that knows TinyDB.

TinyDB alone overwrites its file in place and loses all of it to a crash in between. Here each change is a new
file, on the disk before its name is; and a second copy is kept for the day when the first can't be read.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tinydb import TinyDB
from tinydb.storages import Storage

from edge.errors import StoregateError

NAME = "documents.json"
GOOD = "documents.good.json"
Items = list[dict[str, Any]]


class RenamingStorage(Storage):
    """The whole file at once: temp, fsync, rename, fsync of the folder. Writes wait for `flush`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._data: dict[str, dict[str, Any]] | None = _read(path)

    def read(self) -> dict[str, dict[str, Any]] | None:
        """TinyDB asks before each operation."""
        return self._data

    def write(self, data: dict[str, dict[str, Any]]) -> None:
        """TinyDB calls it several times a change; none of those states may reach the disk."""
        self._data = data

    def flush(self) -> None:
        """Raises OSError; then the file is as it was."""
        text = json.dumps(self._data, ensure_ascii=False, indent=1, sort_keys=True)
        _replace(self._path, text.encode())
        with contextlib.suppress(OSError):  # the copy only helps; the file itself is safe
            _replace(self._path.with_name(GOOD), text.encode())


class DocumentsFile:
    """kind → items, as plain data. Blocking."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._good = folder / GOOD
        self.problem = ""
        """What was wrong with the file at the last `load`, and what was done; empty: nothing."""

    def load(self) -> dict[str, Items]:
        """Everything. A file that can't be read is put aside and the copy is used; without one, it begins empty."""
        self.problem = ""
        try:
            if self._good.exists() and not self._path.exists():  # the copy is the younger: somebody took the file away
                raise FileNotFoundError("it is gone")
            return _kinds(self._path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            return self.fall_back(f"{type(error).__name__}: {error}")

    def look(self) -> dict[str, Items]:
        """Everything, for who may change nothing. Raises StoregateError when it can't be read."""
        try:
            return _kinds(self._path if self._path.exists() else self._good)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoregateError(f"can't read {self._path}: {getattr(error, 'strerror', None) or error}") from error

    def fall_back(self, why: str) -> dict[str, Items]:
        """Puts the file aside and takes the copy."""
        aside, kept = self._path.with_name(f"{NAME}.broken"), ""
        with contextlib.suppress(OSError):
            os.replace(self._path, aside)  # noqa: PTH105 - named as the system call it is
            kept = f"; kept as {aside.name}"
        try:
            self._good.stat()  # a copy that is not there is none, not one without documents
            kinds = _kinds(self._good)
            used = "the last good copy is in use"
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            kinds, used = {}, "there is no good copy: the shop has no documents until they are put again"
        self.problem = f"{NAME} could not be read ({why}){kept}; {used}"
        return kinds

    def save(self, kinds: Mapping[str, Items]) -> None:
        """All kinds at once. Raises StoregateError when the disk does not take it; then nothing changed."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            storage = RenamingStorage(self._path)
            database = _Database(storage)
            database.drop_tables()
            for kind, items in kinds.items():
                database.table(kind).insert_multiple(items)
            storage.flush()
        except OSError as error:
            hint = "look at the free space and the rights of gateway.state_dir"
            raise StoregateError(f"can't write {self._path}: {error.strerror}", hint=hint) from error


class _Database(TinyDB):
    """TinyDB over a storage that exists already."""

    def __init__(self, storage: RenamingStorage) -> None:
        self._open = storage
        super().__init__(storage=lambda: storage)


def _kinds(path: Path) -> dict[str, Items]:
    database = _Database(RenamingStorage(path))
    return {kind: [dict(item) for item in database.table(kind).all()] for kind in database.tables()}


def _read(path: Path) -> dict[str, dict[str, Any]] | None:
    try:
        data = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    if not isinstance(data, dict) or not all(isinstance(table, dict) for table in data.values()):
        raise ValueError("not a file of documents")
    return data


def _replace(path: Path, data: bytes) -> None:
    temp = path.with_name(f".{path.name}.new")
    handle = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temp, path)  # noqa: PTH105 - named as the system call it is
    except OSError:
        temp.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
