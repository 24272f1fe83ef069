"""The captive portal API (RFC 8908): a phone that was told of it by DHCP (RFC 8910) asks here instead of guessing."""

from __future__ import annotations

import msgspec
from aiohttp import web

from edge.access_answers import Standing
from edge.web.guest.portal.front import Front

TYPE = "application/captive+json"


class Captivity(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    captive: bool
    user_portal_url: str
    venue_info_url: str
    """The shop's coupons: phones show it as a notification."""
    can_extend_session: bool = False
    seconds_remaining: int | None = None
    bytes_remaining: int | None = None


def captivity(standing: Standing | None, *, url: str, now_ms: int) -> Captivity:
    """What is left is told only while somebody is let in (RFC 8908, 5)."""
    if standing is None:
        return Captivity(captive=True, user_portal_url=f"{url}/", venue_info_url=f"{url}/wallet")
    return Captivity(
        captive=False,
        user_portal_url=f"{url}/",
        venue_info_url=f"{url}/wallet",
        can_extend_session=True,
        seconds_remaining=max(0, (standing.to_ms - now_ms) // 1000),
        bytes_remaining=left_bytes(standing),
    )


def left_bytes(standing: Standing) -> int | None:
    """None: no limit."""
    if standing.max_bytes is None:
        return None
    return max(0, standing.max_bytes - standing.up_bytes - standing.down_bytes)


def route(front: Front) -> web.AbstractRouteDef:
    async def answer(request: web.Request) -> web.Response:
        front.hold_to(front.looks, request)
        guest = await front.guest(request)
        told = captivity(guest.standing if guest else None, url=front.url(), now_ms=front.clock.now().at_ms)
        headers = {"Cache-Control": "private, no-store", "Content-Type": TYPE}
        return web.Response(body=msgspec.json.encode(told), headers=headers)

    return web.get("/captive-portal/api", answer)
