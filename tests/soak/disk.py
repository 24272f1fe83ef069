"""A disk that forgets: what a power cut leaves of files that programs believe they wrote. Pure.

The model is meant to be harsher than ext4 with `data=ordered`:

- A file's bytes are on the disk only after fsync or fdatasync of that file; its size is part of its bytes.
- A name (create, rename, remove) is on the disk after an fsync of any file or folder (`Names.ANY_SYNC`, one metadata
  journal, as ext4 has), or only after an fsync of the folder it is in (`Names.FOLDER_SYNC`, POSIX promises no more).
  A rename is one step: both names or neither.
- `torn`: the disk wrote some of the rest already, in its own order: each 512-byte sector that was not synced is there
  or not, by chance, and the unsynced names are there up to some point, by chance.

`bad_syncs` is the share of fsyncs that fail with EIO once and never again, as Linux does it: what they should have
written counts as clean from then on, and is on no disk unless it is written again.

`cut_at` is the number of the operation in which the power goes: repeatable, and as likely in the middle of a commit
as between two. A write in progress may be on the disk in part (torn); an fsync in progress promises nothing.
"""

from __future__ import annotations

import errno
import os
from enum import StrEnum
from pathlib import Path, PurePosixPath
from random import Random

SECTOR = 512
"""What a disk writes whole or not at all."""


class Names(StrEnum):
    ANY_SYNC = "any-sync"
    FOLDER_SYNC = "folder-sync"


class File:
    """One inode."""

    __slots__ = ("dirty", "durable", "now", "shrunk_to")

    def __init__(self, data: bytes = b"") -> None:
        self.now = bytearray(data)
        self.durable = bytearray(data)
        self.dirty: set[int] = set()
        """Sectors that differ, perhaps, from what is durable."""
        self.shrunk_to: int | None = None
        """The least size since the last sync, where it shrank."""

    def write(self, data: bytes, offset: int) -> None:
        if offset > len(self.now):
            self.resize(offset)
        self.now[offset : offset + len(data)] = data
        self._touch(offset, offset + len(data))

    def resize(self, size: int) -> None:
        before = len(self.now)
        if size < before:
            del self.now[size:]
            self.shrunk_to = size if self.shrunk_to is None else min(size, self.shrunk_to)
        else:
            self.now.extend(bytes(size - before))
            self._touch(before, size)

    def sync(self) -> None:
        if self.shrunk_to is not None:
            del self.durable[self.shrunk_to :]
        for sector in sorted(self.dirty):
            _put(self.durable, self.now, sector)
        self._forget_changes()

    def lose_sync(self) -> None:
        """A sync failed: nothing is on the disk, and nobody will try again."""
        self._forget_changes()

    def torn(self, chance: Random) -> bytes:
        """What an impatient disk has of it."""
        found = bytearray(self.durable)
        if self.shrunk_to is not None and chance.random() < 0.5:
            del found[self.shrunk_to :]
        for sector in sorted(self.dirty):
            if chance.random() < 0.5:
                _put(found, self.now, sector)
        return bytes(found)

    def _touch(self, start: int, end: int) -> None:
        if end > start:
            self.dirty.update(range(start // SECTOR, (end - 1) // SECTOR + 1))

    def _forget_changes(self) -> None:
        self.dirty.clear()
        self.shrunk_to = None


Change = tuple[tuple[str, File | None], ...]
"""One step of the metadata journal: these names now mean these files, or nothing."""


class Disk:
    """Paths are absolute within the disk. Raises OSError as a file system does. Not thread-safe."""

    def __init__(self, *, names: Names, torn: bool, cut_at: int, seed: int, bad_syncs: float = 0) -> None:
        self._rule = names
        self._torn = torn
        self._cut_at = cut_at
        self._chance = Random(seed)
        self._bad_syncs = bad_syncs
        self._names: dict[str, File] = {}
        self._durable_names: dict[str, File] = {}
        self._unsynced: list[Change] = []
        self.folders = {"/"}
        """Made for good at once: the gateway makes one, once."""
        self.operations = 0
        self.failed_syncs = 0
        self.survivors: dict[str, bytes] | None = None
        """Set by the cut; from then on every operation fails."""

    def load(self, folder: Path) -> None:
        """Begins with the files of a real folder, all durable."""
        for path in sorted(folder.rglob("*")):
            name = f"/{path.relative_to(folder)}"
            if path.is_dir():
                self.folders.add(name)
            else:
                self._names[name] = self._durable_names[name] = File(path.read_bytes())

    def save(self, folder: Path) -> None:
        """What survived, into a real folder."""
        assert self.survivors is not None
        for name in sorted(self.folders):
            (folder / name[1:]).mkdir(parents=True, exist_ok=True)
        for name, data in self.survivors.items():
            (folder / name[1:]).write_bytes(data)

    def cut(self) -> None:
        """The power goes."""
        if self.survivors is None:
            if self._torn:
                self._settle(self._unsynced[: self._chance.randint(0, len(self._unsynced))])
            self.survivors = {
                name: file.torn(self._chance) if self._torn else bytes(file.durable)
                for name, file in sorted(self._durable_names.items())
            }

    # --- what changes something counts -------------------------------------------------------------------

    def create(self, path: str) -> File:
        file = File()
        self._change(((path, file),))
        self._count()
        return file

    def write(self, file: File, data: bytes, offset: int) -> int:
        self._alive()
        file.write(data, offset)
        self._count()
        return len(data)

    def resize(self, file: File, size: int) -> None:
        self._alive()
        file.resize(size)
        self._count()

    def reserve(self, file: File, size: int) -> None:
        """fallocate(2) without flags."""
        if size > len(file.now):
            self.resize(file, size)

    def rename(self, old: str, new: str) -> None:
        if old in self.folders:
            raise OSError(errno.EXDEV, "folders stay where they are")
        self._change(((new, self.file(old)), (old, None)))
        self._count()

    def link(self, old: str, new: str) -> None:
        if new in self._names:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        self._change(((new, self.file(old)),))
        self._count()

    def remove(self, path: str) -> None:
        self.file(path)
        self._change(((path, None),))
        self._count()

    def make_folder(self, path: str) -> None:
        self._alive()
        self.folders.add(path)

    def sync(self, file: File) -> None:
        self._count()
        if self._bad_syncs and self._chance.random() < self._bad_syncs:
            file.lose_sync()
            self.failed_syncs += 1
            raise OSError(errno.EIO, "this sync failed")
        file.sync()
        if self._rule is Names.ANY_SYNC:
            self._settle(self._unsynced)
            self._unsynced.clear()

    def sync_folder(self, path: str) -> None:
        self._count()
        here = [change for change in self._unsynced if self._rule is Names.ANY_SYNC or _is_in(path, change)]
        self._settle(here)
        self._unsynced = [change for change in self._unsynced if change not in here]

    # --- looking -----------------------------------------------------------------------------------------

    def file(self, path: str) -> File:
        self._alive()
        try:
            return self._names[path]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None

    def names_in(self, path: str) -> list[str]:
        everything = (*self._names, *(folder for folder in self.folders if folder != "/"))
        return [PurePosixPath(name).name for name in everything if str(PurePosixPath(name).parent) == path]

    # --- inside ------------------------------------------------------------------------------------------

    def _alive(self) -> None:
        if self.survivors is not None:
            raise OSError(errno.EIO, "the power is off")

    def _count(self) -> None:
        self._alive()
        self.operations += 1
        if self.operations == self._cut_at:
            self.cut()
            self._alive()

    def _change(self, change: Change) -> None:
        self._alive()
        _apply(change, self._names)
        self._unsynced.append(change)

    def _settle(self, changes: list[Change]) -> None:
        for change in changes:
            _apply(change, self._durable_names)


def _apply(change: Change, names: dict[str, File]) -> None:
    for name, file in change:
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


def _is_in(folder: str, change: Change) -> bool:
    return any(str(PurePosixPath(name).parent) == folder for name, _ in change)


def _put(target: bytearray, source: bytearray, sector: int) -> None:
    """Copies one sector; nothing where `source` ends before it."""
    start = sector * SECTOR
    data = source[start : start + SECTOR]
    if data:
        if len(target) < start:
            target.extend(bytes(start - len(target)))
        target[start : start + len(data)] = data
