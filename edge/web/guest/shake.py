"""`/shake`: the page for every phone, with a script or without, with cookies or without.

A captive mini-browser keeps nothing, so who shakes travels in a signed hidden field, and links to a shake carry a pass
for that one shake. A browser that keeps cookies has neither in its addresses.
"""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from edge.clock import Clock
from edge.config import Config
from edge.keys import GatewayKeys
from edge.shake_answers import ShakeRefusal, ShakeWhy
from edge.shake_desk import MAX_SALT, SALT, ShakeDesk
from edge.shop import links
from edge.web import pages
from edge.web.bodies import form_of
from edge.web.guest.booth import MAX_PLACE, STATUS, Booth
from edge.web.guest.brand import Branding, unbranded
from edge.web.guest.cards import Card, card
from edge.web.guest.rates import AddressRate
from edge.web.guest.shake_api import ShakeApi

PART = "X-Part"
"""Sent by our script: answer with what changes only."""
OUTCOME = "X-Shake"
"""Tells our script how it ended."""


def routes(
    desk: ShakeDesk,
    *,
    keys: GatewayKeys,
    clock: Clock,
    settings: Config,
    given: AddressRate,
    brand: Branding = unbranded,
) -> list[web.AbstractRouteDef]:
    """The page and the API, which share their rates; `given` is the wallet's too."""
    booth = Booth(desk, keys, clock, settings, given=given)
    page = ShakePage(booth, public_url=settings.listen.public_url, brand=brand)
    return [
        web.get("/shake", page.open),
        web.post("/shake", page.shake),
        web.get("/shake/r/{shake}", page.result),
        web.get("/shake/go/{shake}", page.go, allow_head=False),
        *ShakeApi(booth, public_url=settings.listen.public_url).routes(),
    ]


def salt_of(word: str) -> str:
    """A person's lucky word as a salt: what would not do as it is counts as its SHA-256, which they can check too."""
    word = word[:MAX_SALT]
    return word if SALT.fullmatch(word) else hashlib.sha256(word.encode()).hexdigest()


class ShakePage:
    def __init__(self, booth: Booth, *, public_url: str, brand: Branding) -> None:
        self._booth = booth
        self._brand = brand
        self._public_url = public_url
        self._public = urlsplit(public_url if public_url.startswith("https://") else "")

    async def open(self, request: web.Request) -> web.Response:
        self._booth.look(request)
        identity = self._booth.identity
        return self._page(request, identity.of(request) or identity.fresh())

    async def shake(self, request: web.Request) -> web.Response:
        """The form: `shopper`, `nonce`, `place`, `salt`. The same nonce again is the same shake."""
        identity = self._booth.identity
        form = await form_of(request)
        number = identity.number_of(form.get("shopper", ""))
        if number is None:
            number = identity.of(request) or identity.fresh()
            no = pages.say(request, "guest.shake_wrong_form")
            return self._page(request, number, no=no, status=400, outcome="bad_shopper", place=form.get("place", ""))
        place = form.get("place", "")[:MAX_PLACE]
        answer = await self._booth.shake(
            request, number, nonce=form.get("nonce", "")[:200], salt=salt_of(form.get("salt", "")), place=place
        )
        if isinstance(answer, ShakeRefusal):
            return self._refused(request, number, answer, place)
        if identity.of(request) == number and PART not in request.headers:
            known = f"?{urlencode({'k': place})}" if place else ""
            raise web.HTTPSeeOther(f"/shake/r/{answer.shake}{known}")
        found = await self._card(request, answer.shake, identity.holder(number))
        return self._page(request, number, card=found, place=place, outcome=answer.outcome)

    async def result(self, request: web.Request) -> web.Response:
        """A shake of the past, for its own shopper."""
        self._booth.look(request)
        identity = self._booth.identity
        found = await self._card(request, request.match_info["shake"], await self._holder(request))
        number = identity.of(request) or identity.fresh()
        return self._page(request, number, card=found) if found else self._none(request, number)

    async def go(self, request: web.Request) -> web.Response:
        """On to the page's own address, with its ticket: that is what counts as opened."""
        self._booth.look(request)
        identity, shake, holder = self._booth.identity, request.match_info["shake"], await self._holder(request)
        url = await self._booth.desk.opened(shake, holder) if holder else None
        if url is None:
            return self._none(request, identity.of(request) or identity.fresh())
        where = links.ascii_of(url) if url else f"/shake/r/{shake}{self._by(request, shake, holder)}"
        return web.Response(status=302, headers={"Location": where})  # as it is: HTTPFound would spell it anew

    async def _holder(self, request: web.Request) -> str:
        """Who may see this shake: by the pass in its address, else by the cookie; empty: nobody."""
        identity = self._booth.identity
        by, number = request.query.get("by", ""), identity.of(request)
        if by:
            return await self._booth.holder_of(request.match_info["shake"], by)
        return identity.holder(number) if number else ""

    def _by(self, request: web.Request, shake: str, holder: str) -> str:
        """The pass for links, where no cookie says who it is."""
        number = self._booth.identity.of(request)
        if number is not None and self._booth.identity.holder(number) == holder:
            return ""
        return f"?by={self._booth.pass_of(shake)}"

    async def _card(self, request: web.Request, shake: str, holder: str) -> Card | None:
        found = await self._booth.desk.look(shake, holder) if holder else None
        if found is None:
            return None
        return card(
            found,
            say=lambda key: pages.say(request, f"guest.{key}"),
            lang=pages.chosen(request),
            timezone=self._booth.desk.timezone,
            go=f"/shake/go/{shake}{self._by(request, shake, holder)}",
            public_url=self._public_url,
        )

    def _refused(self, request: web.Request, number: str, refusal: ShakeRefusal, place: str) -> web.Response:
        """The page again, with the reason; a place that proved nothing is asked for anew."""
        if refusal.why is ShakeWhy.NO_BEACON:  # a page hears none: that is for apps
            refusal = ShakeRefusal(why=ShakeWhy.NOT_HERE)
        kept = "" if refusal.why is ShakeWhy.NOT_HERE else place
        words = self._booth.words(refusal, pages.chosen(request))
        status = STATUS[refusal.why]
        response = self._page(request, number, no=words, status=status, outcome=refusal.why, place=kept)
        if retry_s := self._booth.retry_s(refusal):
            response.headers["Retry-After"] = str(retry_s)
        return response

    def _none(self, request: web.Request, number: str) -> web.Response:
        return self._page(request, number, no=pages.say(request, "guest.shake_gone_title"), status=404)

    def _page(
        self,
        request: web.Request,
        number: str,
        *,
        card: Card | None = None,
        no: str = "",
        place: str | None = None,
        status: int = 200,
        outcome: str = "",
    ) -> web.Response:
        fresh = self._booth.desk.fresh()
        if place is None:
            place = request.query.get("k", "") or request.query.get("z", "")
        place = place[:MAX_PLACE]
        response = pages.page(
            request,
            "guest/shake_part.jinja" if PART in request.headers else "guest/shake.jinja",
            status=status,
            result=card,
            no=no,
            place=place,
            shopper=self._booth.identity.signed(number),
            nonce=fresh.nonce,
            commit=fresh.commit,
            on_wifi=self._booth.on_wifi(request),
            secure_url=self._secure_url(request, place),
            brand=self._brand(),
        )
        if outcome:
            response.headers[OUTCOME] = outcome
        self._booth.identity.keep(response, number)
        return response

    def _secure_url(self, request: web.Request, place: str) -> str:
        """The same page where phones tell their motion; empty: there is none, or this is it."""
        if not self._public.netloc or self._public.netloc == request.host:
            return ""
        return f"{self._public.geturl().rstrip('/')}/shake" + (f"?{urlencode({'k': place})}" if place else "")
