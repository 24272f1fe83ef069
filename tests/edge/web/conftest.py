"""The kiosk's shop, open, and a browser's connection to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.edge.web.given_shop import OpenShop, open_shop
from tests.given import HandClock


@pytest.fixture
async def shop(hand_clock: HandClock) -> AsyncIterator[OpenShop]:
    async with open_shop(hand_clock.clock) as opened:
        yield opened


@pytest.fixture
async def http(shop: OpenShop) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(shop.url) as session:
        yield session
