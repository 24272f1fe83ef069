"""The ways in through the true desk, journal and rules: number, code, in; pass, app, in; a kiosk's scan, in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge import events as ev
from edge.access_answers import AccessRefusal, AccessWhy, Admitted, Way
from edge.board import Board, State
from edge.cloud_asks import RefusedByCloud
from edge.config import Config, parse
from edge.effects import OpenGate, ShowOnKiosk, ShutGate
from edge.events import Code, CodeKind, Transport
from edge.ids import DeviceId, Mac, StationId
from edge.journal import Journal
from edge.portal import policy as policies
from edge.portal.asks import Guest, Step
from edge.portal.desk import PortalDesk
from edge.portal.kiosk_codes import KioskCodes
from edge.portal.ways.app_login import AppLogin
from edge.portal.ways.build import build
from edge.pump import Pump
from edge.shop import Portal, Shop
from tests.edge.portal.ways.given_ways import Cloud, keys
from tests.edge.portal.ways.given_wechat import SECRET, Wechat
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

[stations.k1]
kind = "kiosk"

[[scanners]]
id = "dock"
transport = "fake"
station = "k1"
"""
SETTINGS: Config = parse(CONFIG, where="test")
POLICY = policies.load("none")
WAYS = (Way.SMS, Way.WECHAT, Way.MEMBER, Way.STAFF)
PORTAL = Portal(id="main", name_zh="铺", name_en="Shop", ways=WAYS)
K1 = StationId("k1")


class Phones:
    """10.64.0.n is phone n."""

    async def mac_of(self, address: str) -> Mac | None:
        head, _, last = address.rpartition(".")
        return Mac(f"02:00:00:00:00:{int(last):02x}") if head == "10.64.0" else None


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
            ways=self.ways,
            policy=POLICY,
        )
        self.codes = KioskCodes(self.desk, tell=self._tell)
        self.pump.on(OpenGate, self._open)
        self.pump.on(ShutGate, self._shut)
        self.pump.on(ShowOnKiosk, self.codes.sink)

    async def _open(self, effect: OpenGate) -> None:
        self.gate[effect.mac] = effect.left_s

    async def _shut(self, effect: ShutGate) -> None:
        self.gate.pop(effect.mac, None)

    async def _tell(self, station: StationId, answer: Admitted | AccessRefusal) -> None:
        await self.told.put((station, answer))

    async def guest(self, number: int = 1) -> Guest:
        found = await self.desk.guest(f"10.64.0.{number}", language="zh-CN")
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
                station=K1,
            )
        )


@asynccontextmanager
async def _box(folder: Path) -> AsyncIterator[Box]:
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


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with _box(tmp_path) as made:
        yield made


def mac(number: int) -> Mac:
    return Mac(f"02:00:00:00:00:{number:02x}")


async def test_sms(box: Box) -> None:
    step = await box.post(Way.SMS, number="13812345678")
    assert isinstance(step, Step)
    assert mac(1) not in box.gate
    begun = box.desk.begun(await box.guest())  # the browser was closed and is opened again
    assert begun is not None
    assert (begun[0], begun[1].part) == (Way.SMS, "sms_code")
    answer = await box.post(Way.SMS, code="000000" if box.cloud.sms[0].code != "000000" else "111111")
    assert isinstance(answer, Step)
    assert answer.why is AccessWhy.CODE_WRONG
    box.cloud.online = False  # who has a code needs no line
    answer = await box.post(Way.SMS, code=box.cloud.sms[0].code)
    assert isinstance(answer, Admitted)
    assert box.gate[mac(1)] > 0
    standing = await box.desk.standing(mac(1))
    assert standing is not None
    assert standing.holder == keys().holder("phone", "+8613812345678")


async def test_a_number_is_in_no_file(tmp_path: Path) -> None:
    async with _box(tmp_path) as box:
        await box.post(Way.SMS, number="13812345678")
        await box.post(Way.SMS, code=box.cloud.sms[0].code)
        assert "12345678" not in repr(vars(box.board))
    files = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in tmp_path.glob("journal*")))
    assert b"12345678" not in files


async def test_wechat(box: Box) -> None:
    step = await box.post(Way.WECHAT, marketing="yes")
    assert isinstance(step, Step)
    assert 0 < box.gate[mac(1)] <= step.pass_s == 120  # out to reach WeChat, for two minutes
    login = box.ways[Way.WECHAT]
    assert isinstance(login, AppLogin)
    call = Wechat().through(step.fields)
    assert isinstance(await login.called(box.desk, "10.64.0.2", call.query), AccessRefusal)
    assert mac(2) not in box.gate
    answer = await login.called(box.desk, "10.64.0.1", call.query)
    assert isinstance(answer, Admitted)
    assert box.gate[mac(1)] > 600
    assert isinstance(await login.called(box.desk, "10.64.0.1", call.query), AccessRefusal)


async def test_wechat_says_no_later_and_the_session_ends(box: Box) -> None:
    box.cloud.answer = None
    step = await box.post(Way.WECHAT)
    assert isinstance(step, Step)
    login = box.ways[Way.WECHAT]
    assert isinstance(login, AppLogin)
    assert isinstance(await login.called(box.desk, "10.64.0.1", Wechat().through(step.fields).query), Admitted)
    assert mac(1) in box.gate
    box.cloud.answer = RefusedByCloud(why="unknown")
    await login.verify_waiting(box.desk.end)
    assert mac(1) not in box.gate
    assert await box.desk.standing(mac(1)) is None


async def test_staff(box: Box) -> None:
    assert isinstance(await box.post(Way.STAFF, staff="correct-horse-2"), AccessRefusal)
    answer = await box.post(Way.STAFF, staff="correct-horse-1")
    assert isinstance(answer, Admitted)
    assert answer.left_bytes is None


async def test_a_member_code_before_a_kiosk(box: Box) -> None:
    step = await box.post(Way.MEMBER, number="ignored", code="SGM1" + "A" * 96)
    assert isinstance(step, Step)
    assert mac(1) not in box.gate
    code = await box.desk.member_code(await box.guest())
    await box.scanned(code)
    station, answer = await box.told.get()
    assert station == K1
    assert isinstance(answer, Admitted)
    assert box.gate[mac(1)] > 0


async def test_a_member_code_that_is_over_or_forged(box: Box) -> None:
    await box.post(Way.MEMBER)
    code = await box.desk.member_code(await box.guest())
    last = "A" if code[20] != "A" else "B"
    await box.scanned(code[:20] + last + code[21:])
    assert (await box.told.get())[1] == AccessRefusal(why=AccessWhy.CODE_OVER)
    box.hand.forward(5 * 60_000)
    await box.scanned(code)
    assert (await box.told.get())[1] == AccessRefusal(why=AccessWhy.CODE_OVER)
    assert not box.gate


async def test_other_codes_are_not_ours_to_answer(box: Box) -> None:
    await box.scanned("SGM1ABCDEFGH")  # a member code of the till's
    await box.scanned("06901234567892", CodeKind.GTIN)
    await box.scanned("SGM1" + "A" * 96, CodeKind.UNKNOWN)
    await asyncio.sleep(0.02)
    assert box.told.empty()


async def test_a_burst_of_scans_is_bounded() -> None:
    class Slow:
        async def shown(self, code: Code, station: StationId | None) -> AccessRefusal:
            await asyncio.Event().wait()
            raise AssertionError(code, station)

    told: list[Admitted | AccessRefusal] = []

    async def tell(_station: StationId, answer: Admitted | AccessRefusal) -> None:
        told.append(answer)

    codes = KioskCodes(Slow(), tell=tell)
    running = asyncio.create_task(codes.run())
    for _ in range(100):
        await codes.sink(ShowOnKiosk(station=K1, code=Code(kind=CodeKind.MEMBER, value="SGM1" + "A" * 96)))
    running.cancel()
    assert len(told) >= 80
    assert set(told) == {AccessRefusal(why=AccessWhy.TOO_OFTEN)}
