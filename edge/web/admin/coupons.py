"""Coupons for people at the gateway: what `storegate coupon` and `storegate ledger` ask a running daemon.

Who may ask is the admin listener's business; the answers are the structs of edge.coupon_answers, a refusal included
(status 200: the question was understood and answered).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from edge.coupon_answers import Refused
from edge.coupon_desk import CouponDesk
from edge.errors import JournalRefusedError, StoregateError
from edge.ids import Name, StationId
from edge.web.bodies import body_of, raw_body
from edge.web.faults import WebError

Code = Annotated[str, Meta(min_length=1, max_length=512)]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all."""


class IssueAsked(Asked, frozen=True, kw_only=True):
    campaign: Name
    member: Annotated[str, Meta(max_length=128)] = ""
    request_key: Annotated[str, Meta(max_length=128)] = ""


class ShowAsked(Asked, frozen=True, kw_only=True):
    code: Code


class RedeemAsked(Asked, frozen=True, kw_only=True):
    code: Code
    till: Name
    receipt: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{1,64}\Z")]
    value_fen: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 0


class VoidAsked(Asked, frozen=True, kw_only=True):
    campaign: str = ""
    code: Annotated[str, Meta(max_length=512)] = ""
    reason: Annotated[str, Meta(max_length=200)] = ""


def routes(desk: CouponDesk) -> list[web.AbstractRouteDef]:
    api = CouponApi(desk)
    return [
        web.post("/api/v1/coupons/issue", api.issue),
        web.post("/api/v1/coupons/show", api.show),
        web.post("/api/v1/coupons/redeem", api.redeem),
        web.post("/api/v1/coupons/void", api.void),
        web.post("/api/v1/coupons/grant", api.grant),
        web.get("/api/v1/ledger", api.ledger),
    ]


class CouponApi:
    def __init__(self, desk: CouponDesk) -> None:
        self._desk = desk

    async def issue(self, request: web.Request) -> web.Response:
        asked = await body_of(request, IssueAsked)
        return _json(await self._desk.issue_to(asked.campaign, member=asked.member, request_key=asked.request_key))

    async def show(self, request: web.Request) -> web.Response:
        asked = await body_of(request, ShowAsked)
        return _json(await self._desk.show(asked.code, serial_too=True))

    async def redeem(self, request: web.Request) -> web.Response:
        asked = await body_of(request, RedeemAsked)
        return _json(
            await self._desk.redeem(
                asked.code, till=StationId(asked.till), receipt=asked.receipt, value_fen=asked.value_fen
            )
        )

    async def void(self, request: web.Request) -> web.Response:
        asked = await body_of(request, VoidAsked)
        return _json(await self._desk.void(campaign=asked.campaign, code=asked.code, reason=asked.reason, by="admin"))

    async def grant(self, request: web.Request) -> web.Response:
        raw = await raw_body(request)
        try:
            return _json(await self._desk.grant(raw))
        except JournalRefusedError:
            raise
        except StoregateError as error:
            raise WebError(422, "bad_grant", str(error), hint=error.hint) from error

    async def ledger(self, _: web.Request) -> web.Response:
        return _json(await self._desk.ledger())


def _json(answer: msgspec.Struct | Refused) -> web.Response:
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")
