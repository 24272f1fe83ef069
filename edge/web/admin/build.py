"""All routes of the admin listener, behind the token where it is asked for."""

from __future__ import annotations

import functools

from aiohttp import web

from edge.board import Board, State
from edge.catalogue import CatalogueDesk
from edge.clock import Clock
from edge.config import Config
from edge.coupon_desk import CouponDesk
from edge.documents_desk import DocumentsDesk
from edge.journal import Journal
from edge.portal.office import Office
from edge.pump import Pump
from edge.shake_desk import ShakeDesk
from edge.status.gather import gather
from edge.web.admin import beacons as beacons_api
from edge.web.admin import catalogue as catalogue_api
from edge.web.admin import coupons as coupons_api
from edge.web.admin import documents as documents_api
from edge.web.admin import status_page
from edge.web.admin import wifi as wifi_api
from edge.web.admin.access import Access
from edge.web.admin.shakearound import build as shakearound


def admin_routes(
    config: Config,
    *,
    board: Board,
    journal: Journal,
    clock: Clock,
    pump: Pump,
    catalogue: CatalogueDesk,
    documents: DocumentsDesk,
    coupons: CouponDesk,
    shakes: ShakeDesk,
    office: Office | None = None,
) -> list[web.AbstractRouteDef]:
    """`office`: None where there is no guest Wi-Fi."""
    started = clock.now()

    async def ask() -> status_page.Status:
        return await gather(
            config=config,
            shop=documents.documents.shop(config),
            board=board,
            journal=journal,
            clock=clock,
            catalogue=catalogue,
            started=started,
        )

    access = Access.of(config.listen)
    alive = functools.partial(status_page.alive, board, journal)
    return [
        *access.routes(),
        *status_page.health_routes(alive, journal),
        *shakearound.routes(config, access=access, board=board, clock=clock, documents=documents, shakes=shakes),
        *access.guarded(
            [
                *status_page.routes(ask),
                *beacons_api.routes(pump, clock),
                *catalogue_api.routes(catalogue, pump, clock),
                *coupons_api.routes(coupons),
                *documents_api.routes(documents),
                *(wifi_api.routes(office, gate=lambda: board.wifi.gate is State.UP) if office is not None else ()),
            ]
        ),
    ]
