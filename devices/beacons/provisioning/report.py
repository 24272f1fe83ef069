"""What became of each beacon of a bulk run: a line each, on disk before the next begins; a run can be gone on with.

No address and no password stands in it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from devices.beacons.provisioning.job import PasswordNow, Provisioned, ProvisionError
from edge.errors import StoregateError, UsageError


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One beacon, one try."""

    id: Annotated[str, Meta(max_length=64)]
    ok: bool
    changed: tuple[str, ...] = ()
    step: str = ""
    """The one that failed."""
    problem: Annotated[str, Meta(max_length=500)] = ""
    rolled_back: bool | None = None
    password: str = "kept"  # noqa: S105 — what became of it
    """Since the first line: kept, changed or unknown."""


def done(beacon: str, result: Provisioned, *, earlier: str = PasswordNow.KEPT) -> Line:
    """`earlier`: what the line before said of its password. If not "kept", the new one was tried."""
    settled = result.password_proven and earlier == PasswordNow.UNKNOWN
    password = PasswordNow.CHANGED if result.password_changed or settled else earlier
    return Line(id=beacon, ok=True, changed=tuple(sorted(result.changed)), password=password)


def failed(beacon: str, error: StoregateError, *, earlier: str = PasswordNow.KEPT) -> Line:
    """Each line says of the password what is known by now: where it could be either, a refused one settles it."""
    if not isinstance(error, ProvisionError):
        return Line(id=beacon, ok=False, problem=str(error)[:500], password=earlier)
    password = error.password_now if error.password_now is not PasswordNow.KEPT else earlier
    if error.is_wrong_secret and earlier == PasswordNow.UNKNOWN:
        password = PasswordNow.KEPT
    return Line(
        id=beacon,
        ok=False,
        step=error.step,
        problem=str(error)[:500],
        rolled_back=error.rolled_back,
        password=password,
    )


def add(path: Path, line: Line) -> None:
    """On disk when it returns. A line that a power cut left half-written is closed first. May block. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        data = (b"\n" if torn else b"") + msgspec.json.encode(line) + b"\n"
        while data:
            data = data[os.write(descriptor, data) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def writable(path: Path) -> None:
    """Before anything is done that it shall remember. May block. Raises UsageError."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        hint = "give another --report, in a folder that you may write to"
        raise UsageError(f"can't write the report {path}: {error.strerror}", hint=hint) from error


def lines(path: Path, *, damaged: Callable[[int], None] = lambda _number: None) -> list[Line]:
    """What was written so far; a torn line counts as not written: `damaged` gets its number. Raises UsageError."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"can't read the report {path}: {error.strerror}") from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            found.append(msgspec.json.decode(line, type=Line))
        except msgspec.MsgspecError:
            if number == 1 and not line.startswith(b"{"):
                raise UsageError(f"{path} is no report of this command", hint="give another --report") from None
            damaged(number)
    return found


def todo(report: Iterable[Line], beacons: Sequence[str]) -> list[str]:
    """Those that are not done, in the order given: the last line of each counts."""
    last = {line.id: line.ok for line in report}
    return [beacon for beacon in beacons if not last.get(beacon, False)]
