"""The guest Wi-Fi as the composition root builds it.

    access = build(config, clock=clock, board=board, members=…)     # None: there is none on this box
    drivers.extend(access.drivers)                                  # the gate's driver and the uplink's watch
    pump.on(OpenGate, access.open); pump.on(ShutGate, access.shut)  # return when the kernel has it
    PortalDesk(…, neighbours=access.neighbours)                     # async mac_of(address) -> Mac | None
    CaptiveDns(…, let=access.let)                                   # async let(addresses, for_s); raises GateError

`members`: who the store says is on, read anew each time the gate came back. `board.wifi` says how the gate and the
uplink are: `gate is State.UP`, `uplink is not False`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec

from devices.access.driver import GateDriver
from devices.access.fake import FakeGate, FakeNeighbours
from devices.access.leases import Leases
from devices.access.link import GateLink
from devices.access.neighbours import KernelNeighbours
from devices.access.orders import Gate
from devices.access.rtnetlink import Table
from devices.access.shown import Neighbourhood
from devices.access.uplink import Uplink
from devices.driver import Driver
from edge.access_answers import Member
from edge.board import Board
from edge.clock import Clock
from edge.config import Config
from edge.effects import OpenGate, ShutGate
from edge.ids import Mac

Members = Callable[[], Awaitable[Sequence[Member]]]


class Access(msgspec.Struct, frozen=True, kw_only=True):
    drivers: tuple[Driver, ...]
    neighbours: Neighbourhood
    open: Callable[[OpenGate], Awaitable[None]]
    shut: Callable[[ShutGate], Awaitable[None]]
    """Both take their place in the order when they are called, not when they are awaited."""
    lets: Callable[[Mac, int], bool]
    """Whether the kernel lets a session (its MAC and mark) through."""
    let: Callable[[Sequence[str], float], Awaitable[None]]
    gate: Gate
    """A FakeGate where `gate.driver` is fake: tests and the demo look into it."""
    uplink: Uplink
    """A fake gate's is up until `uplink.turn(up=False)`."""


def wanted(config: Config) -> bool:
    """Whether gateway.toml has a guest Wi-Fi on this box."""
    return config.gate.driver == "fake" or bool(config.gate.interface)


def build(config: Config, *, clock: Clock, board: Board, members: Members) -> Access | None:
    """Touches nothing yet: what is not there is the drivers' problem, and theirs to tell."""
    board.wifi.configured = wanted(config)
    if not wanted(config):
        return None
    leases: Leases | None = None
    gate: Gate
    neighbours: Neighbourhood
    if config.gate.driver == "fake":
        gate = fake = FakeGate(idle_s=config.gate.idle_s)
        neighbours = FakeNeighbours(fake)
        uplink = Uplink(board=board, clock=clock)
    else:
        gate = GateLink(Path(config.gate.socket))
        leases = Leases(Path(config.portal.leases_file))
        neighbours = KernelNeighbours(Table(config.gate.interface), leases, gate)
        uplink = Uplink.of(config, board=board, clock=clock)
    driver = GateDriver(
        gate,
        clock=clock,
        board=board,
        members=members,
        neighbours=neighbours,
        uplink=uplink,
        leases=leases,
        idle_s=config.gate.idle_s,
    )
    return Access(
        drivers=(driver, uplink),
        neighbours=neighbours,
        open=driver.open,
        shut=driver.shut,
        lets=driver.lets,
        let=driver.let,
        gate=gate,
        uplink=uplink,
    )
