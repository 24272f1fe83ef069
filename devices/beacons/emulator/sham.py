"""What every emulated beacon has in common: settings it keeps, settings it sends, and what may be wrong with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple

from devices.beacons.emulator import air_data
from devices.beacons.profile import BeaconProfile, Setting

Value = int | float | str
Settings = Mapping[Setting, Value]
FACTORY: dict[Setting, Value] = {
    Setting.UUID: "e2c56db5-dffb-48d2-b060-d0f5a71096e0",
    Setting.MAJOR: 0,
    Setting.MINOR: 0,
    Setting.MEASURED_POWER: -59,
    Setting.TX_POWER: 0,
    Setting.INTERVAL: 1000,
    Setting.NAME: "",
    Setting.URL: "https://example.com/",
}
"""How it leaves the factory, where a test does not say."""


class Code(IntEnum):
    """ATT errors."""

    READ_NOT_PERMITTED = 0x02
    WRITE_NOT_PERMITTED = 0x03
    WRONG_LENGTH = 0x0D
    VALUE_NOT_ALLOWED = 0x13


class Refused(Exception):  # noqa: N818 - an answer, not a mistake
    def __init__(self, code: Code = Code.WRITE_NOT_PERMITTED) -> None:
        super().__init__(code.name)
        self.code = code


class Gone(Exception):  # noqa: N818
    """It drops the connection instead of answering."""


class Step(StrEnum):
    """What an access is for: where a fault may strike."""

    CONNECT = "connect"
    UNLOCK = "unlock"
    READ = "read"
    """Before anything was written."""
    WRITE = "write"
    COMMIT = "commit"
    READ_BACK = "read_back"


@dataclass(frozen=True, kw_only=True)
class Faults:
    drop_at: tuple[Step, int] | None = None
    """The connection is lost instead of the nth answer (from 0) in a step, once."""
    takes_effect: bool = False
    """What was asked for then is done all the same: only the answer is lost."""
    dead_after_drop: bool = False
    """And it takes no other one."""
    refuses: Setting | None = None
    """Does not let this one be written."""
    wrong_endian: bool = False
    """Major and minor go out with their bytes swapped."""
    lies: bool = False
    """Reads back what was written, and goes on sending what it sent."""
    mute: bool = False
    """Sends no frame of its own any more once it was changed."""
    keeps_password: bool = False
    """Says yes to a new password and keeps the old one."""
    closed: bool = False
    """Its connectable window is over."""
    window_s: float = 0.0
    """It takes connections so long after power-on; 0: always."""
    slow_s: float = 0.0
    """Each answer takes so long."""


class Characteristic(NamedTuple):
    uuid: str
    properties: str
    """As bumble writes them: `READ|WRITE|NOTIFY`."""


@dataclass(kw_only=True)
class Sham:
    """A beacon's insides. Its kinds say what reading and writing do."""

    profile: BeaconProfile
    secret: str = ""
    settings: Settings = field(default_factory=dict)
    faults: Faults = Faults()
    address: str = "C1:00:00:00:00:01"
    kept: dict[Setting, Value] = field(init=False)
    """What it would read back."""
    sent: dict[Setting, Value] = field(init=False)
    """What is on the air."""
    services: dict[str, tuple[Characteristic, ...]] = field(init=False, default_factory=dict)
    notify: Callable[[str, bytes], None] = field(init=False, default=lambda _uuid, _data: None)
    steps: Counter[Step] = field(init=False, default_factory=Counter)
    """How many accesses each step had: tells a test where faults can strike."""
    connectable: bool = field(init=False, default=True)
    hangs_up: bool = field(init=False, default=False)
    """It ends the connection after this answer: it reboots."""
    identified: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.kept = {**FACTORY, **self.settings}
        self.sent = dict(self.kept)
        self._changed = False
        self._dropped = False
        self._muted = False
        self.prepare()

    def prepare(self) -> None:
        """Says its `services`."""
        raise NotImplementedError

    def read(self, uuid: str, /) -> bytes:
        raise NotImplementedError

    def write(self, uuid: str, data: bytes, /) -> None:
        raise NotImplementedError

    def step_of(self, uuid: str, data: bytes | None, /) -> Step:
        """What an access is for; data None: a read."""
        raise NotImplementedError

    @property
    def interval_s(self) -> float:
        return float(self.sent[Setting.INTERVAL]) / 1000

    async def asked(self, uuid: str) -> bytes:
        if await self._drops(self.step_of(uuid, None)):
            raise Gone
        return self.read(uuid)

    async def told(self, uuid: str, data: bytes) -> bytes:
        step = self.step_of(uuid, data)
        if await self._drops(step):
            if self.faults.takes_effect:
                self._done_unheard(uuid, data)
            raise Gone
        self.write(uuid, data)
        self._changed = self._changed or step in {Step.WRITE, Step.COMMIT}
        return b""

    def _done_unheard(self, uuid: str, data: bytes) -> None:
        notify, self.notify = self.notify, lambda _uuid, _data: None
        with contextlib.suppress(Refused):
            self.write(uuid, data)
        self.notify = notify

    def read_step(self) -> Step:
        return Step.READ_BACK if self._changed else Step.READ

    def connected(self) -> None:
        """A new conversation."""
        self.hangs_up = False

    def disconnected(self) -> None:
        """The conversation is over."""

    def apply(self) -> None:
        """What it keeps goes on the air."""
        if self.faults.mute and self.kept != self.sent:
            self._muted = True
        if not self.faults.lies:
            self.sent = dict(self.kept)

    def refuses(self, setting: Setting, value: Value) -> bool:
        """Another value than the one it has."""
        return self.faults.refuses is setting and self.kept[setting] != value

    def frames(self) -> list[bytes]:
        """PDUs of one advertising event."""
        told, frames = self.sent, []
        if self._muted:
            return air_data.who_it_is(self.profile, str(told[Setting.NAME]))
        if "ibeacon" in self.profile.frames:
            major, minor = int(told[Setting.MAJOR]), int(told[Setting.MINOR])
            if self.faults.wrong_endian:
                major, minor = (int.from_bytes(one.to_bytes(2, "big"), "little") for one in (major, minor))
            power = int(told[Setting.MEASURED_POWER])
            frames.append(air_data.ibeacon(str(told[Setting.UUID]), major, minor, power))
        return [*frames, *self.more_frames(), *air_data.who_it_is(self.profile, str(told[Setting.NAME]))]

    def more_frames(self) -> list[bytes]:
        return []

    async def _drops(self, step: Step) -> bool:
        """Whether the connection ends here."""
        nth = self.steps[step]
        self.steps[step] += 1
        if self.faults.slow_s:
            await asyncio.sleep(self.faults.slow_s)
        if self.faults.drop_at == (step, nth) and not self._dropped:
            self._dropped = True
            self.connectable = not self.faults.dead_after_drop
            return True
        return False
