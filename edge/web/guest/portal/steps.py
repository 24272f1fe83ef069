"""Pages between the form and the internet: the code out of an SMS, the code for a kiosk's scanner, WeChat's button.

Somebody who left to read an SMS comes back to a browser that knows nothing: the desk knows where their phone was.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from aiohttp import web
from markupsafe import Markup

from edge import qr
from edge.access_answers import Admitted, Way
from edge.portal.asks import Guest
from edge.portal.desk import MEMBER_CODE
from edge.portal.ways.app_login import AppLogin
from edge.web import pages
from edge.web.guest.portal.front import Front, came_from
from edge.web.guest.portal.pages import PortalPages, is_on
from edge.web.guest.portal.shell import said, shell_of, to

SMS_CODE = "sms_code"
WECHAT = "wechat"
WECHAT_CSP = (
    "default-src 'self'; script-src 'self' https://wifi.weixin.qq.com; frame-src weixin:; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
LOOK_S = 4
"""So often the page asks whether its code was read."""


class StepPages:
    def __init__(self, front: Front, portal: PortalPages) -> None:
        self._front = front
        self._portal = portal

    async def sms(self, request: web.Request) -> web.Response:
        guest, fields = await self.half_way(request, SMS_CODE)
        return self.page(request, guest, "sms", number=fields.get("number", ""))

    async def member(self, request: web.Request) -> web.Response:
        """Loads itself anew until a kiosk has read the code; then it is the welcome page."""
        guest, _ = await self.half_way(request, MEMBER_CODE)
        code = await self._front.desk.member_code(guest)
        if not code:
            raise web.HTTPFound(to(request, "/", again="1"))
        picture = Markup(qr.svg(code))  # noqa: S704 - our own drawing
        return self.page(request, guest, "member", picture=picture, look_s=LOOK_S)

    async def wechat(self, request: web.Request) -> web.Response:
        """The only page that loads a script of another site, for WeChat answers by nothing else."""
        guest, fields = await self.half_way(request, WECHAT)
        response = self.page(request, guest, "wechat", call=fields.get("call", ""))
        response.headers["Content-Security-Policy"] = WECHAT_CSP
        return response

    async def called(self, request: web.Request) -> web.Response:
        """An app calls back from the guest's phone. It reads the status: 200 yes, 403 no."""
        self._front.hold_to(self._front.posts, request)
        name = request.match_info["app"]
        way = self._front.ways.get(Way(name)) if name in set(Way) else None
        if not isinstance(way, AppLogin):
            raise web.HTTPNotFound
        source = came_from(request)
        answer = await way.called(self._front.desk, source, request.query, language=pages.chosen(request))
        if isinstance(answer, Admitted):
            return web.Response(text=said(request)("wechat_yes"))
        return web.Response(status=403, text=said(request)(f"why_{answer.why}"))

    async def half_way(self, request: web.Request, part: str) -> tuple[Guest, Mapping[str, str]]:
        """Whose page this is, and what the way in gave it to show. Raises a redirect for who belongs elsewhere."""
        self._front.hold_to(self._front.looks, request)
        guest = await self._front.guest(request)
        if guest is None or (begun := self._front.desk.begun(guest)) is None or begun[1].part != part:
            raise web.HTTPFound(to(request, "/portal/welcome" if guest and is_on(guest) else "/"))
        if is_on(guest):
            raise web.HTTPFound(to(request, "/portal/welcome"))
        return guest, begun[1].fields

    def page(self, request: web.Request, guest: Guest, part: str, **values: object) -> web.Response:
        """Values of its own are the page's `its`."""
        view = self._front.desk.view()
        return pages.page(
            request,
            f"portal/{part}.jinja",
            shell=shell_of(request, view),
            consent=view.policy.consent,
            token=self._front.desk.token(guest),
            agreed=self._front.desk.agreed(guest),
            no=self._portal.told(request),
            to=partial(to, request),
            its=values,
        )
