"""Every exception this project raises, sorted by whose move it is.

An error says what is wrong, where, and what to do next (`hint`); the command line prints both and
exits with `exit_code`. Errors of libraries are translated, and chained, in the one file that imports
the library.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, NamedTuple


class StoregateError(Exception):
    """Base of all. `hint` is the next step for a person, or empty."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Mistake(NamedTuple):
    """One wrong thing in a file or document that a person wrote."""

    path: str
    """Where: `mqtt.port`, `scanners[1].transport`, `line 17, column price_fen`."""
    problem: str
    """What it got and what it wanted, in one sentence."""
    meant: str = ""
    """The nearest right word, or empty."""

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" + (f" — did you mean {self.meant!r}?" if self.meant else "")


class MistakesError(StoregateError):
    """All mistakes of one text at once; nothing of it was applied."""

    exit_code = 2

    def __init__(self, where: str, mistakes: Sequence[Mistake], *, hint: str = "") -> None:
        self.where = where
        self.mistakes = tuple(mistakes)
        count = len(self.mistakes)
        lines = "\n".join(f"  {mistake}" for mistake in self.mistakes)
        super().__init__(f"{where}: {count} mistake{'s' if count != 1 else ''}\n{lines}", hint=hint)


class ConfigError(MistakesError):
    """`gateway.toml` is wrong."""


class DocumentError(MistakesError):
    """A document (campaign, zone, …) is wrong; the last good one stays in force."""


class ProfileError(MistakesError):
    """A file in `firmware_profiles/` is wrong."""


class CatalogueError(MistakesError):
    """A catalogue file has wrong rows; the catalogue in use stays."""

    exit_code = 1


class UsageError(StoregateError):
    """The command line, or what it points at, makes no sense."""

    exit_code = 2


class MissingExtraError(StoregateError):
    """An optional part is not installed."""

    exit_code = 2

    def __init__(self, part: str, extra: str) -> None:
        super().__init__(
            f"{part} needs an optional part that is not installed",
            hint=f"pip install 'storegate[{extra}]'; on an installed box: `sudo make install` again",
        )


class DeviceError(StoregateError):
    """A device is missing, busy, or said something that is not in its protocol."""


class CloudError(StoregateError):
    """The broker or a cloud service refused, vanished, or broke its protocol."""


class CommandError(StoregateError):
    """A command of the cloud can't be done; `code` goes back in the answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Refusal(StrEnum):
    """Why the journal did not take an event. Nothing of it was kept; the caller may try again."""

    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"
    IO_ERROR = "io_error"
    OUTBOX_FULL = "outbox_full"
    BUSY = "busy"
    CLOSED = "closed"
    FAULT = "fault"
    """A bug of ours: the event's own savepoint was rolled back, nobody else's."""


class JournalRefusedError(StoregateError):
    """The event is not on disk. Callers tell their user `try again`, never `done`."""

    def __init__(self, reason: Refusal, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


def refusal_of(error: OSError) -> Refusal:
    """The reason for an operating-system error met while writing."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Refusal.DISK_FULL
    return Refusal.READ_ONLY if error.errno == errno.EROFS else Refusal.IO_ERROR
