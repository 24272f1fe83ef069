"""The file of beacon passwords: one line a beacon, `default` for all others. Nobody but its owner may read it.

default = "what-all-of-them-get"
door-1 = "what-this-one-gets"
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from devices.beacons.profile import BeaconProfile
from devices.beacons.provisioning import unlocks
from devices.beacons.provisioning.dialects.open import changes_secret
from edge.errors import Mistake, MistakesError, UsageError

DEFAULT = "default"
MAX_BYTES = 1_000_000


class Passwords:
    """Shows none of them."""

    def __init__(self, by_beacon: Mapping[str, str]) -> None:
        self._by_beacon = dict(by_beacon)
        self._later: Path | None = None

    @classmethod
    def later(cls, path: Path) -> Passwords:
        """Read when one is needed: no file is missed by beacons that have no password."""
        made = cls({})
        made._later = path
        return made

    def __repr__(self) -> str:
        return f"Passwords({len(self._by_beacon)})"

    def of(self, beacon: str) -> str:
        """Empty where there is none. Raises as `load` does, if it was not read yet."""
        if self._later is not None:
            self._by_beacon, self._later = _read(self._later), None
        return self._by_beacon.get(beacon, self._by_beacon.get(DEFAULT, ""))

    def now_of(self, beacon: str, profile: BeaconProfile) -> str:
        """The one to unlock it with; empty where the model has none, or none is given. Raises UsageError."""
        if profile.unlock.scheme in {"none", "button"}:
            return ""
        secret = self.of(beacon)
        if secret:
            self._fits(beacon, lambda: unlocks.secret_bytes(profile.unlock, secret))
        return secret

    def new_for(self, beacon: str, profile: BeaconProfile) -> str:
        """The one it shall get; empty where the model has none to change. Raises UsageError."""
        if not changes_secret(profile):
            return ""
        secret = self.of(beacon)
        if secret:
            self._fits(beacon, lambda: unlocks.new_secret(profile.unlock, secret))
        return secret

    def _fits(self, beacon: str, check: Callable[[], object]) -> None:
        try:
            check()
        except UsageError as error:
            if beacon in self._by_beacon:
                raise
            hint = f'{error.hint}; or give it a line of its own: {beacon} = "…"'
            raise UsageError(f"{error} (it is the file's `{DEFAULT}`)", hint=hint) from None


def load(path: Path) -> Passwords:
    """Raises UsageError, or MistakesError, which never shows what stands in the file."""
    return Passwords(_read(path))


def _read(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            readers = stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077
            if readers:
                raise UsageError(f"{path} can be read by others", hint=f"chmod 600 {path}")
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        hint = f'write it (door-1 = "its password") and chmod 600 {path}; or --passwords FILE'
        raise UsageError(f"can't read the beacons' passwords {path}: {error.strerror}", hint=hint) from error
    if len(text) > MAX_BYTES:
        raise UsageError(f"{path} is larger than a file of passwords can be")
    return _checked(path, text)


def _checked(path: Path, text: bytes) -> dict[str, str]:
    try:
        data = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        # the library's message may quote the line, password and all
        hint = 'one line a beacon: door-1 = "its password"'
        raise MistakesError(str(path), [Mistake("(TOML)", "it is no TOML")], hint=hint) from None
    wrong = [name for name, value in data.items() if not isinstance(value, str) or not value]
    if wrong:
        raise MistakesError(str(path), [Mistake(name, "wanted a password in quotes") for name in wrong])
    return data
