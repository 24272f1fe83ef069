"""Are the journal's files still the ones we opened? What is written to a removed file is seen by nobody ever again."""

from __future__ import annotations

import contextlib
from pathlib import Path

HINT = "restart the gateway: it begins a new journal. What was not sent is lost with the file"


class Presence:
    """Looked at before each group: a few microseconds."""

    def __init__(self, *paths: Path) -> None:
        self._inodes: dict[Path, tuple[int, int]] = {}
        self.gone = ""
        """Which file was taken away, in words. It stays so: a new file is a new journal, for a start to begin."""
        for path in paths:
            self.watch(path)

    def watch(self, path: Path) -> None:
        """The file that has this name now is ours."""
        with contextlib.suppress(FileNotFoundError):
            self._inodes[path] = _inode(path)

    def leave(self, path: Path) -> None:
        self._inodes.pop(path, None)

    def look(self) -> bool:
        """Whether all are there. Raises OSError when the disk does not answer."""
        for path, ours in self._inodes.items():
            try:
                same = _inode(path) == ours
            except FileNotFoundError:
                same = False
            if not same and not self.gone:
                self.gone = f"{path.name} was removed or replaced while the gateway ran"
        return not self.gone


def _inode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
