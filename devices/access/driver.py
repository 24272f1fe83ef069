"""The gate's driver: what the store says becomes so in the kernel, what the kernel counted comes back.

Theory of operation. The gate is another process and may die; what the kernel has then stays as it is. So everything is
told anew after each connect, in one step: exactly the store's sessions are members. In between orders of the store go
out as they come, and every ten seconds the kernel's members are counted. Who is silent for too long, or whose time was
over, is told to the store as gone. Members that differ from what was ordered are told anew as well, and so is all when
the store has other sessions than were ordered: an order that was lost heals there.

Orders are sent in the order in which they are given, which is that of the store's commits (`open` and `shut` take their
place when they are called, not when they are awaited). While members are read and told, orders wait for their turn: one
that was given before is in what was read.

`_held` is what the kernel should have. An order is in it before it is sent, so whoever is in it both before and after
a count, unchanged, must be in that count. `_inside` is what the kernel was last known to have.

With a member its counters go: the gate answers with the last of them, and the store hears that no more will come.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec

from devices.access.leases import Leases
from devices.access.link import HINT
from devices.access.orders import Counts, Gate, GateError, GateProblem, Held, UntilNow
from devices.access.shown import Neighbourhood, Shown
from devices.access.teller import Teller
from devices.access.uplink import Uplink
from devices.driver import Submit
from edge.access_answers import LeftReason, Member
from edge.board import Board, State
from edge.clock import Clock
from edge.effects import OpenGate, ShutGate
from edge.errors import JournalRefusedError
from edge.events import DeviceFound, DeviceLost
from edge.events.access import GuestGone, SessionCount
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


E = TypeVar("E", OpenGate, ShutGate)


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
        self._members = members
        self._shown = Shown(board=board, clock=clock, neighbours=neighbours, leases=leases)
        self._uplink, self._idle_s = uplink, idle_s
        uplink.on_turn(self._turned)
        self._held: dict[Mac, Ordered] = {}
        self._inside: dict[Mac, int] | None = None
        """MAC → mark; None: the kernel was not looked at yet."""
        self._told: dict[int, SessionCount] = {}
        self._teller = Teller(clock)
        self._uncounted: set[int] = set()
        """Marks whose last bytes could not be asked for."""
        self._settling = False
        self._turns: list[Callable[[], None]] = []
        self._orders: set[asyncio.Task[None]] = set()
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

    def open(self, effect: OpenGate) -> asyncio.Future[None]:
        """Done when the kernel lets the guest through. Raises GateError."""
        return self._ordered(self._open, effect)

    def shut(self, effect: ShutGate) -> asyncio.Future[None]:
        """Done when nothing of the guest passes any more. Raises GateError."""
        return self._ordered(self._shut, effect)

    def lets(self, mac: Mac, mark: int) -> bool:
        """Whether the kernel lets a session through. While nobody has looked yet (the gate has been away since we
        began), whom the store knows was let in by our last life.
        """
        return self._inside is None or self._inside.get(mac) == mark

    def _ordered(self, do: Callable[[E], Coroutine[None, None, None]], effect: E) -> asyncio.Future[None]:
        """Tasks begin in the order in which they were made, and send before they wait."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def begin() -> None:
            task = asyncio.create_task(do(effect))
            self._orders.add(task)
            task.add_done_callback(self._orders.discard)
            task.add_done_callback(partial(_answer, done))

        if self._settling:
            self._turns.append(begin)
        else:
            begin()
        return done

    async def _open(self, effect: OpenGate) -> None:
        left_s = max(1, math.ceil(effect.left_s))
        before = self._held.get(effect.mac)
        self._held[effect.mac] = Ordered(effect.mark, _now_s() + left_s)
        try:
            until_now = await self._order(self._gate.allow(effect.mac, mark=effect.mark, end_s=left_s))
        except GateError:
            if before is not None:
                self._uncounted.add(before.mark)
            raise
        if self._inside is not None:
            self._inside[effect.mac] = effect.mark
        if until_now is not None or before is not None:
            self._no_more(until_now, set() if before is None else {before.mark})

    async def _shut(self, effect: ShutGate) -> None:
        held = self._held.get(effect.mac)
        if held is not None and held.mark != effect.mark:  # a later session of the same phone
            self._no_more(None, {effect.mark})
            return
        self._held.pop(effect.mac, None)
        try:
            until_now = await self._order(self._gate.revoke(effect.mac))
        except GateError:
            self._uncounted.add(effect.mark)
            raise
        if self._inside is not None:
            self._inside.pop(effect.mac, None)
        self._no_more(until_now, {effect.mark})

    def _no_more(self, until_now: UntilNow | None, over: set[int]) -> None:
        """Nobody waits for it to be told: the store may answer with orders of its own."""
        counts: list[SessionCount] = []
        if until_now is not None:
            over = over | {until_now.mark}
            counts.append(SessionCount(**msgspec.structs.asdict(until_now)))
        for mark in over:
            self._told.pop(mark, None)
        self._teller.put(counts, sorted(over))

    async def let(self, addresses: Sequence[str], for_s: float) -> None:
        """The walled garden: returns when everybody reaches them. Raises GateError."""
        if addresses:
            await self._gate.let(addresses, min(MAX_LET_S, max(1, math.ceil(for_s))))

    async def _order(self, done: Awaitable[UntilNow | None]) -> UntilNow | None:
        try:
            return await done
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
        telling = asyncio.create_task(self._teller.run(submit), name="gate counts")
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
            telling.cancel()
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
                self._shown.status(await self._gate.status())
            try:
                await self._round(due=due)
            except GateError as error:
                if error.problem in SILENT:
                    raise
                self._doubt = True
                self._shown.problem(error)
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
            self._inside = {each.mac: each.mark for each in counts.members if each.end_s > 0 and each.idle_left_s > 0}
            await self._tell_counts(counts)
            await self._tell_gone(counts, before)
            await self._compare()
            await self._shown.present(counts)

    async def _settle(self) -> None:
        """Exactly the store's sessions are members. Orders wait meanwhile, so nothing is told to the store before."""
        self._settling = True
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
            self._inside = {mac: each.mark for mac, each in held.items()}
        finally:
            self._settling = False
            turns, self._turns = self._turns, []
            for begin in turns:
                begin()
        stay = {each.mark for each in held.values()}
        over, self._uncounted = self._uncounted | {each.mark for each in counts.members} - stay, set()
        await self._tell_counts(counts, over)
        seen = {each.mark for each in counts.members}
        if refused:
            log.error("the gate can't let %d of %d sessions in; they end, the others go on", len(refused), len(wanted))
        for each in refused:
            await self._tell(each.mark, LeftReason.REFUSED)
        for member in overdue:
            await self._tell(member.mark, LeftReason.TIME if member.mark in seen else LeftReason.LOST)

    async def _compare(self) -> None:
        """Whether the store has the sessions that were ordered; where an order is on its way they are told in vain."""
        known = {member.mac: member.mark for member in await self._members()}
        if known != {mac: ordered.mark for mac, ordered in self._held.items()}:
            self._doubt = True
            self._wake.set()

    async def _capture(self) -> None:
        """Without an uplink members' DNS and port 80 come to us: our own pages still open."""
        wanted = self._uplink.up is False
        if self._captured is not wanted:
            await self._gate.capture(members=wanted)
            self._captured = wanted

    # --- what the kernel says ------------------------------------------------------------------------------

    async def _tell_counts(self, counts: Counts, over: set[int] | None = None) -> None:
        """Those that changed. `over`: marks of which these were the last ones."""
        changed: list[SessionCount] = []
        for each in counts.members:
            count = SessionCount(mark=each.mark, up_bytes=each.up_bytes, down_bytes=each.down_bytes, run=counts.run)
            used = each.up_bytes or each.down_bytes or each.mark in self._told
            if used and self._told.get(each.mark) != count:
                changed.append(count)
        if (changed or over) and await self._teller.put(changed, sorted(over or ())):
            self._told.update({count.mark: count for count in changed})
        marks = {each.mark for each in counts.members}
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

    async def _well(self) -> None:
        self._problem = ""
        if not self._found:
            with suppress(JournalRefusedError):
                await self._submit(DeviceFound(at=self._clock.now(), device=DEVICE, kind=KIND))
                self._found = True

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


def _answer(done: asyncio.Future[None], task: asyncio.Task[None]) -> None:
    """Who gave the order may have gone meanwhile."""
    error = None if task.cancelled() else task.exception()
    if done.done():
        return
    if task.cancelled():
        done.cancel()
    elif error is not None:
        done.set_exception(error)
    else:
        done.set_result(None)
