"""The gate's driver: what the store says becomes so in the kernel, what the kernel counted comes back.

Theory of operation. The gate is another process and may die; what the kernel has then stays as it is. So everything is
told anew after each connect, in one step: exactly the store's sessions are members. In between orders of the store go
out as they come, and every ten seconds the kernel's members are counted. Who is silent for too long, or whose time was
over, is told to the store as gone. Members that differ from what was ordered are told anew as well: an order that was
lost heals there. While members are read and told, orders wait: one that was given before is in what was read.

`_held` is what the kernel should have. An order is in it before it is sent, so whoever is in it both before and after
a count, unchanged, must be in that count.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import NamedTuple, Protocol

from devices.access.leases import Leases
from devices.access.link import HINT
from devices.access.orders import Counts, Gate, GateError, GateProblem, GateStatus, Held
from devices.access.uplink import Uplink
from devices.driver import Submit
from edge.access_answers import LeftReason, Member
from edge.board import Board, State
from edge.clock import Clock
from edge.effects import OpenGate, ShutGate
from edge.errors import DeviceError, JournalRefusedError
from edge.events import DeviceFound, DeviceLost
from edge.events.access import GuestGone, GuestsCounted, SessionCount
from edge.ids import DeviceId, Mac

log = logging.getLogger(__name__)

DEVICE = DeviceId("gate")
KIND = "gate"
COUNT_S = 10.0
AGAIN_S = 2.0
"""After it refused: its rules may be on their way in."""
BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Then 5 s for ever: guests wait at the door meanwhile."""
ENDED_S = 2.0
"""The kernel's clock and ours agree on a hard end within this."""
MAX_LET_S = 86_400
SILENT = frozenset({GateProblem.DOWN, GateProblem.SLOW, GateProblem.NONSENSE})
"""What only a new connection cures."""


class Neighbourhood(Protocol):
    """`edge.portal.asks.Callers`, and how many they are."""

    async def mac_of(self, address: str) -> Mac | None: ...

    async def sent(self, mac: Mac, address: str, port: int) -> bool | None: ...

    async def present(self) -> frozenset[Mac]: ...


class Ordered(NamedTuple):
    mark: int
    end_at_s: float
    """By the loop's clock."""


class GateDriver:
    def __init__(
        self,
        gate: Gate,
        *,
        clock: Clock,
        board: Board,
        members: Callable[[], Awaitable[Sequence[Member]]],
        neighbours: Neighbourhood,
        uplink: Uplink,
        leases: Leases | None = None,
        idle_s: float,
    ) -> None:
        self._gate, self._clock, self._board = gate, clock, board
        self._members, self._neighbours, self._leases = members, neighbours, leases
        self._uplink, self._idle_s = uplink, idle_s
        uplink.on_turn(self._turned)
        self._held: dict[Mac, Ordered] = {}
        self._told: dict[int, SessionCount] = {}
        self._settled = asyncio.Event()
        self._settled.set()
        self._wake = asyncio.Event()
        self._doubt = False
        """The kernel may have other members than it should: they are told anew."""
        self._captured: bool | None = None
        self._found = False
        self._problem = ""
        self._submit: Submit

    @property
    def name(self) -> str:
        return "gate"

    # --- orders of the store -------------------------------------------------------------------------------

    async def open(self, effect: OpenGate) -> None:
        """Returns when the kernel lets the guest through. Raises GateError."""
        await self._settled.wait()
        left_s = max(1, math.ceil(effect.left_s))
        self._held[effect.mac] = Ordered(effect.mark, _now_s() + left_s)
        await self._order(self._gate.allow(effect.mac, mark=effect.mark, end_s=left_s))

    async def shut(self, effect: ShutGate) -> None:
        """Returns when nothing of the guest passes any more. Raises GateError."""
        await self._settled.wait()
        held = self._held.get(effect.mac)
        if held is not None and held.mark != effect.mark:
            return  # a later session of the same phone
        self._held.pop(effect.mac, None)
        self._told.pop(effect.mark, None)
        await self._order(self._gate.revoke(effect.mac))

    async def let(self, addresses: Sequence[str], for_s: float) -> None:
        """The walled garden: returns when everybody reaches them. Raises GateError."""
        if addresses:
            await self._gate.let(addresses, min(MAX_LET_S, max(1, math.ceil(for_s))))

    async def _order(self, done: Awaitable[None]) -> None:
        try:
            await done
        except GateError:
            self._doubt = True
            self._wake.set()
            raise

    def _turned(self) -> None:
        self._wake.set()

    # --- the life of a connection --------------------------------------------------------------------------

    async def run(self, submit: Submit) -> None:
        self._submit = submit
        attempt = 0
        try:
            while True:
                began_s = _now_s()
                try:
                    await self._gate.connect(self._wake.set)
                    self._doubt, self._captured = True, None
                    await self._life()
                except GateError as error:
                    await self._lost(error)
                    attempt = 0 if _now_s() - began_s > COUNT_S else attempt + 1
                finally:
                    await self._gate.close()
                await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
        finally:
            self._board.wifi.gate = State.DOWN

    async def _life(self) -> None:
        """Until the connection ends. Raises GateError."""
        due_s = _now_s()
        while True:
            self._wake.clear()
            if not self._gate.connected:
                raise GateError(GateProblem.DOWN, "the gate hung up", hint=HINT)
            due = _now_s() >= due_s
            if due:
                due_s = _now_s() + COUNT_S
                self._show(await self._gate.status())
            try:
                await self._round(due=due)
            except GateError as error:
                if error.problem in SILENT:
                    raise
                self._doubt = True
                self._show_problem(error)
                due_s = min(due_s, _now_s() + AGAIN_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due_s - _now_s())):
                    await self._wake.wait()

    async def _round(self, *, due: bool) -> None:
        if self._doubt:
            await self._settle()
        await self._capture()
        await self._well()
        if due:
            before = dict(self._held)
            counts = await self._gate.count()
            await self._tell_counts(counts, {each.mark for each in self._held.values()})
            await self._tell_gone(counts, before)
            await self._show_present(counts)

    async def _settle(self) -> None:
        """Exactly the store's sessions are members. Orders wait meanwhile, so nothing is told to the store before."""
        self._settled.clear()
        overdue: list[Member] = []
        try:
            counts = await self._gate.count()
            wanted, held = dict[Mac, Held](), dict[Mac, Ordered]()
            members = await self._members()
            at_ms, now_s = self._clock.now().at_ms, _now_s()
            for member in members:
                left_s = math.ceil((member.to_ms - at_ms) / 1000)
                if left_s <= 0:
                    overdue.append(member)
                    continue
                wanted[member.mac] = Held(mac=member.mac, mark=member.mark, end_s=left_s)
                held[member.mac] = Ordered(member.mark, now_s + left_s)
            refused = await self._gate.reset(tuple(wanted.values()))
            for each in refused:
                held.pop(each.mac, None)
            self._held, self._doubt = held, False
        finally:
            self._settled.set()
        await self._tell_counts(counts, {member.mark for member in members})
        seen = {each.mark for each in counts.members}
        if refused:
            log.error("the gate can't let %d of %d sessions in; they end, the others go on", len(refused), len(wanted))
        for each in refused:
            await self._tell(each.mark, LeftReason.LOST)
        for member in overdue:
            await self._tell(member.mark, LeftReason.TIME if member.mark in seen else LeftReason.LOST)

    async def _capture(self) -> None:
        """Without an uplink members' DNS and port 80 come to us: our own pages still open."""
        wanted = self._uplink.up is False
        if self._captured is not wanted:
            await self._gate.capture(members=wanted)
            self._captured = wanted

    # --- what the kernel says ------------------------------------------------------------------------------

    async def _tell_counts(self, counts: Counts, marks: AbstractSet[int]) -> None:
        """`marks`: the sessions that the store knows."""
        changed: list[SessionCount] = []
        for each in counts.members:
            count = SessionCount(mark=each.mark, up_bytes=each.up_bytes, down_bytes=each.down_bytes, run=counts.run)
            used = each.up_bytes or each.down_bytes or each.mark in self._told
            if used and each.mark in marks and self._told.get(each.mark) != count:
                changed.append(count)
        if changed:
            try:
                await self._submit(GuestsCounted(at=self._clock.now(), counts=tuple(changed)))
            except JournalRefusedError as error:
                log.warning("the guests' bytes were not kept: %s", error)
                return  # told again with the next count
            self._told.update({count.mark: count for count in changed})
        self._told = {mark: count for mark, count in self._told.items() if mark in marks}

    async def _tell_gone(self, counts: Counts, before: dict[Mac, Ordered]) -> None:
        """Who is silent, whose time was over; and whether the kernel has others than it should."""
        there = {each.mac: each for each in counts.members}
        now_s = _now_s()
        for mac, ordered in before.items():
            if self._held.get(mac) != ordered:
                continue  # an order came in between
            seen = there.get(mac)
            if seen is not None and seen.mark == ordered.mark and seen.end_s > 0:
                if seen.idle_left_s <= 0:
                    await self._gone(mac, ordered, LeftReason.IDLE)
            elif ordered.end_at_s - now_s <= ENDED_S:
                await self._gone(mac, ordered, LeftReason.TIME)
            else:
                self._doubt = True
        for mac in there:
            if mac not in before and mac not in self._held:
                self._doubt = True
        if self._doubt:
            self._wake.set()

    async def _gone(self, mac: Mac, ordered: Ordered, reason: LeftReason) -> None:
        idle_s = self._idle_s if reason is LeftReason.IDLE else 0.0
        if not await self._tell(ordered.mark, reason, idle_s=idle_s):
            return  # told again with the next count
        if self._held.get(mac) == ordered:  # the store had no order for it: it knew the session no more
            self._held.pop(mac)
            await self._order(self._gate.revoke(mac))

    async def _tell(self, mark: int, reason: LeftReason, *, idle_s: float = 0.0) -> bool:
        try:
            await self._submit(GuestGone(at=self._clock.now(), mark=mark, reason=reason, idle_s=idle_s))
        except JournalRefusedError as error:
            log.warning("that a guest is gone was not kept: %s", error)
            return False
        return True

    # --- the board -----------------------------------------------------------------------------------------

    def _show(self, status: GateStatus) -> None:
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

    async def _show_present(self, counts: Counts) -> None:
        wifi = self._board.wifi
        wifi.members = len(counts.members)
        if self._leases is not None:
            await self._leases.look()
            wifi.lease_problem = self._leases.problem
        try:
            present = await self._neighbours.present()
        except DeviceError as error:
            log.debug("neighbours not counted: %s", error)
            return
        wifi.waiting = len(present - {each.mac for each in counts.members})

    async def _well(self) -> None:
        self._problem = ""
        if not self._found:
            with suppress(JournalRefusedError):
                await self._submit(DeviceFound(at=self._clock.now(), device=DEVICE, kind=KIND))
                self._found = True

    def _show_problem(self, error: GateError) -> None:
        wifi = self._board.wifi
        wifi.gate = State.WAITING
        if not wifi.gate_problem:  # the gate's own words say more
            wifi.gate_problem, wifi.gate_hint = str(error), error.hint

    async def _lost(self, error: GateError) -> None:
        """Told once, not each time it is still so."""
        wifi = self._board.wifi
        wifi.gate, wifi.gate_problem, wifi.gate_hint, wifi.gate_code = State.WAITING, str(error), error.hint, ""
        if not self._found and str(error) == self._problem:
            return
        self._found, self._problem = False, str(error)
        log.warning("%s", error)
        with suppress(JournalRefusedError):
            problem = str(error)[:200]
            await self._submit(DeviceLost(at=self._clock.now(), device=DEVICE, kind=KIND, problem=problem))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
