"""What to try, and in which order, when a radio does not listen. Pure.

A ladder: the scan is begun again, then the adapter is switched off and on, then its USB port is pulled by software,
each only where it can help and is allowed, each with a longer pause before it. When all was tried, a person is told
what to do, the whole begins again later, and silence is given more time: a shop whose beacons were all switched off
for the night sounds like a deaf radio, and must not be reset every minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from edge.events import RadioStep


class Reason(StrEnum):
    STALLED = "stalled"
    IN_PROGRESS = "in_progress"
    POWERED_OFF = "powered_off"
    BUS_LOST = "bus_lost"
    ADAPTER_REMOVED = "adapter_removed"
    ERROR = "error"


RESTART, POWER, USB = RadioStep.RESTART_SCAN, RadioStep.POWER_CYCLE, RadioStep.USB_RESET
LADDERS: Mapping[Reason, tuple[RadioStep, ...]] = MappingProxyType(
    {
        Reason.STALLED: (RESTART, POWER, USB),
        Reason.IN_PROGRESS: (RESTART, RESTART, POWER, USB),
        Reason.POWERED_OFF: (POWER, RESTART, USB),
        Reason.BUS_LOST: (RESTART, RESTART, RESTART),  # not the radio's fault: it waits for bluetoothd
        Reason.ADAPTER_REMOVED: (RESTART, USB, RESTART),
        Reason.ERROR: (RESTART, RESTART, POWER, USB),
    }
)
PAUSES_S = (0.2, 1.0, 2.0, 5.0, 10.0)
"""Before the first step, the second …; the last one for all others."""
WAITS_S = (5.0, 10.0, 20.0)
"""The same where something must come back first: the step is taken as soon as it does."""
COMES_BACK = frozenset({Reason.BUS_LOST, Reason.ADAPTER_REMOVED})
SEEN = COMES_BACK | {Reason.POWERED_OFF}
"""When these are over is seen: once given up, they are only waited for."""
MAX_PATIENCE = 64
"""Times `stall_s`: half an hour at 30 s."""
HINTS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.STALLED: "are the beacons on? else: sudo systemctl restart bluetooth, then unplug and plug the adapter",
        Reason.IN_PROGRESS: "sudo systemctl restart bluetooth; does another program scan on this adapter?",
        Reason.POWERED_OFF: "rfkill unblock bluetooth; bluetoothctl power on; or allow radios.power_cycle",
        Reason.BUS_LOST: "sudo systemctl restart bluetooth; journalctl -u bluetooth says why it ended",
        Reason.ADAPTER_REMOVED: "plug it in; bluetoothctl list shows which adapters there are",
        Reason.ERROR: "sudo systemctl restart bluetooth; journalctl -u bluetooth says more",
    }
)


class Move(NamedTuple):
    """The next step."""

    step: RadioStep
    wait_s: float
    """Or less, where what it waits for is there."""
    attempt: int
    """1 for the first since the radio listened."""


class Ladder:
    """Of one radio, for the life of the daemon."""

    def __init__(self, *, power_cycle: bool, usb_reset: bool) -> None:
        allowed = {RESTART, *((POWER,) if power_cycle else ()), *((USB,) if usb_reset else ())}
        self._steps = {
            reason: tuple(step for step in steps if step in allowed) or (RESTART,) for reason, steps in LADDERS.items()
        }
        self._rung = self._attempt = self._given_up = self._skip = 0
        self.reason: Reason | None = None
        """Why the radio does not listen; None: it does, as far as is known."""

    @property
    def patience(self) -> int:
        """Silence is a stall after so many times `stall_s`."""
        return min(MAX_PATIENCE, 1 << self._given_up)

    def fell(self, reason: Reason) -> Move | None:
        """It does not listen (any more). None: all was tried, and is again only after ever more falls."""
        if reason is not self.reason:
            self._skip = 0
            if self._rung >= len(self._steps[reason]):
                self._rung = 0  # a new trouble has steps that were not tried for it
        self.reason = reason
        steps = self._steps[reason]
        if self._skip:
            self._skip -= reason not in SEEN
            return None
        if self._rung >= len(steps):
            self._rung = 0
            self._given_up = min(self._given_up + 1, MAX_PATIENCE.bit_length())
            self._skip = 0 if reason is Reason.STALLED else (1 << self._given_up) - 1  # a stall has its patience
            return None
        step, pauses_s = steps[self._rung], WAITS_S if reason in COMES_BACK else PAUSES_S
        wait_s = pauses_s[min(self._attempt, len(pauses_s) - 1)]
        self._rung += 1
        self._attempt += 1
        return Move(step, wait_s, self._attempt)

    def listens(self) -> int:
        """It does, surely. Steps that it took; 0: it never fell."""
        taken = self._attempt
        self._rung = self._attempt = self._given_up = self._skip = 0
        self.reason = None
        return taken
