"""The guest listener over a true coupon desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.config import Listener
from edge.shop import Campaign
from edge.web.app import BoundListener, listen
from edge.web.guest import wallet
from edge.web.guest.rates import coupons_given
from tests.edge.coupons.given_desk import Counter, counter


@asynccontextmanager
async def guest_listener(
    folder: Path, *campaigns: Campaign, units: int = 10
) -> AsyncIterator[tuple[Counter, BoundListener]]:
    async with counter(folder, *campaigns, units=units) as made:
        routes = wallet.routes(
            made.desk, keys=made.keys, clock=made.hand.clock, settings=made.config.coupons, given=coupons_given()
        )
        async with listen("guest", Listener(), routes, host_names=None) as bound:
            yield made, bound
