"""The till API: `/till/v1/coupons/{reserve,commit,release,show}`. docs/till.md is its manual.

A till proves itself with the key of its station (`Authorization: Bearer …`), so no till can speak for another. What it
wants to do has a key of its own: the header `Idempotency-Key`, or `receipt` and `line`; the same key hears the same
answer for ever, so a till that lost an answer just asks again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from aiohttp import web

from edge.config import StationSection
from edge.coupon_answers import AnyAnswer, Refused
from edge.coupon_desk import CouponDesk
from edge.ids import StationId
from edge.web import refusals
from edge.web.bodies import body_of
from edge.web.faults import WebError
from edge.web.guard import same_secret
from edge.web.shop import till_openapi
from edge.web.shop.till_requests import (
    KEY_HEADER,
    CommitRequest,
    Keyed,
    ReleaseRequest,
    ReserveRequest,
    ShowRequest,
)

_KEY = re.compile(r"[\x21-\x7e]{1,128}\Z")


def routes(desk: CouponDesk, stations: Mapping[str, StationSection]) -> list[web.AbstractRouteDef]:
    till = Till(desk, stations)
    document = msgspec.json.encode(till_openapi.document())

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(body=document, content_type="application/json")

    return [
        web.post("/till/v1/coupons/reserve", till.reserve),
        web.post("/till/v1/coupons/commit", till.commit),
        web.post("/till/v1/coupons/release", till.release),
        web.post("/till/v1/coupons/show", till.show),
        web.get("/till/v1/openapi.json", openapi),
    ]


class Till:
    def __init__(self, desk: CouponDesk, stations: Mapping[str, StationSection]) -> None:
        self._desk = desk
        self._keys = {
            StationId(name): station.key.reveal()
            for name, station in stations.items()
            if station.kind == "till" and station.key
        }

    async def reserve(self, request: web.Request) -> web.Response:
        till = self._who(request)
        wanted = await body_of(request, ReserveRequest)
        key = _key(request, till, wanted)
        return self._answer(
            await self._desk.reserve(
                till=till, key=key, code=wanted.code, member=wanted.member, value_fen=wanted.value_fen
            )
        )

    async def commit(self, request: web.Request) -> web.Response:
        till = self._who(request)
        wanted = await body_of(request, CommitRequest)
        key = _key(request, till, wanted)
        return self._answer(await self._desk.commit(till=till, key=key, value_fen=wanted.value_fen))

    async def release(self, request: web.Request) -> web.Response:
        till = self._who(request)
        key = _key(request, till, await body_of(request, ReleaseRequest))
        return self._answer(await self._desk.release(till=till, key=key))

    async def show(self, request: web.Request) -> web.Response:
        self._who(request)
        wanted = await body_of(request, ShowRequest)
        return self._answer(await self._desk.show(wanted.code))

    def _who(self, request: web.Request) -> StationId:
        """Every key is compared, each in constant time: how long it takes tells nothing."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        offered = given.strip() if scheme.lower() == "bearer" else ""
        fits = [name for name, key in self._keys.items() if same_secret(offered, key)]
        if not fits:
            hint = "Send the key of [stations.<till>] as `Authorization: Bearer KEY`."
            raise WebError(401, "wrong_key", "This till is not known here.", hint=hint)
        return fits[0]

    def _answer(self, answer: AnyAnswer) -> web.Response:
        if isinstance(answer, Refused):
            raise refusals.fault(answer, timezone=self._desk.timezone)
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json")


def _key(request: web.Request, till: StationId, wanted: Keyed) -> str:
    """Unique over all tills. Raises WebError 400 when neither form of it was sent."""
    given = request.headers.get(KEY_HEADER)
    if given is not None:
        if not _KEY.match(given):
            raise WebError(400, "bad_request", f"{KEY_HEADER} must be 1 to 128 visible ASCII characters.")
        return f"{till}/key/{given}"
    if not wanted.receipt:
        raise WebError(400, "bad_request", f"Send {KEY_HEADER}, or `receipt` and `line`: a retry needs a name.")
    return f"{till}/{wanted.receipt}/{wanted.line}"
