"""POST /api/v1/catalogue/changed: the cloud hears of a catalogue that was imported by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aiohttp import ClientSession

from edge.catalogue import CatalogueDesk
from edge.config import Listener
from edge.events import CatalogueChanged, Event
from edge.web.admin.catalogue import routes
from edge.web.app import listen
from tests.edge.catalogue.given_rows import book, row
from tests.given import HandClock


class HeardPump:
    """Takes events and keeps them."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def submit(self, event: Event) -> object:
        self.events.append(event)
        return None


async def test_the_cloud_hears_what_is_in_the_new_file(tmp_path: Path, hand_clock: HandClock) -> None:
    path = await asyncio.to_thread(book, tmp_path, row(1, "可乐"), sha256="ab" * 32)
    pump, desk = HeardPump(), CatalogueDesk(path)
    async with listen("admin", Listener(), routes(desk, pump, hand_clock.clock)) as bound, ClientSession() as browser:
        async with browser.post(f"{bound.url}/api/v1/catalogue/changed") as answer:
            assert answer.status == 200
        async with browser.get(f"{bound.url}/api/v1/catalogue") as answer:
            assert (await answer.json())["info"]["products"] == 1
    (event,) = pump.events
    assert isinstance(event, CatalogueChanged)
    assert (event.products, event.sha256, event.by) == (1, "ab" * 32, "cli")
    await desk.close()


async def test_without_a_catalogue_nothing_is_told(tmp_path: Path, hand_clock: HandClock) -> None:
    pump, desk = HeardPump(), CatalogueDesk(tmp_path / "none")
    api = routes(desk, pump, hand_clock.clock)
    async with listen("admin", Listener(), api) as bound, ClientSession() as browser:
        answer = await browser.post(f"{bound.url}/api/v1/catalogue/changed")
        assert answer.status == 409
    assert pump.events == []
    await desk.close()
