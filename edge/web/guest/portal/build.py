"""All routes of the portal; `wallet.routes(..., home=False)` leaves `/` to it."""

from __future__ import annotations

from aiohttp import web

from edge.web.guest.portal import api, look, search
from edge.web.guest.portal.front import Front
from edge.web.guest.portal.pages import PortalPages
from edge.web.guest.portal.steps import StepPages


def routes(front: Front) -> list[web.AbstractRouteDef]:
    portal = PortalPages(front)
    steps = StepPages(front, portal)
    return [
        web.get("/", portal.start),
        web.post("/portal/accept", portal.accept),
        web.get("/portal/welcome", portal.welcome),
        web.post("/portal/leave", portal.leave),
        web.get("/portal/terms", portal.terms),
        web.get("/portal/sms", steps.sms),
        web.get("/portal/member", steps.member),
        web.get("/portal/wechat", steps.wechat),
        web.get("/portal/app/{app}", steps.called, allow_head=False),
        api.route(front),
        search.route(front),
        look.route(),
    ]
