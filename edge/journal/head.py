"""How far the journal got, said in a small file beside it.

SQLite takes a frame with a wrong checksum for the end of its write-ahead log: one flipped bit silently undoes every
commit behind it. The mark is written after the fsync of a commit and never synced itself: a power cut may leave it
behind the journal, but it is never ahead of a journal that is whole.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from pathlib import Path

SIZE = 64
"""Bytes read: the mark is shorter, always as long, and in one sector, which a disk writes whole or not at all."""


class Head:
    """The mark's file, open for the journal's life. A file that can't be had costs the warning, nothing else."""

    def __init__(self, path: Path) -> None:
        self._handle: int | None = None
        with contextlib.suppress(OSError):
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def read(self, epoch: str) -> int:
        """The newest number that was on the disk in this epoch; 0 where that is not known."""
        text = b""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                text = os.pread(self._handle, SIZE, 0)
        words = text.decode("ascii", "replace").split()
        if len(words) != 3 or not words[1].isdecimal() or text != _mark(words[0], int(words[1])):
            return 0
        return int(words[1]) if words[0] == epoch else 0

    def write(self, epoch: str, last_seq: int) -> None:
        """After the commit that holds `last_seq` is on the disk."""
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.pwrite(self._handle, _mark(epoch, last_seq), 0)

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _mark(epoch: str, last_seq: int) -> bytes:
    text = f"{epoch} {last_seq:020d}"
    return f"{text} {zlib.crc32(text.encode('ascii', 'replace')):08x}\n".encode("ascii", "replace")
