"""A box with the true desk, journal and rules, all ways in, a cloud that answers from memory, a gate in a table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge import events as ev
from edge import policies
from edge.access_answers import AccessRefusal, Admitted, Way
from edge.board import Board, State
from edge.config import Config, parse
from edge.effects import OpenGate, ShowOnKiosk, ShutGate
from edge.events import Code, CodeKind, Transport
from edge.ids import DeviceId, Mac, StationId
from edge.journal import Journal
from edge.portal.asks import Guest, Step
from edge.portal.desk import PortalDesk
from edge.portal.kiosk_codes import KioskCodes
from edge.portal.ways.build import build
from edge.pump import Pump
from edge.shop import Portal, Shop
from tests.edge.portal.ways.given_ways import Cloud, keys
from tests.edge.portal.ways.given_wechat import SECRET
from tests.given import HandClock

CONFIG = f"""
[gateway]
tenant = "acme"
store = "s1"
id = "g1"

[gate]
driver = "fake"
interface = "br-guest"

[portal.sms]
per_shop_day = 100

[portal.wechat]
app_id = "wx1"
shop_id = "7"
ssid = "Shop"
secret_key = "{SECRET}"

[portal.staff]
ma = "correct-horse-1"

[stations.kiosk-1]
kind = "kiosk"

[[scanners]]
id = "dock"
transport = "fake"
station = "kiosk-1"
"""
SETTINGS: Config = parse(CONFIG, where="test")
POLICY = policies.load("none")
WAYS = (Way.SMS, Way.WECHAT, Way.MEMBER, Way.STAFF)
PORTAL = Portal(id="main", name_zh="铺", name_en="Shop", ways=WAYS)
KIOSK = StationId("kiosk-1")


class Phones:
    """10.64.0.n is phone n."""

    async def mac_of(self, address: str) -> Mac | None:
        head, _, last = address.rpartition(".")
        return Mac(f"02:00:00:00:00:{int(last):02x}") if head == "10.64.0" else None

    async def sent(self, mac: Mac, address: str, port: int) -> bool:
        return True


class Box:
    def __init__(self, journal: Journal, hand: HandClock, shop: Shop) -> None:
        self.hand = hand
        self.cloud = Cloud()
        self.board = Board()
        self.board.wifi.gate = State.UP
        self.pump = Pump(journal, self.board)
        self.gate: dict[Mac, float] = {}
        self.told: asyncio.Queue[tuple[StationId, Admitted | AccessRefusal]] = asyncio.Queue()
        self.ways = build(SETTINGS, asks=self.cloud, keys=keys(), clock=hand.clock, journal=journal, shop=lambda: shop)
        self.desk = PortalDesk(
            pump=self.pump,
            journal=journal,
            clock=hand.clock,
            keys=keys(),
            shop=lambda: shop,
            board=self.board,
            neighbours=Phones(),
            lets=lambda *_: True,
            ways=self.ways,
            policy=POLICY,
        )
        self.tell = self._noted
        """Where a kiosk's screen hears what came of a scan."""
        self.codes = KioskCodes(self.desk, tell=self._tell)
        self.pump.on(OpenGate, self._open)
        self.pump.on(ShutGate, self._shut)
        self.pump.on(ShowOnKiosk, self.codes.sink)

    async def _open(self, effect: OpenGate) -> None:
        self.gate[effect.mac] = effect.left_s

    async def _shut(self, effect: ShutGate) -> None:
        self.gate.pop(effect.mac, None)

    async def _tell(self, station: StationId, answer: Admitted | AccessRefusal) -> None:
        await self.tell(station, answer)

    async def _noted(self, station: StationId, answer: Admitted | AccessRefusal) -> None:
        await self.told.put((station, answer))

    async def guest(self, number: int = 1) -> Guest:
        found = await self.desk.guest(f"10.64.0.{number}", 40_000, language="zh-CN")
        assert found is not None
        return found

    async def post(self, way: Way, who: int = 1, /, **form: str) -> Admitted | Step | AccessRefusal:
        guest = await self.guest(who)
        own = {"token": self.desk.token(guest), "consent": self.desk.policy.consent}
        return await self.desk.enter(way, guest, own | form)

    async def scanned(self, text: str, kind: CodeKind = CodeKind.MEMBER) -> None:
        await self.pump.submit(
            ev.CodeScanned(
                at=self.hand.clock.now(),
                device=DeviceId("dock"),
                transport=Transport.FAKE,
                code=Code(kind=kind, value=text),
                station=KIOSK,
            )
        )


@asynccontextmanager
async def open_box(folder: Path) -> AsyncIterator[Box]:
    hand = HandClock()
    shop = Shop(portals={PORTAL.id: PORTAL}, policy=POLICY.consent)
    journal = await asyncio.to_thread(Journal.open, folder / "journal.sqlite", shop=shop, clock=hand.clock)
    box = Box(journal, hand, shop)
    codes = asyncio.create_task(box.codes.run())
    try:
        yield box
    finally:
        codes.cancel()
        await asyncio.gather(codes, return_exceptions=True)
        await journal.close()


def mac(number: int) -> Mac:
    return Mac(f"02:00:00:00:00:{number:02x}")
