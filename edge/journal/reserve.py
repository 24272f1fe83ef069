"""A small file that is given up when the disk is full, so that what was lost can still be written down."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


class Reserve:
    """`size` bytes beside the journal, and a look at how much of the disk is left."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self.held = path.exists()

    def free_bytes(self) -> int:
        """What an unprivileged process may still write here."""
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize

    def give_up(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        self.held = False

    def take(self) -> None:
        """Takes the space back if it is there; a full disk is told by the next look, not here."""
        if self.held or self.free_bytes() < 2 * self._size:
            return
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(handle, 0, self._size)
            finally:
                os.close(handle)
            self.held = True
        except OSError:
            self.give_up()

    def low(self, floor: int) -> bool:
        """Whether the disk is below its floor. Without the reserve, it is low until the reserve fits again."""
        return self.free_bytes() < floor + (0 if self.held else 2 * self._size)
