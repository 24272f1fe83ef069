"""A coupon scanned at a kiosk, with a coupon desk that knows three tokens."""

from __future__ import annotations

import re

import aiohttp
import pytest

from edge.coupon_answers import CouponState, Refused, Shown, Terms, Why
from edge.events import Code, CodeKind
from edge.ids import CampaignId, Serial
from edge.shop import CouponKind
from edge.web.shop.coupon_view import coupon_view
from tests.edge.web.given_shop import KIOSK, open_shop
from tests.given import NOON_MS, HandClock


def shown(kind: CouponKind, value: int, usable: Refused | None = None) -> Shown:
    return Shown(
        serial=Serial("SECRETSERIAL2345"),
        campaign=CampaignId("spring"),
        state=CouponState.OUTSTANDING,
        from_ms=0,
        to_ms=NOON_MS,
        terms=Terms(kind=kind, value=value, min_spend_fen=1000, name_zh="春日券", name_en="Spring"),
        token="SECRETTOKEN",
        usable=usable,
    )


class ThreeCoupons:
    timezone = "Asia/Shanghai"

    async def show(self, code: str) -> Shown | Refused:
        used = Refused(why=Why.USED, at_ms=NOON_MS, place="till-1")
        known = {
            "SECRETCASH": shown(CouponKind.CASH, 500),
            "SECRETDISCOUNT": shown(CouponKind.DISCOUNT, 150),
            "SECRETUSED": shown(CouponKind.GIFT, 0, used),
        }
        return known.get(code, Refused(why=Why.FORGED))


@pytest.mark.parametrize(
    ("token", "language", "wanted"),
    [
        ("SECRETCASH", "zh-CN", ["春日券", "立减 ¥5.00", "消费满 ¥10.00 可用", "可以使用", "2026-11-18 19:06"]),
        ("SECRETCASH", "en", ["Spring", "¥5.00 off", "Good to use"]),
        ("SECRETDISCOUNT", "zh-CN", ["8.5 折（省 15%）"]),
        ("SECRETUSED", "zh-CN", ["礼品一份", "✕ 此券已于 2026-11-18 19:06 在 till-1 使用"]),
        ("SECRETWRONG", "en", ["Coupon", "✕ The coupon&#39;s signature does not fit"]),
    ],
)
async def test_a_coupon_shows_its_worth_and_its_state(
    hand_clock: HandClock, token: str, language: str, wanted: list[str]
) -> None:
    async with open_shop(hand_clock.clock, language=language, coupon=coupon_view(ThreeCoupons())) as shop:
        await shop.scan(Code(kind=CodeKind.COUPON, value=token))
        async with aiohttp.ClientSession() as http, http.get(f"{shop.url}/kiosk/{KIOSK}") as answer:
            text = await answer.text()
    for words in wanted:
        assert words in text
    assert not re.search("SECRET", text)
