"""The portal's desk over a true journal: phones on a network of its own, ways in that say what tests tell them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from edge.access_answers import AccessRefusal, AccessWhy, Admitted, Way
from edge.board import Board, State
from edge.effects import OpenGate, ShutGate
from edge.errors import DeviceError
from edge.events import GuestsCounted
from edge.ids import Mac
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.policies import Policy, load
from edge.portal.asks import Guest, Proven, Step
from edge.portal.desk import PortalDesk
from edge.portal.office import Office
from edge.portal.ways.click import ClickWay
from edge.portal.ways.voucher import VoucherWay
from edge.pump import Pump
from edge.shop import Portal, Shop
from tests.given import HandClock

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""Read here, not in a test's loop; the library keeps it."""
PORTAL = Portal(id="p", name_zh="店", name_en="Shop", ways=(Way.CLICK, Way.VOUCHER, Way.MEMBER, Way.SMS, Way.STAFF))


class SayWay:
    """Answers what `says` holds."""

    def __init__(self, way: Way, says: Proven | Step | AccessWhy) -> None:
        self.way = way
        self.says = says
        self.is_ready: AccessWhy | None = None
        self.forms: list[Mapping[str, str]] = []

    def ready(self) -> AccessWhy | None:
        return self.is_ready

    async def prove(self, guest: Guest, form: Mapping[str, str]) -> Proven | Step | AccessWhy:
        self.forms.append(form)
        return self.says


class Network:
    """10.64.0.N is the phone 02:…:N."""

    def __init__(self) -> None:
        self.sure: bool | None = True
        """Whether it is that phone indeed."""

    async def mac_of(self, address: str) -> Mac | None:
        net, _, number = address.rpartition(".")
        return Mac(f"02:00:00:00:00:{int(number):02x}") if net == "10.64.0" else None

    async def sent(self, mac: Mac, address: str, port: int) -> bool | None:
        return self.sure if port and await self.mac_of(address) == mac else False


@dataclass
class Wifi:
    desk: PortalDesk
    office: Office
    journal: Journal
    pump: Pump
    board: Board
    hand: HandClock
    keys: GatewayKeys
    shop: Shop
    sms: SayWay
    member: SayWay
    staff: SayWay
    network: Network
    gate: dict[str, int] = field(default_factory=dict)
    """MAC → mark, as the effects said."""
    gate_refuses: bool = False

    def set(self, **changes: object) -> None:
        """Another portal document, and other settings."""
        portal = {key: value for key, value in changes.items() if key in Portal.__struct_fields__}
        rest = {key: value for key, value in changes.items() if key not in portal}
        document = msgspec.structs.replace(self.shop.portals["p"], **portal)
        self.shop = msgspec.structs.replace(self.shop, portals={"p": document}, **rest)
        self.journal.set_shop(self.shop)

    async def phone(self, number: int = 1, *, wallet: str = "") -> Guest:
        guest = await self.desk.guest(f"10.64.0.{number}", 40_000, language="en", wallet=wallet)
        assert guest is not None
        return guest

    def form(self, guest: Guest, **fields: str) -> dict[str, str]:
        return {"token": self.desk.token(guest), "consent": self.desk.policy.consent, **fields}

    async def enter(self, number: int = 1, way: Way = Way.CLICK, wallet: str = "", /, **fields: str) -> object:
        guest = await self.phone(number, wallet=wallet)
        return await self.desk.enter(way, guest, self.form(guest, **fields))

    async def let_in(self, number: int = 1, way: Way = Way.CLICK, wallet: str = "", /, **fields: str) -> Admitted:
        answer = await self.enter(number, way, wallet, **fields)
        assert isinstance(answer, Admitted), answer
        return answer

    async def why(self, number: int = 1, way: Way = Way.CLICK, wallet: str = "", /, **fields: str) -> AccessWhy:
        answer = await self.enter(number, way, wallet, **fields)
        assert isinstance(answer, AccessRefusal), answer
        return answer.why

    async def news(self) -> list[tuple[str, dict[str, object]]]:
        rows = await self.journal.pending(after_seq=0, limit=1000)
        return [(row.type, msgspec.json.decode(row.body)) for row in rows]

    async def open(self, effect: OpenGate) -> None:
        if self.gate_refuses:
            raise DeviceError("the gate refused allow: no memory")
        self.gate[effect.mac.colons] = effect.mark

    async def shut(self, effect: ShutGate) -> None:
        self.gate.pop(effect.mac.colons, None)
        await self.pump.submit(GuestsCounted(at=self.hand.clock.now(), counts=(), over=(effect.mark,)))


@asynccontextmanager
async def wifi(folder: Path, *, policy: Policy | None = None, **shop: object) -> AsyncIterator[Wifi]:
    hand, board, rules = HandClock(), Board(), policy or load("none")
    given = msgspec.structs.replace(
        Shop(portals={"p": PORTAL}, policy=rules.consent, log_days=rules.log_days),
        **shop,
    )
    keys = await asyncio.to_thread(GatewayKeys.open, folder)
    journal = await asyncio.to_thread(
        lambda: Journal.open(folder / "journal.sqlite", shop=given, clock=hand.clock, free_floor_bytes=0)
    )
    try:
        pump = Pump(journal, board)
        board.wifi.gate = State.UP
        sms = SayWay(Way.SMS, Step(part="sms_code"))
        member, staff = (
            SayWay(Way.MEMBER, Step(part="member_code")),
            SayWay(Way.STAFF, Proven(holder="staff-" + "0" * 32)),
        )
        network = Network()
        desk = PortalDesk(
            pump=pump,
            journal=journal,
            clock=hand.clock,
            keys=keys,
            shop=lambda: world.shop,
            board=board,
            neighbours=network,
            lets=lambda mac, mark: world.gate.get(mac.colons) == mark,
            ways={
                Way.CLICK: ClickWay(keys=keys, clock=hand.clock, shop=lambda: world.shop),
                Way.VOUCHER: VoucherWay(keys=keys, clock=hand.clock, journal=journal),
                Way.SMS: sms,
                Way.MEMBER: member,
                Way.STAFF: staff,
            },
            policy=rules,
        )
        office = Office(pump=pump, journal=journal, clock=hand.clock, keys=keys)
        world = Wifi(desk, office, journal, pump, board, hand, keys, given, sms, member, staff, network)
        pump.on(OpenGate, world.open)
        pump.on(ShutGate, world.shut)
        yield world
    finally:
        await journal.close()
