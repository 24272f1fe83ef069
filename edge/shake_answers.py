"""What a shaken phone is answered: typed, and each refusal in words. Pure.

The shake API, the page, and the store's memory of past answers all carry these very structs.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from edge.coupon_answers import Issued, Words, moment


class ShakeWhy(StrEnum):
    """Why the answer is no. Stable: apps switch on these words."""

    NO_BEACON = "no_beacon"
    """Nothing of this shop was heard, and no other proof of place was given."""
    FORGED = "forged"
    """A rotating id that is not one of ours in any epoch near."""
    OLD = "old"
    """An id that was right some epochs ago: heard long ago, or replayed."""
    NOT_HERE = "not_here"
    """The place code is wrong or over, or the phone is not on the shop's Wi-Fi."""
    NONCE_UNKNOWN = "nonce_unknown"
    """Not ours, or older than ten minutes: ask for a new one."""
    REPLAYED = "replayed"
    """This nonce was used by another shopper."""
    TOO_SOON = "too_soon"
    """Cool-down; `again_ms` says when."""
    DAY_FULL = "day_full"
    """This shopper's shakes of the day are used up."""
    CLOCK_UNSURE = "clock_unsure"
    """Ids change with the time and the gateway does not know it yet."""
    NOTHING_HERE = "nothing_here"
    """No page is bound to this place."""


class Outcome(StrEnum):
    PAGE = "page"
    """Just the page."""
    COUPON = "coupon"
    """The page's coupon."""
    WON = "won"
    LOST = "lost"
    EMPTY = "empty"
    """A draw or coupon that has nothing to give: limits, stock, dates. `why_empty` says which."""


class WhyEmpty(StrEnum):
    DRAW_CLOSED = "draw_closed"
    TRIES_USED = "tries_used"
    WINS_USED = "wins_used"
    SOLD_OUT = "sold_out"
    LIMIT_REACHED = "limit_reached"
    CAMPAIGN_OVER = "campaign_over"
    OTHER = "other"


class ShakeAnswer(msgspec.Struct, frozen=True, kw_only=True, tag_field="answer"):
    """Base of both."""


class ShakeRefusal(ShakeAnswer, frozen=True, kw_only=True, tag="refused"):
    why: ShakeWhy
    again_ms: int | None = None
    """Of too_soon and day_full: from when (UTC, ms)."""


class Shaken(ShakeAnswer, frozen=True, kw_only=True, tag="shaken"):
    shake: str
    """Its id: opaque, unguessable; opens its page and, at statistics, is nobody."""
    beacon: str | None
    zone: str | None
    page: str
    outcome: Outcome
    coupon: Issued | None = None
    why_empty: WhyEmpty | None = None
    ticket_to_ms: int
    """Until when its ticket is good."""


class Exchanged(msgspec.Struct, frozen=True, kw_only=True):
    """What a page's back end hears for a ticket."""

    page: str
    beacon: str | None
    zone: str | None
    distance_m: float | None
    shopper: str
    at_ms: int


class TicketWrong(msgspec.Struct, frozen=True, kw_only=True):
    """No such ticket, or over, or exchanged already."""


_decoder = msgspec.json.Decoder(Shaken)


def pack(shaken: Shaken) -> bytes:
    return msgspec.json.encode(shaken)


def unpack(raw: bytes) -> Shaken:
    shaken: Shaken = _decoder.decode(raw)
    return shaken


REFUSALS: dict[ShakeWhy, Words] = {
    ShakeWhy.NO_BEACON: Words(
        "没有找到本店的信号，请打开蓝牙并靠近货架，或输入屏幕上的口令",
        "None of our beacons was heard: turn Bluetooth on and come closer, or type the code on a kiosk's screen",
    ),
    ShakeWhy.FORGED: Words(
        "信号无法验证，请在店内重新摇", "The beacon could not be verified; please shake again in the shop"
    ),
    ShakeWhy.OLD: Words(
        "信号已过期，请在店内重新摇", "The beacon was heard too long ago; please shake again in the shop"
    ),
    ShakeWhy.NOT_HERE: Words(
        "没能确认您在店内：请连接店内 Wi-Fi，或输入屏幕上的最新口令",
        "We can't tell that you are in the shop: join its Wi-Fi, or type the code a kiosk shows now",
    ),
    ShakeWhy.NONCE_UNKNOWN: Words("页面已过期，请刷新后再摇", "This page is too old; reload it and shake again"),
    ShakeWhy.REPLAYED: Words(
        "这次摇动属于另一位顾客，请刷新后再摇", "This shake is somebody else's; reload and shake again"
    ),
    ShakeWhy.TOO_SOON: Words("摇得太快了，请稍候再摇", "That was quick: wait a moment and shake again"),
    ShakeWhy.DAY_FULL: Words("今天的次数已用完，{when} 起可以再摇", "No more shakes today; again from {when} on"),
    ShakeWhy.CLOCK_UNSURE: Words(
        "门店时钟未校准，请稍后再试", "The shop's clock is not set yet; please try again later"
    ),
    ShakeWhy.NOTHING_HERE: Words(
        "这里暂时没有内容，换个地方摇摇看", "There is nothing here right now; try another place"
    ),
}
EMPTY: dict[WhyEmpty, Words] = {
    WhyEmpty.DRAW_CLOSED: Words("抽奖未开放", "The draw is not open"),
    WhyEmpty.TRIES_USED: Words("今天的抽奖次数已用完，明天再来", "No tries left today; come back tomorrow"),
    WhyEmpty.WINS_USED: Words("您已中过奖，把机会留给别人吧", "You have won already; now it is the others' turn"),
    WhyEmpty.SOLD_OUT: Words("奖品已发完", "Everything has been given out"),
    WhyEmpty.LIMIT_REACHED: Words("您已领过此券", "You already have this coupon"),
    WhyEmpty.CAMPAIGN_OVER: Words("活动已结束", "The campaign is over"),
    WhyEmpty.OTHER: Words("这次没有奖品", "Nothing to give this time"),
}


NOT_HERE_BY_CODE = Words(
    "没能确认您在店内：请输入屏幕或海报上的最新口令",
    "We can't tell that you are in the shop: type the code that a kiosk or poster shows now",
)


def in_words(no: ShakeRefusal | WhyEmpty, *, language: str, timezone: str, by_wifi: bool = True) -> str:
    """One sentence for a person, times in the shop's own timezone. `by_wifi`: being on the Wi-Fi proves a place."""
    words = EMPTY[no] if isinstance(no, WhyEmpty) else REFUSALS[no.why]
    if words is REFUSALS[ShakeWhy.NOT_HERE] and not by_wifi:
        words = NOT_HERE_BY_CODE
    text = words.zh if language.startswith("zh") else words.en
    again_ms = None if isinstance(no, WhyEmpty) else no.again_ms
    return text.format(when="" if again_ms is None else moment(again_ms, timezone=timezone))
