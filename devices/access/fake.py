"""A gate without a kernel, and guests without phones: for the demo and tests; `gate.driver = "fake"`.

Members have their hard and idle ends, and bytes that grow while they last, by the loop's clock. Each address of
loopback is a phone: 127.0.0.7 is 02:53:47:00:00:07.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Sequence

import msgspec

from devices.access.orders import Counted, Counts, GateError, GateProblem, GateStatus, Held, UntilNow
from edge.ids import Mac

UP_PER_S = 20_000
DOWN_PER_S = 200_000
HERE_S = 30.0
"""Who asked for nothing so long has gone: acted days are short."""
MOST_ASKED = 1000
MAX_END_S = 10 * 366 * 86_400


class FakeMember(msgspec.Struct, kw_only=True):
    mark: int
    since_s: float
    end_s: float
    heard_s: float
    """By the loop's clock, all three."""
    spent_up: int = 0
    spent_down: int = 0


class FakeGate:
    """`devices.access.orders.Gate`, in memory. Its fields may be looked at and changed by tests."""

    def __init__(self, *, idle_s: float, chatty: bool = True) -> None:
        self.idle_s = idle_s
        self.chatty = chatty
        """Members use the network all the time; else only when `hear` says so."""
        self.members: dict[Mac, FakeMember] = {}
        self.open_addresses: dict[str, float] = {}
        self.captures_members = False
        self.shown = GateStatus(version="fake", rules="in_place", interface="up", uplink="up", fairness="none")
        self.refuses: GateError | None = None
        """What every order is answered with."""
        self.run = "fake-1"
        self._on_lost: Callable[[], None] | None = None

    @property
    def connected(self) -> bool:
        return self._on_lost is not None

    async def connect(self, on_lost: Callable[[], None]) -> None:
        if self.refuses is not None:
            raise self.refuses
        self._on_lost = on_lost

    async def close(self) -> None:
        self._on_lost = None

    def hang_up(self) -> None:
        """As when the gate dies: what the kernel has stays."""
        on_lost, self._on_lost = self._on_lost, None
        if on_lost is not None:
            on_lost()

    async def allow(self, mac: Mac, *, mark: int, end_s: int) -> UntilNow | None:
        self._ready()
        asked = Held(mac=mac, mark=mark, end_s=end_s)
        others = {each.mark for other, each in self.members.items() if other != mac and each.end_s > _now_s()}
        if wrong := _wrong(asked) or ("mark: is another guest's" if mark in others else ""):
            raise GateError(GateProblem.BAD_REQUEST, f"the fake gate refused allow: {wrong}")
        until_now = self._until_now(mac)
        self._put(asked)
        return until_now

    async def revoke(self, mac: Mac) -> UntilNow | None:
        self._ready()
        until_now = self._until_now(mac)
        self.members.pop(mac, None)
        return until_now

    def _until_now(self, mac: Mac) -> UntilNow | None:
        member = self.members.get(mac)
        if member is None:
            return None
        counted = self._counted(mac, member)
        return UntilNow(run=self.run, mark=member.mark, up_bytes=counted.up_bytes, down_bytes=counted.down_bytes)

    async def reset(self, members: Sequence[Held]) -> tuple[Held, ...]:
        self._ready()
        taken, marks, refused = dict[Mac, Held](), set[int](), list[Held]()
        for each in members:
            if _wrong(each) or each.mac in taken or each.mark in marks:
                refused.append(each)
            else:
                taken[each.mac] = each
                marks.add(each.mark)
        self.members = {mac: member for mac, member in self.members.items() if mac in taken}
        for each in taken.values():
            self._put(each)
        return tuple(refused)

    def _put(self, held: Held) -> None:
        now_s = _now_s()
        known = self.members.get(held.mac)
        if known is not None and known.mark == held.mark:
            known.end_s, known.heard_s = now_s + held.end_s, now_s
        else:
            self.members[held.mac] = FakeMember(mark=held.mark, since_s=now_s, end_s=now_s + held.end_s, heard_s=now_s)

    def hear(self, mac: Mac, *, up_bytes: int = 0, down_bytes: int = 0) -> None:
        """A member used the network just now."""
        member = self.members[mac]
        member.heard_s = _now_s()
        member.spent_up += up_bytes
        member.spent_down += down_bytes

    async def count(self) -> Counts:
        self._ready()
        return Counts(run=self.run, members=tuple(self._counted(mac, each) for mac, each in self.members.items()))

    def _counted(self, mac: Mac, member: FakeMember) -> Counted:
        now_s = _now_s()
        on_s = now_s - member.since_s if self.chatty else 0.0
        heard_s = now_s if self.chatty else member.heard_s
        return Counted(
            mac=mac,
            mark=member.mark,
            up_bytes=member.spent_up + int(on_s * UP_PER_S),
            down_bytes=member.spent_down + int(on_s * DOWN_PER_S),
            end_s=max(0.0, member.end_s - now_s),
            idle_left_s=max(0.0, heard_s + self.idle_s - now_s),
        )

    async def let(self, addresses: Sequence[str], for_s: int) -> None:
        self._ready()
        self.open_addresses.update(dict.fromkeys(addresses, _now_s() + for_s))

    async def capture(self, *, members: bool) -> None:
        self._ready()
        self.captures_members = members

    async def sent(self, mac: Mac, *, address: str, port: int) -> bool:
        self._ready()
        return port > 0 and mac_of(address) == mac

    async def status(self) -> GateStatus:
        self._ready()
        return self.shown

    def _ready(self) -> None:
        if self.refuses is not None:
            raise self.refuses
        if not self.connected:
            raise GateError(GateProblem.DOWN, "the fake gate is not connected")


def _wrong(held: Held) -> str:
    """As strict as the gate."""
    if not 1 <= held.mark < 1 << 31:
        return "mark: wants a whole number from 1 to 2^31 - 1"
    return "" if 0 < held.end_s <= MAX_END_S else "end_s: wants more than 0 and at most ten years"


class FakeNeighbours:
    """Who asked over loopback a moment ago is a guest; who is a member is on the network."""

    def __init__(self, gate: FakeGate) -> None:
        self._gate = gate
        self._asked: dict[Mac, float] = {}

    async def mac_of(self, address: str) -> Mac | None:
        mac = mac_of(address)
        if mac is not None:
            self._asked.pop(mac, None)
            self._asked[mac] = _now_s()
            if len(self._asked) > MOST_ASKED:
                self._asked.pop(next(iter(self._asked)))
        return mac

    async def sent(self, mac: Mac, address: str, port: int) -> bool | None:
        """Over loopback nobody is anybody else."""
        return port > 0 and mac_of(address) == mac

    async def present(self) -> frozenset[Mac]:
        since_s = _now_s() - HERE_S
        return frozenset(mac for mac, asked_s in self._asked.items() if asked_s > since_s) | set(self._gate.members)


def mac_of(address: str) -> Mac | None:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if found.version == 6:
        found = found.ipv4_mapped or (ipaddress.IPv4Address("127.0.0.1") if found.is_loopback else found)
    if found.version == 6 or not found.is_loopback:
        return None
    return Mac((b"\x02\x53\x47" + found.packed[1:]).hex(":"))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
