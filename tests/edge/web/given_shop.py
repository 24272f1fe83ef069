"""A small shop for kiosk tests: twelve products, a catalogue of the kiosk's Protocol, a journal that listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import aiohttp

from edge import events as ev
from edge.board import Board
from edge.catalogue.product import CatalogueInfo, Found, Product
from edge.clock import Clock
from edge.config import Config, GatewaySection, Listener, StationSection
from edge.effects import ShowOnKiosk
from edge.errors import JournalRefusedError, Refusal
from edge.events import Code, CodeKind
from edge.ids import Gtin, StationId
from edge.shake_desk import PlaceCode
from edge.shop import Shop, Slide
from edge.web.app import listen
from edge.web.shop import kiosk
from edge.web.shop.counter import Counter, CouponView, Lookup
from edge.web.shop.screens import Screens

PART = {"X-Part": "1"}
"""Our script asks for the middle of a page."""
KIOSK = StationId("kiosk-1")
SHANGHAI = ZoneInfo("Asia/Shanghai")
"""Read here, not in a test's loop; the library keeps it."""
COLA = Gtin("06901028075770")
COOKIE_WORDS = 'a"><script>alert(1)</script>'

ROWS = (
    # name zh, name en, brand, category, fen, member fen, unit, stock, shelf, found by
    (
        "可口可乐汽水 330ml",
        "Coca-Cola 330 ml",
        "可口可乐",
        "饮料",
        350,
        320,
        "罐",
        48,
        "A3-2",
        "kekoukele kele kl cola",
    ),
    ("百事可乐 600ml", "Pepsi 600 ml", "百事", "饮料", 400, None, "瓶", 3, "A3-3", "baishikele kele kl cola pepsi"),
    ("零度可乐 500ml", "Zero cola 500 ml", "可口可乐", "饮料", 390, 360, "瓶", 0, "A3-2", "lingdukele kele kl cola"),
    ("农夫山泉 550ml", "Nongfu Spring 550 ml", "农夫山泉", "水饮", 200, None, "瓶", 120, "A1-1", "nongfushanquan nfsq"),
    ("纯牛奶 250ml×12", "Pure milk 12 × 250 ml", "蒙牛", "乳品", 4990, 4590, "箱", 20, "B2-1", "牛奶 niunai nn milk"),
    (
        "红烧牛肉面 五连包",
        "Beef noodles, 5 pack",
        "康师傅",
        "方便速食",
        1490,
        None,
        "包",
        31,
        "C1-4",
        "方便面 fangbianmian",
    ),
    ("原味薯片 75g", "Potato chips 75 g", "乐事", "零食", 690, 590, "袋", 12, "C3-1", "shupian sp lingshi chips"),
    ("红富士苹果", "Fuji apples", "", "水果", 898, None, "500g", None, "", "pingguo pg shuiguo apple"),
    ("五常大米 5kg", "Wuchang rice 5 kg", "十月稻田", "粮油", 5990, 5490, "袋", 9, "D1-2", "dami dm liangyou rice"),
    (
        "抽纸 3层130抽×8",
        "Facial tissues, 8 pack",
        "维达",
        "纸品",
        2490,
        None,
        "提",
        40,
        "E2-2",
        "纸巾 zhijin zj tissue",
    ),
    ("氨基酸洗发水 400ml", "Shampoo 400 ml", "清扬", "个护", 3990, None, "瓶", 7, "E1-1", "洗护 xifashui xfs shampoo"),
    (COOKIE_WORDS, COOKIE_WORDS, "<b>", "零食", 100, None, "<i>", 1, "<u>", "hostile"),
)


class ShelfDesk:
    """The simplest catalogue there can be."""

    def __init__(self, priced_at_ms: int) -> None:
        self.words: dict[Gtin, str] = {}
        self.products: dict[Gtin, Product] = {}
        for index, (zh, en, brand, category, fen, member, unit, stock, shelf, words) in enumerate(ROWS):
            gtin = Gtin(str(int(COLA) + index).zfill(14))
            self.products[gtin] = Product(
                gtin=gtin,
                sku=f"{20001 + index}",
                name_zh=zh,
                name_en=en,
                brand=brand,
                category=category,
                price_fen=fen,
                member_price_fen=member,
                unit=unit,
                stock=stock,
                shelf=shelf,
                priced_at_ms=priced_at_ms,
            )
            self.words[gtin] = f"{zh} {en.lower()} {category} {words}"
        self.priced_at_ms = priced_at_ms

    async def product(self, gtin: Gtin) -> Product | None:
        return self.products.get(gtin)

    async def by_item(self, item: str) -> Product | None:
        return next((product for product in self.products.values() if product.sku == item), None)

    async def search(self, words: str, limit: int = 20) -> Found:
        found = [self.products[gtin] for gtin, text in self.words.items() if words.lower() in text]
        suggestions = ("可乐", "可口可乐", "百事可乐") if words and "kele".startswith(words) else ()
        return Found(products=tuple(found[:limit]), suggestions=suggestions)

    async def alternatives(self, product: Product, limit: int = 3) -> tuple[Product, ...]:
        same = (other for other in self.products.values() if other.category == product.category)
        return tuple(other for other in same if other.gtin != product.gtin)[:limit]

    async def info(self) -> CatalogueInfo | None:
        return CatalogueInfo(products=len(self.products), priced_at_ms=self.priced_at_ms, sha256="0" * 64)


@dataclass
class Told:
    """Where events go. Set `refusing` and it takes none."""

    events: list[ev.Event] = field(default_factory=list)
    refusing: bool = False

    async def submit(self, event: ev.Event) -> object:
        if self.refusing:
            raise JournalRefusedError(Refusal.DISK_FULL, "the disk is full")
        self.events.append(event)
        return None

    def of(self, kind: type[ev.Event]) -> list[ev.Event]:
        return [event for event in self.events if isinstance(event, kind)]


@dataclass(kw_only=True)
class OpenShop:
    url: str
    port: int
    counter: Counter
    screens: Screens
    told: Told
    board: Board

    async def scan(self, code: Code, station: StationId = KIOSK) -> None:
        await self.screens.show(ShowOnKiosk(station=station, code=code))

    async def scan_refused(self, code: Code, station: StationId = KIOSK) -> None:
        """As when the disk is full."""
        await self.screens.show_unrecorded(station, code)

    async def until_watched(self, station: StationId = KIOSK) -> None:
        """A page has its live line open."""
        async with asyncio.timeout(10):
            while not self.screens.open_screens(station):
                await asyncio.sleep(0.02)


SLIDES = {
    "fresh": Slide(
        id="fresh",
        title_zh="今日鲜果",
        title_en="Fresh today",
        text_zh="红富士苹果 8.98 元/斤",
        text_en="Fuji apples, ¥8.98",
    ),
    "cola": Slide(
        id="cola",
        title_zh="可乐特惠",
        title_en="Cola offer",
        text_zh="会员 3.20 元",
        text_en="Members: ¥3.20",
        gtin=COLA,
    ),
}


def scanned_cola() -> Code:
    return Code(kind=CodeKind.GTIN, value=COLA, gtin=COLA)


def live_clock() -> Clock:
    """The real time, without a look into /proc."""
    return Clock(boot_id="boot0", synced=lambda: True)


@asynccontextmanager
async def open_shop(
    clock: Clock,
    *,
    idle_s: int = 45,
    warn_s: int = 10,
    language: str = "zh-CN",
    port: int = 0,
    coupon: CouponView | None = None,
    desk: Lookup | None = None,
    state_dir: Path = Path("/nowhere"),
    shake_code: Callable[[StationId], PlaceCode] | None = None,
    guest_url: str = "",
    documents: Shop | None = None,
) -> AsyncIterator[OpenShop]:
    config = await asyncio.to_thread(_config, idle_s, warn_s, language, state_dir)
    board, told = Board(), Told()
    counter = Counter(
        config=config,
        clock=clock,
        board=board,
        desk=desk or ShelfDesk(clock.now().at_ms - 3_600_000),
        submit=told.submit,
        shop=lambda: documents or Shop(slides=SLIDES),
        coupon=coupon,
        shake_code=shake_code,
        guest_url=lambda: guest_url,
    )
    screens = Screens(counter)
    routes = [*kiosk.routes(counter), *screens.routes()]
    listener = Listener(port=port)
    async with listen("shop", listener, routes, language=language, closing=[screens.close], grace_s=1) as bound:
        yield OpenShop(url=bound.url, port=bound.port, counter=counter, screens=screens, told=told, board=board)


def _config(idle_s: int, warn_s: int, language: str, state_dir: Path) -> Config:
    return Config(
        gateway=GatewaySection(tenant="t", store="s", id="g", language=language, state_dir=str(state_dir)),
        stations={
            KIOSK: StationSection(name_zh="门口自助机", name_en="Entrance kiosk", idle_s=idle_s, warn_s=warn_s),
            "kiosk-2": StationSection(),
            "till-1": StationSection(kind="till"),
        },
    )


async def text_of(http: aiohttp.ClientSession, path: str, **headers: str) -> str:
    async with http.get(f"/kiosk/{KIOSK}{path}", headers=headers or PART) as answer:
        assert answer.status == 200
        return await answer.text()


async def post(http: aiohttp.ClientSession, path: str, **values: str) -> int:
    async with http.post(f"/kiosk/{KIOSK}{path}", data=values, headers=PART) as answer:
        return answer.status
