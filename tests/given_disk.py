"""A disk that a test can fill."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SIZE = "24m"


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 24 MiB at `folder`."""
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "storegate-test", folder], capture_output=True)
    if done.returncode:
        pytest.skip(f"a small file system needs the right to mount: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> None:
    """To the last block. `empty` undoes it."""
    handle = os.open(folder / "ballast", os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(handle, b"x" * 65_536)
    os.close(handle)


def empty(folder: Path) -> None:
    (folder / "ballast").unlink()
