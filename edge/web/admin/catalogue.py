"""The catalogue at the admin listener: what is in it, and that it was changed by hand."""

from __future__ import annotations

import msgspec
from aiohttp import web

from edge.catalogue import CatalogueDesk
from edge.clock import Clock
from edge.errors import JournalRefusedError
from edge.events import CatalogueChanged
from edge.pump import Pump
from edge.web.faults import WebError


def routes(desk: CatalogueDesk, pump: Pump, clock: Clock) -> list[web.AbstractRouteDef]:
    api = CatalogueApi(desk, pump, clock)
    return [web.get("/api/v1/catalogue", api.info), web.post("/api/v1/catalogue/changed", api.changed)]


class CatalogueApi:
    def __init__(self, desk: CatalogueDesk, pump: Pump, clock: Clock) -> None:
        self._desk = desk
        self._pump = pump
        self._clock = clock

    async def info(self, _: web.Request) -> web.Response:
        """200 with `info` null where there is no catalogue: that is a state, not a mistake."""
        info = await self._desk.info()
        return _json({"info": info, "problem": self._desk.problem})

    async def changed(self, _: web.Request) -> web.Response:
        """A new file was put in place by hand: kiosks reload, the cloud hears of it. 409: there is none."""
        info = await self._desk.info()
        if info is None:
            raise WebError(409, "no_catalogue", self._desk.problem or "There is no catalogue.")
        event = CatalogueChanged(
            at=self._clock.now(), products=info.products, sha256=info.sha256, priced_at_ms=info.priced_at_ms, by="cli"
        )
        try:
            await self._pump.submit(event)
        except JournalRefusedError as error:
            raise WebError(503, error.reason, str(error)) from error
        return _json({"info": info, "problem": self._desk.problem})


def _json(facts: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(facts), content_type="application/json")
