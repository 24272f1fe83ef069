"""The admin listener over a true journal, as the daemon builds it; what happened in the shop is up to the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from edge.board import Board
from edge.catalogue import CatalogueDesk
from edge.checked import Secret
from edge.clock import Clock
from edge.config import Config, GatewaySection, Listener, ListenSection, StationSection
from edge.coupon_desk import CouponDesk
from edge.documents import Documents
from edge.documents_desk import DocumentsDesk
from edge.events import FootfallCounted
from edge.ids import DeviceId, ZoneId
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.pump import Pump
from edge.shake_desk import ShakeDesk
from edge.web.admin.build import admin_routes
from edge.web.app import listen
from tests.given import HandClock

SHANGHAI = ZoneInfo("Asia/Shanghai")
"""Read here, not in a test's loop; the library keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    url: str
    board: Board
    journal: Journal
    pump: Pump
    clock: Clock
    documents: DocumentsDesk
    shakes: ShakeDesk
    keys: GatewayKeys


def config(state: Path, *, host: str = "127.0.0.1", token: str = "", **sections: object) -> Config:
    values: dict[str, object] = {
        "gateway": GatewaySection(tenant="demo", store="hangzhou-3", id="gw-1", state_dir=str(state)),
        "listen": ListenSection(admin=Listener(host=host), admin_token=Secret(token)),
        "stations": {
            "kiosk-1": StationSection(name_zh="入口", name_en="Entrance"),
            "kiosk-2": StationSection(name_zh="酒水区", name_en="Drinks"),
        },
    }
    return Config(**(values | sections))  # type: ignore[arg-type]


@asynccontextmanager
async def admin(settings: Config, hand: HandClock, *, free_floor_bytes: int = 0) -> AsyncIterator[Admin]:
    state, clock, board = settings.state_path, hand.clock, Board()
    keys = await asyncio.to_thread(GatewayKeys.open, state)
    documents = await asyncio.to_thread(Documents.open, state)
    opening = partial(
        Journal.open,
        state / "journal.sqlite",
        shop=documents.shop(settings),
        clock=clock,
        free_floor_bytes=free_floor_bytes,
    )
    journal = await asyncio.to_thread(opening)
    catalogue = CatalogueDesk(state / "catalogue.sqlite")
    try:
        pump = Pump(journal, board)
        desk = DocumentsDesk(documents, journal, pump, clock, settings)
        shop = partial(documents.shop, settings)
        coupons = CouponDesk(pump=pump, journal=journal, clock=clock, keys=keys, config=settings, shop=shop)
        shakes = ShakeDesk(
            pump=pump, journal=journal, clock=clock, keys=keys, config=settings, shop=shop, coupons=coupons
        )
        routes = admin_routes(
            settings,
            board=board,
            journal=journal,
            clock=clock,
            pump=pump,
            catalogue=catalogue,
            documents=desk,
            coupons=coupons,
            shakes=shakes,
        )
        async with listen("admin", settings.listen.admin, routes, language=settings.gateway.language) as bound:
            yield Admin(
                url=bound.url,
                board=board,
                journal=journal,
                pump=pump,
                clock=clock,
                documents=desk,
                shakes=shakes,
                keys=keys,
            )
    finally:
        await catalogue.close()
        await journal.close()


def counted(clock: Clock, entered: int, exited: int, *, covered: float = 1.0, zone: str = "door") -> FootfallCounted:
    return FootfallCounted(
        at=clock.now(),
        device=DeviceId(f"{zone}-1"),
        zone=ZoneId(zone),
        source="strip",
        interval_s=900.0,
        covered_s=900.0 * covered,
        entered=entered,
        exited=exited,
    )
