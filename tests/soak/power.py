"""Mounts the forgetful disk, lets a box work on it, cuts the power, collects what survived. Blocking."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.soak.disk import Names

MOUNT_S = 20.0
HANG_S = 90.0
"""The box notices a dead disk at its next step."""


class Way(NamedTuple):
    """How the disk forgets."""

    names: Names
    torn: bool

    def __str__(self) -> str:
        return f"{self.names}{' torn' if self.torn else ''}"


WAYS = tuple(Way(names, torn) for names in Names for torn in (False, True))


class Cut(NamedTuple):
    survivors: Path
    said: list[dict[str, Any]]
    operations: int
    """Until the power went."""
    failed_syncs: int
    early: bool
    """Whether it went while the box worked."""


def need_fuse() -> None:
    """Skips the test where no file system can be mounted."""
    if os.geteuid() != 0:
        pytest.skip("power cuts need root: they mount a file system of their own")
    if not Path("/dev/fuse").exists():
        pytest.skip("power cuts need /dev/fuse: modprobe fuse")
    try:
        import mfusepy  # noqa: F401, PLC0415
    except (ImportError, OSError) as error:
        pytest.skip(f"power cuts need FUSE: apt-get install fuse libfuse2; {error}")


def cut_power(
    folder: Path, box: Sequence[str], *, begin: Path | None, cut_at: int, way: Way, seed: int, bad_syncs: float = 0
) -> Cut:
    """Runs `tests.soak.box` on a disk, until operation `cut_at` or its end; `{mount}` in `box` is filled in."""
    mount, survivors = folder / "mount", folder / "survivors"
    mount.mkdir(parents=True)
    survivors.mkdir()
    options = [f"--cut-at={cut_at}", f"--names={way.names}", f"--seed={seed}", *(["--torn"] if way.torn else [])]
    options += [f"--bad-syncs={bad_syncs}"] if bad_syncs else []
    options += [f"--from={begin}"] if begin is not None else []
    with _disk(mount, survivors, options, folder / "disk.log") as disk:
        said = _work([text.format(mount=mount) for text in box], folder / "box.log")
        assert disk.stdin is not None
        assert disk.stdout is not None
        disk.stdin.close()  # the plug
        operations, failed_syncs = map(int, disk.stdout.readline().split()[1:])
    early = operations == cut_at
    problems = [line for line in said if line["did"] == "refused"]
    problems += [] if early else [line for line in said if line["did"] == "failed"]
    assert not problems, f"the box failed on a disk that worked: {problems}"
    assert said, f"the box said nothing; see {folder}/box.log"
    return Cut(survivors, said, operations, failed_syncs, early)


@contextmanager
def _disk(mount: Path, survivors: Path, options: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.soak.forgetful", str(mount), str(survivors), *options]
    pipe = subprocess.PIPE
    with log.open("ab") as errors, subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors) as disk:
        try:
            ends = time.monotonic() + MOUNT_S
            while not mount.is_mount():
                assert disk.poll() is None, f"the disk could not be mounted: {log.read_text()}"
                assert time.monotonic() < ends, "the disk was not mounted in time"
                time.sleep(0.005)
            yield disk
        finally:
            subprocess.run(["umount", "-l", str(mount)], check=False, capture_output=True)
            disk.kill()


def _work(box: Sequence[str], log: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.soak.box", *box]
    with log.open("ab") as errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process:
        try:
            out, _ = process.communicate(timeout=HANG_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"the box hung on a dead disk; see {log}") from None
    assert process.returncode == 0, f"the box crashed:\n{log.read_text()}"
    return [msgspec.json.decode(line) for line in out.splitlines()]
