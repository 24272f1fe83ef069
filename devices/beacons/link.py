"""How a beacon is talked to while it is configured: GATT over the air, or text over a line. Protocols only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

from devices.beacons.advert import Advert
from edge.errors import DeviceError


class LinkProblem(StrEnum):
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    """It does not take connections (now): the connectable window is over, or somebody else is connected."""
    LOST = "lost"
    """It went away in the middle."""
    TIMEOUT = "timeout"
    NO_CHARACTERISTIC = "no_characteristic"
    NOT_PERMITTED = "not_permitted"
    """It refused a read or a write."""


class LinkError(DeviceError):
    def __init__(self, problem: LinkProblem, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problem = problem


class GattSession(Protocol):
    """A connection. Characteristics are 128-bit UUIDs, lower case. Every method raises LinkError, nothing else."""

    @property
    def characteristics(self) -> frozenset[str]: ...

    async def read(self, characteristic: str) -> bytes: ...

    async def write(self, characteristic: str, data: bytes, *, response: bool = True) -> None: ...

    def notifications(self, characteristic: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Subscribed while the block lasts; ends by LinkError(LOST) when the connection does."""


class Radio(Protocol):
    """What provisioning needs of an adapter; scanning of others pauses for it."""

    def connect(self, address: str, *, timeout_s: float) -> AbstractAsyncContextManager[GattSession]: ...

    def hear(self) -> AbstractAsyncContextManager[AsyncIterator[Advert]]:
        """Everything that is on the air while the block lasts."""


class TextLine(Protocol):
    """A serial line or a GATT UART: bytes both ways."""

    async def send(self, data: bytes) -> None: ...

    async def receive(self, *, timeout_s: float) -> bytes:
        """What came since, at least one byte. Raises LinkError(TIMEOUT)."""
