"""What the gate is asked and what it answers, as its clients see it: `link` and `fake` do the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta

from edge.errors import DeviceError
from edge.ids import Mac

MAX_MEMBERS = 16_384


class GateProblem(StrEnum):
    BAD_REQUEST = "bad_request"
    NOT_READY = "not_ready"
    """Its rules are not in the kernel (yet)."""
    KERNEL = "kernel"
    """The kernel refused."""
    DOWN = "down"
    """Nothing answers on its socket."""
    SLOW = "slow"
    """No answer in time, or too many questions wait for one."""
    NONSENSE = "nonsense"
    """It does not speak our protocol."""


class GateError(DeviceError):
    """The gate did not do it."""

    def __init__(self, problem: GateProblem, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problem = problem


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A member as the kernel is to have it."""

    mac: Mac
    mark: int
    end_s: int
    """Until the hard end."""


Size = Annotated[int, Meta(ge=0)]


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """A member as the kernel has it."""

    mac: Mac
    mark: int
    up_bytes: Size
    down_bytes: Size
    end_s: float
    """0: its time is over, nothing passes any more; it is counted until it is revoked."""
    idle_left_s: float
    """0: silent for too long, nothing passes any more."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    run: str
    """Names the life of the counters: another one begins at 0."""
    members: Annotated[tuple[Counted, ...], Meta(max_length=MAX_MEMBERS)]


class UntilNow(msgspec.Struct, frozen=True, kw_only=True):
    """What a member had used when it was taken out, or let in again."""

    run: str
    mark: int
    up_bytes: Size
    down_bytes: Size


class GateStatus(msgspec.Struct, frozen=True, kw_only=True):
    version: str = ""
    rules: Literal["in_place", "failed", "starting"] = "starting"
    repairs: int = 0
    interface: str = ""
    """up | down | missing"""
    uplink: str = ""
    fairness: str = ""
    onlink: tuple[str, ...] = ()
    """Networks that the box is in itself, closed to guests."""
    problem: str = ""
    hint: str = ""


class Gate(Protocol):
    """Every method raises GateError, and has happened in the kernel when it returns."""

    async def connect(self, on_lost: Callable[[], None]) -> None:
        """`on_lost` is called once when the connection ends, however it does."""

    async def close(self) -> None: ...

    @property
    def connected(self) -> bool: ...

    async def allow(self, mac: Mac, *, mark: int, end_s: int) -> UntilNow | None:
        """None: it was no member."""

    async def revoke(self, mac: Mac) -> UntilNow | None:
        """None: it was no member."""

    async def reset(self, members: Sequence[Held]) -> tuple[Held, ...]:
        """Exactly these are members, in one step; but for those that it returns, which can't be any."""

    async def count(self) -> Counts: ...

    async def let(self, addresses: Sequence[str], for_s: int) -> None:
        """These may be reached by everybody for a while."""

    async def capture(self, *, members: bool) -> None:
        """Whether the DNS and port 80 of members lead to us too."""

    async def sent(self, mac: Mac, *, address: str, port: int) -> bool:
        """Whether this phone itself opened the connection from there to the portal."""

    async def status(self) -> GateStatus: ...
