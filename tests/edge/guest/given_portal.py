"""A shop with a guest Wi-Fi, from its true journal and desk to its listener; the gate is the fake one, so that every
address of 127.0.0.0/16 is a phone. Also a phone's mini-browser: forms and pages, cookies only if it wants.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from devices.access.fake import FakeGate, FakeNeighbours
from edge.access_answers import Way
from edge.board import Board, State
from edge.catalogue.product import Found, Product
from edge.checked import Secret
from edge.config import Config, Listener, PortalSection
from edge.config_wifi import GateSection, SmsSection, WechatSection
from edge.coupon_answers import Granted
from edge.coupon_desk import CouponDesk
from edge.effects import Effect, OpenGate, ShutGate
from edge.events import GuestsCounted
from edge.ids import Gtin, Mac
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.places import networks
from edge.policies import load
from edge.portal.desk import PortalDesk
from edge.portal.ways.app_login import AppLogin
from edge.portal.ways.click import ClickWay
from edge.portal.ways.member import MemberWay
from edge.portal.ways.sms import SmsWay
from edge.portal.ways.staff import StaffWay
from edge.portal.ways.voucher import VoucherWay
from edge.portal.ways.wechat import CALLBACK_PATH, Wechat
from edge.pump import Pump
from edge.shop import Portal, Shop
from edge.web import proxies
from edge.web.app import listen
from edge.web.guest import wallet
from edge.web.guest.brand import brand_of
from edge.web.guest.portal import build, captive
from edge.web.guest.portal.front import Front
from edge.web.guest.rates import coupons_given
from tests.edge.coupons.given_coupons import campaign
from tests.edge.coupons.given_desk import config, grant_bytes
from tests.edge.portal.ways.given_ways import Cloud
from tests.edge.portal.ways.given_wechat import SECRET
from tests.given import HandClock

ALL_WAYS = (Way.CLICK, Way.VOUCHER, Way.MEMBER, Way.SMS, Way.WECHAT, Way.STAFF)
STAFF_CODE = "open-sesame-2026"
PORTAL = Portal(
    id="main",
    name_zh="果然鲜",
    name_en="Fresh Indeed",
    welcome_zh="欢迎光临，逛累了就坐一坐。",
    welcome_en="Welcome. Have a seat, have a look.",
    ways=ALL_WAYS,
    landing="https://shop.example/hello",
)
CAMPAIGNS = {"milk": campaign(name_zh="牛奶减三元", name_en="3 yuan off milk", per_member=2)}
COLA = Product(
    gtin=Gtin("06901028075770"), name_zh="可口可乐汽水", name_en="Coca-Cola", price_fen=350, unit="瓶", shelf="A3-2"
)


class Shelves:
    """The catalogue, of one product."""

    async def search(self, words: str, limit: int = 20) -> Found:
        return Found(products=(COLA,)) if words in {"kele", "可乐", "cola"} else Found()


@dataclass
class Cafe:
    desk: PortalDesk
    front: Front
    coupons: CouponDesk
    journal: Journal
    pump: Pump
    board: Board
    hand: HandClock
    keys: GatewayKeys
    cloud: Cloud
    documents: list[Shop]
    opened: list[Mac] = field(default_factory=list)
    shut: list[Mac] = field(default_factory=list)
    kept_out: set[Mac] = field(default_factory=set)
    """Whom the gate does not let in, whatever it is told."""
    url: str = ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def set(self, **changes: object) -> None:
        """Another portal document."""
        portal = msgspec.structs.replace(self.documents[0].portal or PORTAL, **changes)
        self.documents[0] = msgspec.structs.replace(self.documents[0], portals={"main": portal})

    async def admit(self, effect: Effect) -> None:
        if isinstance(effect, OpenGate):
            self.opened.append(effect.mac)

    async def put_out(self, effect: Effect) -> None:
        if isinstance(effect, ShutGate):
            self.shut.append(effect.mac)
            await self.pump.submit(GuestsCounted(at=self.hand.clock.now(), counts=(), over=(effect.mark,)))

    async def news(self, kind: str) -> list[dict[str, Any]]:
        rows = await self.journal.pending(after_seq=0, limit=1000)
        return [msgspec.json.decode(row.body) for row in rows if row.type == kind]


@asynccontextmanager
async def cafe(
    folder: Path,
    *,
    policy: str = "none",
    proxy: bool = False,
    gate: Mapping[str, Any] | None = None,
    portal: Mapping[str, Any] | None = None,
    shop: Mapping[str, Any] | None = None,
    document: Portal | None = PORTAL,
) -> AsyncIterator[Cafe]:
    """With its guest listener open. `proxy`: addresses come from X-Forwarded-For, as if a proxy stood in front."""
    hand = HandClock()
    goods = Shop(
        campaigns=CAMPAIGNS,
        policy=load(policy).consent,
        log_days=load(policy).log_days,
        portals={"main": document} if document else {},
        **(shop or {}),
    )
    plain = await asyncio.to_thread(config, folder)
    wechat = WechatSection(app_id="wx1", shop_id="77", ssid="Free", secret_key=Secret(SECRET))
    box: Config = msgspec.structs.replace(
        plain,
        gate=GateSection(driver="fake", **(gate or {})),
        portal=PortalSection(
            policy=policy,
            staff={"li": Secret(STAFF_CODE)},  # type: ignore[dict-item]
            sms=SmsSection(per_shop_day=100),
            wechat=wechat,
            **(portal or {}),
        ),
    )
    keys = await asyncio.to_thread(GatewayKeys.open, folder)
    board, cloud = Board(), Cloud()
    board.wifi.configured, board.wifi.gate, board.wifi.uplink = True, State.UP, True
    async with AsyncExitStack() as stack:
        journal = await asyncio.to_thread(
            Journal.open, folder / "journal.sqlite", shop=goods, clock=hand.clock, free_floor_bytes=0
        )
        stack.push_async_callback(journal.close)
        pump = Pump(journal, board)
        documents = [goods]

        def now() -> Shop:
            return documents[0]

        coupons = CouponDesk(pump=pump, journal=journal, clock=hand.clock, keys=keys, config=box, shop=now)
        assert isinstance(await coupons.grant(grant_bytes(100, campaign="milk")), Granted)
        ways = {
            Way.CLICK: ClickWay(keys=keys, clock=hand.clock, shop=now),
            Way.VOUCHER: VoucherWay(keys=keys, clock=hand.clock, journal=journal),
            Way.MEMBER: MemberWay(readable=True),
            Way.SMS: SmsWay(box.portal.sms, asks=cloud, keys=keys, clock=hand.clock, new_code=lambda: "271828"),
            Way.STAFF: StaffWay(box.portal.staff, keys=keys, clock=hand.clock),
            Way.WECHAT: AppLogin(
                Wechat(wechat, auth_url="http://127.0.0.1" + CALLBACK_PATH, clock=hand.clock),
                asks=cloud, keys=keys, clock=hand.clock,
            ),
        }  # fmt: skip
        desk = PortalDesk(
            pump=pump,
            journal=journal,
            clock=hand.clock,
            keys=keys,
            shop=now,
            board=board,
            neighbours=FakeNeighbours(FakeGate(idle_s=1800)),
            lets=lambda mac, _: mac not in found.kept_out,
            ways=ways,  # type: ignore[arg-type]
            policy=load(policy),
        )
        front = Front(
            desk=desk,
            coupons=coupons,
            catalogue=Shelves(),  # type: ignore[arg-type]
            keys=keys,
            clock=hand.clock,
            board=board,
            settings=box,
            ways=ways,  # type: ignore[arg-type]
            shakes=lambda: True,
            plain_url=lambda: found.url,
        )
        found = Cafe(desk, front, coupons, journal, pump, board, hand, keys, cloud, documents)
        pump.on(OpenGate, found.admit)
        pump.on(ShutGate, found.put_out)
        routes = [
            *build.routes(front),
            *wallet.routes(
                coupons,
                keys=keys,
                clock=hand.clock,
                settings=box.coupons,
                given=coupons_given(),
                home=False,
                brand=lambda: brand_of(now().portal),
            ),
        ]
        fronts = networks(["127.0.0.1"]) if proxy else ()
        bound = await stack.enter_async_context(
            listen(
                "guest",
                Listener(),
                routes,
                first=[proxies.client_of(fronts, lambda _: None), captive.middleware(front)],
                host_names=None,
                change_names=(),
                proxies=fronts,
                grace_s=0.1,
            )
        )
        found.url = bound.url
        yield found


FIELD = re.compile(r'<input[^>]*\bname="([a-z]+)"[^>]*>')
VALUE = re.compile(r'\bvalue="([^"]*)"')


@dataclass
class Seen:
    status: int
    path: str
    html: str
    headers: Any

    @property
    def h1(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.html)
        return unescape(found[1]) if found else ""

    @property
    def no(self) -> str:
        found = re.search(r'role="alert">(.*?)<', self.html)
        return unescape(found[1]) if found else ""

    def form(self, *, ticked: bool = True) -> dict[str, str]:
        """The hidden fields, and the box of the terms."""
        found = {}
        for field_ in FIELD.finditer(self.html):
            value = VALUE.search(field_[0])
            if "hidden" in field_[0] or (ticked and field_[1] == "consent"):
                found[field_[1]] = unescape(value[1]) if value else ""
        return found


@dataclass
class Phone:
    """127.0.0.N; `forgets` like an iPhone's mini-browser."""

    made: Cafe
    http: aiohttp.ClientSession
    lang: str = "en"
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **headers: str) -> Seen:
        async with self.http.get(self._at(path), headers=self._told(headers)) as answer:
            return Seen(answer.status, answer.url.path_qs, await answer.text(), answer.headers)

    async def post(self, path: str, form: Mapping[str, str], *, follow: bool = True, **headers: str) -> Seen:
        async with self.http.post(
            self._at(path), data=form, headers=self._told(headers), allow_redirects=follow
        ) as answer:
            return Seen(answer.status, answer.url.path_qs, await answer.text(), answer.headers)

    async def enter(self, way: str = "click", **fields: str) -> Seen:
        form = (await self.get("/?again=1")).form()
        return await self.post("/portal/accept", {**form, "way": way, **fields})

    def _at(self, path: str) -> str:
        return path if path.startswith("http") else self.made.url + path

    def _told(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {"Accept-Language": self.lang, **self.headers, **{k.replace("_", "-"): v for k, v in headers.items()}}


@asynccontextmanager
async def phone(made: Cafe, number: int = 7, *, cookies: bool = True, lang: str = "en") -> AsyncIterator[Phone]:
    jar = aiohttp.CookieJar(unsafe=True) if cookies else aiohttp.DummyCookieJar()
    connector = aiohttp.TCPConnector(local_addr=(f"127.0.0.{number}", 0))
    async with aiohttp.ClientSession(cookie_jar=jar, connector=connector) as http:
        yield Phone(made, http, lang)
