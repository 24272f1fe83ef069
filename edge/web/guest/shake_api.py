"""`/shake/v1/`: shaking for mini-programs and apps. docs/shopper.md is its manual.

GET  /shake/v1/start    → {nonce, commit, uuids, to_ms, shopper}
POST /shake/v1/shakes   {nonce, salt, shopper, beacons, place} → {shake, outcome, words, page, coupon, …}
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from edge.checked import UnreadableError, decoded
from edge.shake_answers import ShakeRefusal
from edge.shake_desk import SALT
from edge.web import pages
from edge.web.bodies import raw_body
from edge.web.faults import WebError
from edge.web.guest.booth import MAX_PLACE, STATUS, Booth
from edge.web.guest.cards import card
from edge.web.guest.ranging import RangingError, ranged

MAX_BODY = 32 * 1024
"""Bytes. 100 beacons in the longest of the three forms are half of it."""


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What an app sends beyond this is let pass: bridges add fields of their own."""

    nonce: Annotated[str, Meta(max_length=200)]
    salt: Annotated[str, Meta(pattern=rf"^{SALT.pattern}\Z")] = ""
    shopper: Annotated[str, Meta(max_length=100)] = ""
    beacons: Any = ()
    place: Annotated[str, Meta(max_length=MAX_PLACE)] = ""


class ShakeApi:
    def __init__(self, booth: Booth, *, public_url: str) -> None:
        self._booth = booth
        self._public_url = public_url.rstrip("/")

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/shake/v1/start", self.start), web.post("/shake/v1/shakes", self.shake)]

    async def start(self, request: web.Request) -> web.Response:
        """Everything a phone needs before it shakes. Costs nothing here until it is used."""
        self._booth.look(request)
        fresh, identity = self._booth.desk.fresh(), self._booth.identity
        number = identity.of(request) or identity.fresh()
        body = msgspec.structs.asdict(fresh) | {"shopper": identity.signed(number)}
        response = _json(body)
        identity.keep(response, number)
        return response

    async def shake(self, request: web.Request) -> web.Response:
        booth = self._booth
        body, beacons = await _read(request)
        number = booth.identity.number_of(body.shopper) if body.shopper else booth.identity.of(request)
        if number is None:
            hint = "Send the `shopper` that GET /shake/v1/start gave."
            raise WebError(400, "bad_shopper", "This shopper is none of ours.", hint=hint)
        answer = await booth.shake(request, number, nonce=body.nonce, salt=body.salt, beacons=beacons, place=body.place)
        if isinstance(answer, ShakeRefusal):
            raise self._fault(request, answer)
        return _json(await self._told(request, number, answer.shake))

    async def _told(self, request: web.Request, number: str, shake: str) -> dict[str, object]:
        booth = self._booth
        holder = booth.identity.holder(number)
        result = await booth.desk.look(shake, holder)
        if result is None:
            raise WebError(404, "not_found", "There is no such shake.")
        lang, base, shaken = pages.chosen(request), self._base(request), result.shaken
        by = f"?by={booth.pass_of(shake)}"
        seen = card(
            result,
            say=lambda key: pages.say(request, f"guest.{key}"),
            lang=lang,
            timezone=booth.desk.timezone,
            go=f"{base}/shake/go/{shake}{by}",
            public_url=self._public_url,
        )
        page = result.page
        return {
            "shake": shake,
            "outcome": shaken.outcome,
            "why_empty": shaken.why_empty,
            "words": " ".join(filter(None, (seen.title, seen.words))),
            "page": page
            and {
                "title": seen.page,
                "description": seen.about,
                "icon": base + seen.icon if seen.icon else page.icon_url,
                "url": seen.go or f"{base}/shake/r/{shake}{by}",
            },
            "coupon": seen.face
            and {
                "name": seen.face.name,
                "worth": "".join(seen.face.worth) if lang != "en" else " ".join(filter(None, seen.face.worth)),
                "token": seen.face.shown.token,
                "link": base + seen.coupon if seen.coupon else "",
                "from_ms": seen.face.shown.from_ms,
                "to_ms": seen.face.shown.to_ms,
            },
            "beacon": shaken.beacon,
            "zone": shaken.zone,
            "ticket_to_ms": shaken.ticket_to_ms,
        }

    def _fault(self, request: web.Request, refusal: ShakeRefusal) -> WebError:
        booth = self._booth
        return WebError(
            STATUS[refusal.why],
            str(refusal.why),
            booth.words(refusal, "en"),
            extra={
                "message_zh": booth.words(refusal, "zh-CN"),
                "words": booth.words(refusal, pages.chosen(request)),
                "again_ms": refusal.again_ms,
            },
            retry_s=booth.retry_s(refusal),
        )

    def _base(self, request: web.Request) -> str:
        """Links must be whole for an app: by the public name, else by the one it called us."""
        return self._public_url or f"{request.scheme}://{request.host}"


async def _read(request: web.Request) -> tuple[Body, Any]:
    """Raises WebError 413, or 400 with the first thing that is wrong."""
    try:
        body = decoded(await raw_body(request, most=MAX_BODY), Body)
        return body, ranged(body.beacons)
    except (UnreadableError, RangingError) as error:
        raise WebError(400, "bad_request", f"The body is wrong: {error}", hint="See docs/shopper.md.") from error


def _json(body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json", charset="utf-8")
