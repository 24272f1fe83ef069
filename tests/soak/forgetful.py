"""`disk.Disk`, mounted: a FUSE file system that forgets what was not fsync'd. A program of its own.

    python -m tests.soak.forgetful MOUNT SURVIVORS --from FOLDER --cut-at 1234 --names any-sync --torn --seed 7

Begins with what is in FOLDER. The power goes at operation `--cut-at`, or when standard input ends; what survived is
then in SURVIVORS, and `cut N M` (operations until then, syncs that failed) is said on standard output. Needs root,
/dev/fuse and libfuse.
"""

from __future__ import annotations

import argparse
import os
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

from mfusepy import FUSE, Operations

from tests.soak.disk import Disk, File, Names

BLOCK = 4096
BLOCKS = 1 << 20
ROOM = {"f_bsize": BLOCK, "f_frsize": BLOCK, "f_blocks": BLOCKS, "f_bfree": BLOCKS // 2, "f_bavail": BLOCKS // 2}
ROOM |= {"f_namemax": 255}


class Mounted(Operations):
    """One lock around the disk: the kernel's calls and the cut come from two threads."""

    use_ns = True

    def __init__(self, disk: Disk, survivors: Path) -> None:
        self._disk = disk
        self._survivors = survivors
        self._lock = threading.Lock()
        self._open: dict[int, File] = {}
        self._next = 1
        self._told = False

    def cut(self) -> None:
        with self._lock:
            self._disk.cut()
            self._tell()

    def _tell(self) -> None:
        if self._disk.survivors is not None and not self._told:
            self._told = True
            self._disk.save(self._survivors)
            sys.stdout.write(f"cut {self._disk.operations} {self._disk.failed_syncs}\n")
            sys.stdout.flush()

    # --- what the kernel asks (fuse_operations of libfuse 2.9) -------------------------------------------

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        now_ns = time.time_ns()
        found = {"st_uid": os.getuid(), "st_gid": os.getgid()}
        found |= {"st_atime": now_ns, "st_mtime": now_ns, "st_ctime": now_ns}
        with self._lock:
            if path in self._disk.folders:
                return found | {"st_mode": stat.S_IFDIR | 0o700, "st_nlink": 2}
            file = self._open[fh] if fh in self._open else self._disk.file(path)
            size = len(file.now)
        return found | {"st_mode": stat.S_IFREG | 0o600, "st_nlink": 1, "st_size": size}

    def readdir(self, path: str, fh: int) -> list[str]:
        with self._lock:
            return [".", "..", *self._disk.names_in(path)]

    def open(self, path: str, flags: int) -> int:
        with self._lock:
            return self._handle(self._disk.file(path))

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        return self._do(lambda: self._handle(self._disk.create(path)))

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        with self._lock:
            return bytes(self._open[fh].now[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        return self._do(lambda: self._disk.write(self._open[fh], data, offset))

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        self._do(lambda: self._disk.resize(self._open[fh] if fh in self._open else self._disk.file(path), length))
        return 0

    def fallocate(self, path: str, mode: int, offset: int, size: int, fh: int) -> int:
        self._do(lambda: self._disk.reserve(self._open[fh], offset + size))
        return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        self._do(lambda: self._disk.sync(self._open[fh]))
        return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        self._do(lambda: self._disk.sync_folder(path))
        return 0

    def rename(self, old: str, new: str) -> int:
        self._do(lambda: self._disk.rename(old, new))
        return 0

    def link(self, new: str, old: str) -> int:
        self._do(lambda: self._disk.link(old, new))
        return 0

    def unlink(self, path: str) -> int:
        self._do(lambda: self._disk.remove(path))
        return 0

    def mkdir(self, path: str, mode: int) -> int:
        self._do(lambda: self._disk.make_folder(path))
        return 0

    def release(self, path: str, fh: int) -> int:
        with self._lock:
            self._open.pop(fh, None)
        return 0

    def chmod(self, path: str, mode: int) -> int:
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        return 0

    def utimens(self, path: str, times: Any = None) -> int:
        return 0

    def statfs(self, path: str) -> dict[str, int]:
        return ROOM

    # --- inside ------------------------------------------------------------------------------------------

    def _do(self, deed: Any) -> Any:
        with self._lock:
            try:
                return deed()
            finally:
                self._tell()

    def _handle(self, file: File) -> int:
        self._next += 1
        self._open[self._next] = file
        return self._next


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("mount", type=Path)
    parser.add_argument("survivors", type=Path)
    parser.add_argument("--from", dest="begin", type=Path)
    parser.add_argument("--cut-at", type=int, default=0)
    parser.add_argument("--names", type=Names, default=Names.ANY_SYNC)
    parser.add_argument("--torn", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bad-syncs", type=float, default=0, help="share of them that fail")
    given = parser.parse_args()
    disk = Disk(names=given.names, torn=given.torn, cut_at=given.cut_at, seed=given.seed, bad_syncs=given.bad_syncs)
    if given.begin is not None:
        disk.load(given.begin)
    mounted = Mounted(disk, given.survivors)

    def plug() -> None:
        sys.stdin.buffer.read()
        mounted.cut()

    threading.Thread(target=plug, daemon=True).start()
    FUSE(mounted, str(given.mount), foreground=True, nothreads=True, big_writes=True, fsname="forgetful")


if __name__ == "__main__":
    main()
