"""What every driver is to the daemon."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from edge.events import Event

Submit = Callable[[Event], Awaitable[object]]
"""Gives an event to the journal; returns the store's reply once it is on disk. Raises JournalRefusedError."""


class Driver(Protocol):
    """One device, run by one supervised root task."""

    @property
    def name(self) -> str:
        """`scanner dock-1`: family and id, as the status page shows it."""

    async def run(self, submit: Submit) -> None:
        """Until cancelled. Raises DeviceError when the device can't be had: the supervisor tries again later.

        Tells DeviceFound and DeviceLost itself.
        """
