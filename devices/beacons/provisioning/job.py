"""What provisioning is asked for, what it answers, and how it fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum

from devices.beacons.link import TextLine
from devices.beacons.profile import BeaconProfile, Setting
from devices.beacons.provisioning.dialects.dialect import BlockedError, RefusedSecretError
from devices.beacons.provisioning.values import Settings, Value
from edge.errors import StoregateError, UsageError
from edge.shop.beacons import Beacon


class Step(StrEnum):
    FIND = "find"
    CONNECT = "connect"
    UNLOCK = "unlock"
    READ_BEFORE = "read_before"
    WRITE = "write"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 — the name of a step
    COMMIT = "commit"
    DISCONNECT = "disconnect"
    READ_BACK = "read_back"
    HEAR = "hear"
    ROLL_BACK = "roll_back"


class PasswordNow(StrEnum):
    """What became of it."""

    KEPT = "kept"
    CHANGED = "changed"
    UNKNOWN = "unknown"
    """One of the two."""


Progress = Callable[[Step], None]
OpenLine = Callable[[], AbstractAsyncContextManager[TextLine]]


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds a step may take."""

    find_s: float = 30.0
    connect_s: float = 20.0
    unlock_s: float = 15.0
    talk_s: float = 15.0
    """Each of read, write, commit, change of password."""
    hear_s: float = 20.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """One beacon, and what it shall be. Passwords are in no representation of it."""

    beacon: str
    """Its document's id: how it is called in messages."""
    profile: BeaconProfile
    address: str = ""
    """Empty only where a line leads to it."""
    wanted: Settings = field(default_factory=dict)
    secret: str = field(default="", repr=False)
    """What it has now; empty: as it left the factory."""
    new_secret: str = field(default="", repr=False)
    """Empty: it keeps the one it has."""
    unverified: bool = False
    """Goes on although the profile, or a field that is needed, is marked unsure."""
    line: OpenLine | None = None
    """A serial line to it, where it is not configured over the air."""
    patience: Patience = Patience()


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    before: dict[Setting, Value]
    """What it said at first; nothing of what can't be read."""
    settings: dict[Setting, Value]
    """What it has now: intervals as near as the model can."""
    changed: frozenset[Setting]
    left_out: frozenset[Setting]
    """Wanted, but this model has no place for them."""
    password_changed: bool = False
    password_proven: bool = False
    """It was unlocked with the new one. False where the model has no way to ask (it said yes to the change)."""
    read_back: bool = True
    """False: this model can't be read afterwards; it was heard."""


class ProvisionError(StoregateError):
    """A step failed. Says which, what to try, and in what state the beacon is."""

    def __init__(
        self,
        step: Step,
        message: str,
        *,
        hint: str,
        rolled_back: bool | None = None,
        password_now: PasswordNow = PasswordNow.KEPT,
    ) -> None:
        super().__init__(message, hint=hint)
        self.step = step
        self.rolled_back = rolled_back
        """None: nothing had been written."""
        self.password_now = password_now

    @property
    def is_wrong_secret(self) -> bool:
        """The one that was tried is not its password. (Of one that is blocked nobody knows.)"""
        return isinstance(self.__cause__, RefusedSecretError) and not isinstance(self.__cause__, BlockedError)


class StoppedError(ProvisionError):
    """Somebody pressed Ctrl-C: this beacon was given back what it had, and no other is begun."""


def settings_of(beacon: Beacon, *, url: str = "") -> dict[Setting, Value]:
    """What a document asks for. Raises UsageError for one that rotates: to work out its next minor it needed the key of
    the whole shop, and whoever takes a beacon from the wall can read it out.
    """
    if beacon.rotating:
        hint = 'set "rotating": false in its document, or let the gateway send it ("profile": "gateway")'
        raise UsageError(
            f"{beacon.id} rotates: only the gateway's own radio does, others keep what they get", hint=hint
        )
    settings: dict[Setting, Value] = {
        Setting.UUID: beacon.uuid,
        Setting.MAJOR: beacon.major,
        Setting.MINOR: beacon.minor,
        Setting.MEASURED_POWER: beacon.measured_power_dbm,
        Setting.INTERVAL: beacon.interval_ms,
    }
    if beacon.tx_power_dbm is not None:
        settings[Setting.TX_POWER] = beacon.tx_power_dbm
    if url:
        settings[Setting.URL] = url
    return settings
