"""A kiosk's HTTP side. Every path works as a whole page; the page's own script asks for the middle only.

A visit is never in the address: the page stays at `/kiosk/{station}`, and what it shows is in the daemon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from edge.catalogue.images import content_type
from edge.ids import Gtin, StationId
from edge.payment import is_payment
from edge.web import pages
from edge.web.bodies import form_of
from edge.web.faults import WebError
from edge.web.guard import stepped_here
from edge.web.shop import views
from edge.web.shop.counter import Counter
from edge.web.shop.visits import MAX_WORDS, Goods, Notice, Search

PART = "X-Part"
"""Sent by our script: answer with the middle of the page only."""
VISIT = "X-Visit"
AtStation = Callable[[web.Request, StationId], Awaitable[web.StreamResponse]]
PICTURE_S = 3600
MISSING_S = 60
"""How long a browser does not ask again."""
REASONS = frozenset({"idle", "finish", "reload"})


def routes(counter: Counter) -> list[web.AbstractRouteDef]:
    kiosk = Kiosk(counter)
    at = "/kiosk/{station}"
    return [
        web.get("/", kiosk.list_all),
        web.get("/kiosk", kiosk.list_all),
        web.get(at, kiosk.at_station(kiosk.now)),
        web.get(f"{at}/shake-code", kiosk.at_station(kiosk.shake_code)),
        web.get(f"{at}/start", kiosk.at_station(stepping(kiosk.start))),
        web.get(f"{at}/search", kiosk.at_station(stepping(kiosk.search))),
        web.post(f"{at}/search", kiosk.at_station(kiosk.ask)),
        web.get(f"{at}/product/{{gtin:[0-9]{{8,14}}}}", kiosk.at_station(stepping(kiosk.product))),
        web.post(f"{at}/wish", kiosk.at_station(kiosk.wish)),
        web.post(f"{at}/stay", kiosk.at_station(kiosk.stay)),
        web.post(f"{at}/finish", kiosk.at_station(kiosk.finish)),
        web.get("/goods/{name:.{1,220}}", kiosk.picture),
    ]


def stepping(answer: AtStation) -> AtStation:
    """A GET that moves the screen on: not for a picture or a link that another site shows somebody."""

    async def handle(request: web.Request, station: StationId) -> web.StreamResponse:
        if not stepped_here(request):
            raise WebError(403, "other_site", "This may only be asked from our own pages.")
        return await answer(request, station)

    return handle


class Kiosk:
    def __init__(self, counter: Counter) -> None:
        self._counter = counter

    def at_station(self, answer: AtStation) -> Handler:
        """For stations that there are; any other is answered with their names."""

        async def handle(request: web.Request) -> web.StreamResponse:
            name = request.match_info["station"]
            return await answer(request, StationId(name)) if name in self._counter.kiosks else self._unknown(request)

        return handle

    async def list_all(self, request: web.Request) -> web.StreamResponse:
        """`/` and `/kiosk`: straight to the only kiosk, or a list."""
        kiosks = self._counter.kiosks
        if len(kiosks) == 1:
            raise web.HTTPFound(f"/kiosk/{next(iter(kiosks))}")
        return pages.page(request, "shop/stations.jinja", kiosks=kiosks, asked="")

    async def now(self, request: web.Request, station: StationId) -> web.StreamResponse:
        return await self._answer(request, station)

    async def shake_code(self, request: web.Request, station: StationId) -> web.StreamResponse:
        """The next one, for the page that shows one. A part of a page, never a page."""
        return self._part(views.shake_code(self._counter, request, station), station)

    async def start(self, request: web.Request, station: StationId) -> web.StreamResponse:
        self._counter.visits.show(station, Search(), self._counter.now_ms)
        return await self._answer(request, station)

    async def search(self, request: web.Request, station: StationId) -> web.StreamResponse:
        """For links and programs; our own pages ask by POST, so that what was typed never stands in an address."""
        return await self._search(request, station, request.query.get("q", ""))

    async def ask(self, request: web.Request, station: StationId) -> web.StreamResponse:
        return await self._search(request, station, (await form_of(request)).get("q", ""))

    async def _search(self, request: web.Request, station: StationId, words: str) -> web.StreamResponse:
        """A payment code that a scanner typed here is answered like one that was scanned, and goes no further."""
        if is_payment(words):
            self._counter.visits.show(station, Notice(about="payment"), self._counter.now_ms)
            return await self._moved(request, station)
        words = words[:MAX_WORDS]
        if request.headers.get(PART):
            return self._part(await views.hits(self._counter, request, station, words), station)
        self._counter.visits.show(station, Search(words=words), self._counter.now_ms)
        return await self._moved(request, station)

    async def _moved(self, request: web.Request, station: StationId) -> web.StreamResponse:
        """The answer to a POST, or to an address that should not stay: the page by its own, clean address."""
        if request.headers.get(PART):
            return await self._answer(request, station)
        raise web.HTTPSeeOther(f"/kiosk/{station}")

    async def product(self, request: web.Request, station: StationId) -> web.StreamResponse:
        via = "alternative" if request.query.get("via") == "alternative" else "search"
        gtin = Gtin(request.match_info["gtin"].zfill(14))
        visit = self._counter.visits.show(station, Goods(gtin, via), self._counter.now_ms)
        answer = await self._answer(request, station)
        await self._counter.tell_search(visit)
        await views.tell_viewed(self._counter, station)
        return answer

    async def wish(self, request: web.Request, station: StationId) -> web.StreamResponse:
        """Language, contrast, text size, reach, motion: for this visit."""
        self._counter.visits.wish(station, await form_of(request), self._counter.now_ms)
        return self._done(request, station)

    async def stay(self, request: web.Request, station: StationId) -> web.StreamResponse:
        """The question whether somebody is still there was answered with yes."""
        if self._counter.visits.of(station):
            self._counter.visits.touch(station, self._counter.now_ms)
        return self._done(request, station)

    async def finish(self, request: web.Request, station: StationId) -> web.StreamResponse:
        reason = (await form_of(request)).get("reason", "finish")
        visit = self._counter.visits.end(station)
        if visit is not None:
            await self._counter.tell_end(visit, reason if reason in REASONS else "finish")
        return self._done(request, station)

    async def picture(self, request: web.Request) -> web.StreamResponse:
        """A product's picture out of `{state_dir}/images`, where the catalogue's `image` column points.

        A missing one is no page: a list of hits asks for two dozen, and draws their kinds instead.
        """
        name = request.match_info["name"]
        kind = content_type(name)
        path = await asyncio.to_thread(_inside, self._counter.config.state_path / "images", name) if kind else None
        if path is None:
            return web.Response(status=404, headers={"Cache-Control": f"max-age={MISSING_S}"})
        return web.FileResponse(path, headers={"Cache-Control": f"max-age={PICTURE_S}", "Content-Type": kind})

    def _unknown(self, request: web.Request) -> web.Response:
        if request.headers.get(PART) or request.method != "GET":
            raise WebError(404, "not_found", "There is no such kiosk.")
        asked = request.match_info["station"][:40]
        return pages.page(request, "shop/stations.jinja", status=404, kiosks=self._counter.kiosks, asked=asked)

    async def _answer(self, request: web.Request, station: StationId) -> web.Response:
        """The middle alone for our script, else the whole page."""
        view = await views.view(self._counter, request, station)
        if request.headers.get(PART):
            return self._part(view, station)
        return pages.page(
            request,
            "shop/kiosk.jinja",
            view=view,
            station=station,
            section=self._counter.config.stations[station],
            wishes=self._counter.visits.wishes_of(station),
            visit=self._counter.visits.id_of(station),
            busy=self._counter.visits.of(station) is not None,
            prices=await views.prices_of(self._counter, request),
            offline=await views.offline_text(self._counter, request),
        )

    def _part(self, text: str, station: StationId) -> web.Response:
        headers = {VISIT: self._counter.visits.id_of(station)}
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)

    def _done(self, request: web.Request, station: StationId) -> web.StreamResponse:
        if request.headers.get(PART):
            return web.Response(status=204, headers={VISIT: self._counter.visits.id_of(station)})
        raise web.HTTPSeeOther(f"/kiosk/{station}")


def _inside(folder: Path, name: str) -> Path | None:
    """The file itself, when it is one and no link leads out of the folder."""
    try:
        path = (folder / name).resolve(strict=True)
        return path if path.is_file() and path.is_relative_to(folder.resolve()) else None
    except (OSError, RuntimeError):  # not there, not ours to read, or links in a circle
        return None
