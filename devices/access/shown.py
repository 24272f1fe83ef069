"""The gate and its guests on the board."""

from __future__ import annotations

import logging
from typing import Protocol

from devices.access.leases import Leases
from devices.access.orders import Counts, GateError, GateStatus
from edge.board import Board, State
from edge.clock import Clock
from edge.errors import DeviceError
from edge.ids import Mac

log = logging.getLogger(__name__)


class Neighbourhood(Protocol):
    """`edge.portal.asks.Callers`, and how many they are."""

    async def mac_of(self, address: str) -> Mac | None: ...

    async def sent(self, mac: Mac, address: str, port: int) -> bool | None: ...

    async def present(self) -> frozenset[Mac]: ...


class Shown:
    def __init__(self, *, board: Board, clock: Clock, neighbours: Neighbourhood, leases: Leases | None) -> None:
        self._board, self._clock, self._neighbours, self._leases = board, clock, neighbours, leases

    def status(self, status: GateStatus) -> None:
        wifi = self._board.wifi
        states = {"in_place": State.UP, "starting": State.STARTING, "failed": State.DOWN}
        wifi.gate = State.DOWN if status.interface == "missing" else states[status.rules]
        wifi.gate_problem, wifi.gate_hint, wifi.gate_code = status.problem, status.hint, ""
        if status.interface != "up":
            wifi.gate_code = "interface"
        elif status.rules == "failed":
            wifi.gate_code = "rules"
        elif status.uplink != "up":
            wifi.gate_code = "uplink"
        if status.repairs != wifi.repairs:
            wifi.repairs, wifi.repaired = status.repairs, self._clock.now() if status.repairs else None
        wifi.interface, wifi.uplink_interface, wifi.fairness = status.interface, status.uplink, status.fairness

    async def present(self, counts: Counts) -> None:
        wifi = self._board.wifi
        wifi.members, wifi.counted = len(counts.members), self._clock.now()
        if self._leases is not None:
            await self._leases.look()
            wifi.lease_problem = self._leases.problem
        try:
            present = await self._neighbours.present()
        except DeviceError as error:
            log.debug("neighbours not counted: %s", error)
            return
        wifi.waiting = len(present - {each.mac for each in counts.members})

    def problem(self, error: GateError) -> None:
        wifi = self._board.wifi
        wifi.gate = State.WAITING
        if not wifi.gate_problem:  # the gate's own words say more
            wifi.gate_problem, wifi.gate_hint = str(error), error.hint
