"""`/search?q=`: where a thing stands and what it costs, on the guest's own phone; with the line cut, too."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from edge.catalogue.product import Found
from edge.payment import is_payment
from edge.web import pages
from edge.web.guest.portal.front import Front
from edge.web.guest.portal.shell import shell_of, to

HITS = 12
MAX_WORDS = 64


def route(front: Front) -> web.AbstractRouteDef:
    async def search(request: web.Request) -> web.Response:
        words = request.query.get("q", "").strip()[:MAX_WORDS]
        front.hold_to(front.searches if words else front.looks, request)
        if is_payment(words):  # typed or scanned by mistake: it goes no further, and leaves the address
            raise web.HTTPSeeOther(to(request, "/search"))
        found = await front.catalogue.search(words, HITS) if words else Found()
        return pages.page(
            request,
            "portal/search.jinja",
            shell=shell_of(request, front.desk.view()),
            words=words,
            found=found,
            to=partial(to, request),
        )

    return web.get("/search", search)
