"""Who may use the admin listener: on loopback everybody on this machine, beyond it who has the token.

A program sends `Authorization: Bearer TOKEN`; a person types it once into a form and gets a cookie that is worth
nothing elsewhere. Health checks are open: they say yes or no. The Host header is checked for every listener
(edge/web/guard.py), so that no foreign page can reach us through a name of its own.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from edge.config import ListenSection
from edge.web import pages
from edge.web.bodies import form_of
from edge.web.faults import WebError, wants_json
from edge.web.guard import same_secret

COOKIE = "admin"
COOKIE_S = 30 * 24 * 3600
WRONG_PAUSE_S = 1.0
"""A wrong token is answered so late, …"""
WRONG_AT_ONCE = 5
"""… and only so many are looked at, at a time: guessing takes longer than anybody lives."""


class Access:
    def __init__(self, token: str, *, needed: bool) -> None:
        self._token = token
        self._needed = needed
        self._wrong = asyncio.Semaphore(WRONG_AT_ONCE)

    @classmethod
    def of(cls, listen: ListenSection) -> Access:
        return cls(listen.admin_token.reveal(), needed=not _loopback(listen.admin.host))

    @property
    def needed(self) -> bool:
        return self._needed

    async def opens(self, given: str) -> bool:
        """Whether this is the token, or none is asked for. Raises WebError 429 for too many wrong ones."""
        return not self._needed or (bool(self._token) and await self._right(given))

    def routes(self) -> list[web.AbstractRouteDef]:
        if not self._needed:
            return []
        return [web.get("/login", self._form), web.post("/login", self._login)]

    def guarded(self, routes: Iterable[web.AbstractRouteDef]) -> list[web.AbstractRouteDef]:
        """The same routes, each asking for the token first where one is needed."""
        if not self._needed:
            return list(routes)
        return [
            web.RouteDef(route.method, route.path, functools.partial(self._checked, route.handler), route.kwargs)
            for route in routes
            if isinstance(route, web.RouteDef)
        ]

    async def _checked(self, handler: Handler, request: web.Request) -> web.StreamResponse:
        if not self._token:
            hint = "Set listen.admin_token in gateway.toml, or listen on 127.0.0.1."
            raise WebError(403, "no_token_set", "This listener faces a network and has no token.", hint=hint)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and await self._right(given):
            return await handler(request)
        if same_secret(request.cookies.get(COOKIE, ""), self._badge()):
            return await handler(request)
        if wants_json(request) or request.method != "GET" or request.path != "/":
            hint = "Send it as `Authorization: Bearer …`; it is listen.admin_token in gateway.toml."
            raise WebError(401, "token_needed", "This needs the admin token.", hint=hint)
        raise web.HTTPSeeOther("/login")

    async def _form(self, request: web.Request) -> web.Response:
        return pages.page(request, "admin/login.jinja", wrong=False)

    async def _login(self, request: web.Request) -> web.Response:
        given = (await form_of(request)).get("token", "")
        if not self._token or not await self._right(given.strip()):
            return pages.page(request, "admin/login.jinja", status=401, wrong=True)
        response = web.Response(status=303, headers={"Location": "/"})
        response.set_cookie(
            COOKIE, self._badge(), max_age=COOKIE_S, httponly=True, samesite="Strict", secure=request.secure
        )
        return response

    async def _right(self, given: str) -> bool:
        if same_secret(given, self._token):
            return True
        if self._wrong.locked():
            raise WebError(429, "too_many", "Too many wrong tokens at once.", hint="Try again in a moment.")
        async with self._wrong:
            await asyncio.sleep(WRONG_PAUSE_S)
        return False

    def _badge(self) -> str:
        """What the cookie holds: proves the token, does not tell it. A new token makes it worthless."""
        return hmac.new(self._token.encode(), b"storegate admin cookie 1", hashlib.sha256).hexdigest()


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
