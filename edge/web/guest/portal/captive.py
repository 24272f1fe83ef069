"""First of all: plain HTTP that was meant for somebody else, and got here because its sender is not let in.

Whatever it asks, it is led to the portal, in one small answer: no template, nothing of the request in it, and nothing
of the request needed but the address it came from. Who was let in a moment ago still comes here by an old answer of
the captive DNS; a phone's second look must succeed then, or it stays in its mini-browser for minutes.
"""

from __future__ import annotations

from contextlib import suppress

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from markupsafe import escape

from edge.errors import StoregateError
from edge.portal.asks import Guest
from edge.web import pages
from edge.web.guest.portal.front import Front, came_from
from edge.web.guest.portal.hosts import host_of
from edge.web.guest.portal.probes import Probe, probe_of
from edge.web.guest.rates import AddressRate
from edge.web.proxies import at_the_box

FRESH_MS = 60_000
"""So long after somebody was let in may their phone's probe be answered here: DNS and its caches are over it then."""
PLAIN = {"Cache-Control": "no-store", "Connection": "close", "X-Content-Type-Options": "nosniff"}
CSP = {"Content-Security-Policy": "default-src 'none'"}


def middleware(front: Front) -> Middleware:
    captive = Captive(front)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = asked_host(request)
        here = str((request.get_extra_info("sockname") or ("",))[0])
        if front.ours.has(host, here=here, at_the_box=at_the_box(request)):
            return await handler(request)
        return await captive.answer(request, host, front.url())

    return check


def asked_host(request: web.Request) -> str:
    """Whom the request was meant for; empty: it does not say, or says two things.

    `request.host` alone is no help: where there is no Host it gives our own address. For a target that is a whole
    URL, as proxies get it, it gives that one's.
    """
    told = request.headers.getall(hdrs.HOST, [])
    host = host_of(told[0]) if len(told) == 1 else ""
    return host if host == host_of(request.host or "") else ""


class Captive:
    def __init__(self, front: Front) -> None:
        self._front = front
        self._looks = AddressRate(burst=60, each_s=0.25)
        """Of one phone: all its apps try at once. Beyond it the answer is the same, without looking who it is."""

    async def answer(self, request: web.Request, host: str, url: str) -> web.Response:
        front = self._front
        guest = None
        if front.within(self._looks, request):
            with suppress(StoregateError):  # a journal that can't be read lets nobody in, and the page will say so
                guest = await front.desk.guest(*came_from(request), language=pages.chosen(request))
        if guest is None or guest.standing is None:
            return _lead(url + "/")
        if front.offline and not front.settings.portal.offline_answers:
            return _lead(url + "/portal/welcome")
        if (front.offline or self._fresh(guest)) and (probe := probe_of(host, request.path)):
            return _free(probe)
        if front.offline:
            return _lead(url + "/portal/welcome")
        return _on_already(request, url + "/portal/welcome")

    def _fresh(self, guest: Guest) -> bool:
        since_ms = guest.standing.since_ms if guest.standing else 0
        return abs(self._front.clock.now().at_ms - since_ms) <= FRESH_MS


def _free(probe: Probe) -> web.Response:
    """To the letter: clients compare it."""
    kind = {"Content-Type": probe.content_type} if probe.content_type else {}
    body = probe.body.encode() or None
    return _closed(web.Response(status=probe.status, body=body, headers={**PLAIN, **kind}))


def _lead(url: str) -> web.Response:
    """302 for every method: browsers ask on by GET, and remember nothing."""
    body = f'<a href="{escape(url)}">Wi-Fi</a>'
    headers = {**PLAIN, **CSP, "Location": url, "Content-Type": "text/html; charset=utf-8"}
    return _closed(web.Response(status=302, text=body, headers=headers))


def _on_already(request: web.Request, url: str) -> web.Response:
    """Their phone is about to find the true address: asking again is all that is needed."""
    words, more = pages.say(request, "portal.on_reload"), pages.say(request, "portal.to_portal")
    body = (
        '<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="refresh" content="3"><title>Wi-Fi</title><p>{escape(words)}</p>'
        f'<p><a href="{escape(url)}">{escape(more)}</a></p>'
    )
    headers = {**PLAIN, **CSP, "Retry-After": "3", "Content-Type": "text/html; charset=utf-8"}
    return _closed(web.Response(status=503, text=body, headers=headers))


def _closed(response: web.Response) -> web.Response:
    response.force_close()
    return response
