"""A scanned coupon on a kiosk's screen: what it is worth, until when, and why a till would refuse it."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from edge.coupon_answers import Refused, Shown, Terms, in_words, moment
from edge.shop import CouponKind
from edge.web import pages
from edge.web.shop.counter import CouponView


class ShowsCoupons(Protocol):
    """The part of CouponDesk that a kiosk needs."""

    @property
    def timezone(self) -> str: ...

    async def show(self, code: str) -> Shown | Refused: ...


def coupon_view(desk: ShowsCoupons) -> CouponView:
    """For Counter(coupon=…). The token and the serial never reach the screen."""

    async def view(request: web.Request, token: str) -> str:
        answer = await desk.show(token)
        shown = answer if isinstance(answer, Shown) else None
        refused = answer if isinstance(answer, Refused) else answer.usable
        return pages.text(
            request,
            "shop/coupon_card.jinja",
            terms=shown.terms if shown else None,
            worth=worth(request, shown.terms) if shown and shown.terms else "",
            until=moment(shown.to_ms, timezone=desk.timezone) if shown else "",
            refused=in_words(refused, language=pages.chosen(request), timezone=desk.timezone) if refused else "",
        )

    return view


def worth(request: web.Request, terms: Terms) -> str:
    """`8 折` / `20% off`, `减 ¥5.00`, …"""
    match terms.kind:
        case CouponKind.DISCOUNT:
            off, left = terms.value / 10, (1000 - terms.value) / 100
            return pages.say(request, "shop.worth_discount", percent=f"{off:g}", tenths=f"{left:g}")
        case CouponKind.CASH:
            return pages.say(request, "shop.worth_cash", amount=pages.money(terms.value))
        case CouponKind.PARKING:
            return pages.say(request, "shop.worth_parking", minutes=terms.value)
        case CouponKind.GIFT:
            return pages.say(request, "shop.worth_gift")
        case CouponKind.PICKUP:
            return pages.say(request, "shop.worth_pickup")
