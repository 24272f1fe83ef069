"""A refused coupon as an HTTP answer: one status and one stable code each; docs/till.md lists them."""

from __future__ import annotations

from edge.coupon_answers import Refused, Why, in_words
from edge.web.faults import WebError

STATUS: dict[Why, int] = {
    Why.UNREADABLE: 422,
    Why.FORGED: 422,
    Why.KEY_REUSED: 422,
    Why.VALUE_TOO_HIGH: 422,
    Why.UNKNOWN: 404,
    Why.CAMPAIGN_UNKNOWN: 404,
    Why.RESERVATION_UNKNOWN: 404,
    Why.USED: 409,
    Why.RESERVED_ELSEWHERE: 409,
    Why.RELEASED: 409,
    Why.CLOCK_UNSURE: 409,
    Why.LIMIT_REACHED: 409,
    Why.NONE_LEFT: 409,
    Why.GRANT_OVER_STOCK: 409,
    Why.GRANT_CHANGED: 409,
    Why.EXPIRED: 410,
    Why.VOIDED: 410,
    Why.CAMPAIGN_OVER: 410,
    Why.GRANT_EXPIRED: 410,
    Why.NOT_YET: 403,
    Why.WRONG_STORE: 403,
    Why.WRONG_MEMBER: 403,
    Why.BUDGET_SPENT: 403,
    Why.ONLINE_ONLY: 403,
    Why.NOT_SELF_SERVE: 403,
}


def fault(refused: Refused, *, timezone: str) -> WebError:
    """`{"error": {"code": …, "message": English, "message_zh": …, "at_ms": …, "place": …}}`."""
    extra: dict[str, object] = {
        "message_zh": in_words(refused, language="zh-CN", timezone=timezone),
        "at_ms": refused.at_ms,
        "place": refused.place or None,
    }
    message = in_words(refused, language="en", timezone=timezone)
    return WebError(STATUS[refused.why], str(refused.why), message, extra=extra)
