"""The guest Wi-Fi put together: gate, captive DNS, desk, pages. A part of the composition root, like `edge.daemon`.

Without a `[gate]` in gateway.toml there is none of it, and the guest side is wallet and shake alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial

from aiohttp import web
from aiohttp.typedefs import Middleware

import devices.access.build
from cloud_bridge.asks import CloudAsks
from devices.access.dns.captive import CaptiveDns
from devices.driver import Driver
from edge import dhcp_watch, policies
from edge.board import Board, Problem
from edge.catalogue.desk import CatalogueDesk
from edge.clock import Clock
from edge.config import Config
from edge.coupon_desk import CouponDesk
from edge.effects import OpenGate, ShowOnKiosk, ShutGate
from edge.errors import StoregateError
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.portal.desk import PortalDesk
from edge.portal.kiosk_codes import KioskCodes, Tell
from edge.portal.ways.build import app_logins, build, garden
from edge.portal.ways.heard import HeardAsks
from edge.pump import Pump
from edge.shop import Shop
from edge.store import access_rows
from edge.web.guest.portal import captive
from edge.web.guest.portal.build import routes
from edge.web.guest.portal.front import Front
from edge.web.tls import Tls

log = logging.getLogger(__name__)
Services = list[tuple[str, Callable[[], Coroutine[None, None, None]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestWifi:
    routes: list[web.AbstractRouteDef]
    first: Middleware
    """Before all others of the guest side: strangers' requests are led to the portal."""
    drivers: list[Driver]
    services: Services
    tls: Tls | None


async def read_policy(settings: Config, *, board: Board, clock: Clock) -> None:
    """Before rules and pages ask for it on the loop. One that can't be used closes the portal, not the shop."""
    found = await asyncio.to_thread(policies.in_force, settings.portal.policy)
    if found.problem and devices.access.build.wanted(settings):
        _amiss(board, clock, "wifi_policy", found.problem, found.hint)


def without_tls(board: Board, clock: Clock, error: StoregateError) -> None:
    """Its port could not be had: guests get plain HTTP."""
    _amiss(board, clock, "wifi_tls_port", str(error), error.hint)


def _amiss(board: Board, clock: Clock, code: str, problem: str, hint: str) -> None:
    """A start that went on without a part of the guest Wi-Fi."""
    log.error("%s. Next: %s", problem, hint)
    board.damages[code] = problem
    fields = {"problem": problem}
    board.tell(Problem(at=clock.now(), where="guest Wi-Fi", text=problem, hint=hint, code=code, fields=fields))


def compose(
    settings: Config,
    *,
    pump: Pump,
    journal: Journal,
    clock: Clock,
    board: Board,
    keys: GatewayKeys,
    shop: Callable[[], Shop],
    coupons: CouponDesk,
    catalogue: CatalogueDesk,
    asks: CloudAsks,
    tell_kiosk: Tell,
    plain_url: Callable[[], str],
) -> GuestWifi | None:
    """Blocking: reads the policy and the certificate. None: there is no guest Wi-Fi on this box."""
    access = devices.access.build.build(
        settings, clock=clock, board=board, members=partial(journal.read, access_rows.members)
    )
    if access is None:
        return None
    pump.on(OpenGate, access.open)
    pump.on(ShutGate, access.shut)
    heard = HeardAsks(asks, board=board, clock=clock)
    found = build(settings, asks=heard, keys=keys, clock=clock, journal=journal, shop=shop)
    desk = PortalDesk(
        pump=pump,
        journal=journal,
        clock=clock,
        keys=keys,
        shop=shop,
        board=board,
        neighbours=access.neighbours,
        lets=access.lets,
        ways=found,
        policy=policies.in_force(settings.portal.policy).policy,
    )
    codes = KioskCodes(desk, tell=tell_kiosk)
    pump.on(ShowOnKiosk, codes.sink)
    front = Front(
        desk=desk,
        coupons=coupons,
        catalogue=catalogue,
        keys=keys,
        clock=clock,
        board=board,
        settings=settings,
        plain_url=plain_url,
        shakes=lambda: bool(shop().pages),
        ways=found,
    )
    dns = CaptiveDns(
        settings.gate,
        settings.portal,
        board=board,
        neighbours=access.neighbours,
        let=access.let,
        garden=lambda: (*_garden_of(shop()), *garden(settings.portal)),
    )
    tls = Tls.of(settings, board=board, clock=clock)
    services: Services = [("member codes at kiosks", codes.run)]
    services += [(f"{each.way.value} logins", partial(each.run, desk.end)) for each in app_logins(found.values())]
    if settings.gate.driver == "gate":
        services.append(("guest addresses", partial(dhcp_watch.watch, settings, board)))
    if tls is not None:
        services.append(("portal certificate", tls.watch))
    return GuestWifi(
        routes=routes(front),
        first=captive.middleware(front),
        drivers=[*access.drivers, dns],
        services=services,
        tls=tls,
    )


def _garden_of(shop: Shop) -> tuple[str, ...]:
    return shop.portal.garden if shop.portal else ()
