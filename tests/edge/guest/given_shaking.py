"""A shop where shaking pays, on a true journal, with its guest listener: two beacons, three pages, one draw."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from edge.board import Board
from edge.config import Config, Listener
from edge.coupon_answers import Granted
from edge.coupon_desk import CouponDesk
from edge.ids import StationId, ZoneId
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.pump import Pump
from edge.shake_desk import ShakeDesk
from edge.shop import Beacon, Bound, CouponKind, Draw, Page, Prize, Shop, Zone
from edge.web.app import listen
from edge.web.guest import shake, wallet
from edge.web.guest.rates import coupons_given
from tests.edge.coupons.given_coupons import DAY_MS, campaign
from tests.edge.coupons.given_desk import config, grant_bytes
from tests.given import NOON_MS, HandClock

UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
KIOSK = StationId("kiosk-1")
DAIRY = ZoneId("dairy")
PAGES = {
    "milk": Page(
        id="milk",
        title_zh="鲜奶专区",
        title_en="The dairy corner",
        description_zh="今早到店的鲜奶，第二件半价",
        description_en="Fresh this morning: the second one at half price",
        page_url="https://shop.example/milk?from=shake",
        campaign="milk",
    ),
    "luck": Page(id="luck", title_zh="幸运抽奖", title_en="Lucky draw", draw="luck"),
    "door": Page(
        id="door",
        title_zh="欢迎光临",
        title_en="Welcome",
        description_zh="看看今天的新品",
        description_en="See what is new today",
        icon_url="/static/icon.svg",
        page_url="/wallet",
    ),
}
CAMPAIGNS = {
    "milk": campaign(name_zh="牛奶减三元", name_en="3 yuan off milk", per_member=2),
    "egg": campaign(id="egg", name_zh="茶叶蛋一个", name_en="A tea egg", kind=CouponKind.GIFT, value=0, per_member=9),
}
ZONES = {
    "dairy": Zone(id="dairy", name_zh="乳品区", name_en="Dairy"),
    "door": Zone(id="door", name_zh="入口", name_en="Door"),
    "bakery": Zone(id="bakery", name_zh="烘焙区", name_en="Bakery"),
}


def beacon(name: str, minor: int, zone: str, *pages: str) -> Beacon:
    bound = tuple(Bound(page=page) for page in pages)
    return Beacon(id=name, uuid=UUID, major=10001, minor=minor, zone=zone, pages=bound)


def shop_of(*, chance_ppm: int = 1_000_000, **changes: object) -> Shop:
    prizes = (Prize(campaign="egg", chance_ppm=chance_ppm),) if chance_ppm else ()
    draw = Draw(
        id="luck", name_zh="抽奖", name_en="Draw", starts_ms=NOON_MS - DAY_MS, ends_ms=NOON_MS + DAY_MS, prizes=prizes
    )
    wanted: dict[str, object] = {
        "zones": ZONES,
        "campaigns": CAMPAIGNS,
        "pages": PAGES,
        "draws": {"luck": draw},
        "beacons": {
            "b-dairy": beacon("b-dairy", 1, "dairy", "milk"),
            "b-door": beacon("b-door", 2, "door", "door"),
            "b-luck": beacon("b-luck", 3, "luck", "luck"),
        },
    }
    return Shop(**(wanted | changes))  # type: ignore[arg-type]


@dataclass
class Stall:
    """All of a shop that shaking needs."""

    desk: ShakeDesk
    coupons: CouponDesk
    journal: Journal
    hand: HandClock
    keys: GatewayKeys
    config: Config
    shop: Shop
    url: str = ""

    def heard(self, minor: int, **changes: object) -> dict[str, object]:
        """As wx.onBeaconUpdate gives it."""
        seen = {"uuid": UUID, "major": 10001, "minor": minor, "proximity": 2, "accuracy": 1.25, "rssi": -67}
        return seen | changes

    async def news(self, kind: str) -> list[dict[str, object]]:
        """What the cloud will be told of one type."""
        rows = await self.journal.pending(after_seq=0, limit=1000)
        return [msgspec.json.decode(row.body) for row in rows if row.type == kind]

    @property
    def kiosk_code(self) -> str:
        return self.desk.kiosk_code(KIOSK).code

    @property
    def zone_code(self) -> str:
        return self.desk.zone_code(DAIRY)


@asynccontextmanager
async def stall(folder: Path, *, shop: Shop | None = None, units: int = 10, **changes: object) -> AsyncIterator[Stall]:
    """With its guest listener open: the wallet, the shake page, the API."""
    hand, goods = HandClock(), shop or shop_of()
    plain = await asyncio.to_thread(config, folder)
    box = msgspec.structs.replace(plain, **changes) if changes else plain
    keys = await asyncio.to_thread(GatewayKeys.open, folder)
    path = folder / "journal.sqlite"
    journal = await asyncio.to_thread(Journal.open, path, shop=goods, clock=hand.clock, free_floor_bytes=0)
    try:
        pump = Pump(journal, Board())
        coupons = CouponDesk(pump=pump, journal=journal, clock=hand.clock, keys=keys, config=box, shop=lambda: goods)
        for name in goods.campaigns if units else ():
            assert isinstance(await coupons.grant(grant_bytes(units, campaign=name)), Granted)
        desk = ShakeDesk(
            pump=pump, journal=journal, clock=hand.clock, keys=keys, config=box, shop=lambda: goods, coupons=coupons
        )
        made = Stall(desk=desk, coupons=coupons, journal=journal, hand=hand, keys=keys, config=box, shop=goods)
        given = coupons_given()
        routes = [
            *wallet.routes(
                coupons, keys=keys, clock=hand.clock, settings=box.coupons, given=given, shakes=lambda: True
            ),
            *shake.routes(desk, keys=keys, clock=hand.clock, settings=box, given=given),
        ]
        public = urlsplit(box.listen.public_url).hostname
        names = (public,) if public else ()
        async with listen("guest", Listener(), routes, host_names=None, change_names=names) as bound:
            made.url = bound.url
            yield made
    finally:
        await journal.close()
