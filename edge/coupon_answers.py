"""What is said to who asks for, shows or uses a coupon: typed answers, and each refusal in words. Pure.

The till API, the wallet, the command line and the ledger's memory of past answers all carry these very structs.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from edge.ids import CampaignId, Serial
from edge.shop import Campaign, CouponKind, RiskClass


class Why(StrEnum):
    """Why the answer is no. Stable: tills switch on these words."""

    UNREADABLE = "unreadable"
    """The text is no coupon: too short, misread, mistyped."""
    FORGED = "forged"
    """It names our key but its signature does not fit."""
    UNKNOWN = "unknown"
    """Our signature, but not in the ledger: this journal does not go back that far."""
    USED = "used"
    EXPIRED = "expired"
    NOT_YET = "not_yet"
    VOIDED = "voided"
    WRONG_STORE = "wrong_store"
    WRONG_MEMBER = "wrong_member"
    CAMPAIGN_UNKNOWN = "campaign_unknown"
    CAMPAIGN_OVER = "campaign_over"
    BUDGET_SPENT = "budget_spent"
    ONLINE_ONLY = "online_only"
    CLOCK_UNSURE = "clock_unsure"
    RESERVED_ELSEWHERE = "reserved_elsewhere"
    RESERVATION_UNKNOWN = "reservation_unknown"
    RELEASED = "released"
    KEY_REUSED = "key_reused"
    VALUE_TOO_HIGH = "value_too_high"
    NOT_SELF_SERVE = "not_self_serve"
    LIMIT_REACHED = "limit_reached"
    NONE_LEFT = "none_left"
    GRANT_OVER_STOCK = "grant_over_stock"
    GRANT_CHANGED = "grant_changed"
    GRANT_EXPIRED = "grant_expired"


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag_field="answer"):
    """Base of all."""


class Refused(Answer, frozen=True, kw_only=True, tag="refused"):
    why: Why
    at_ms: int | None = None
    """Of used, voided, expired, campaign_over, released: when. not_yet: from when. reserved_elsewhere: until when."""
    place: str = ""
    """Of used, reserved_elsewhere: at which till."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a coupon is worth, as its campaign said at that moment."""

    kind: CouponKind
    value: int
    """Of discount: per mille off; cash: fen off; parking: minutes; gift and pickup: 0."""
    min_spend_fen: int
    name_zh: str
    name_en: str

    @classmethod
    def of(cls, campaign: Campaign) -> Terms:
        return cls(
            kind=campaign.kind,
            value=campaign.value,
            min_spend_fen=campaign.min_spend_fen,
            name_zh=campaign.name_zh,
            name_en=campaign.name_en,
        )


class Issued(Answer, frozen=True, kw_only=True, tag="issued"):
    serial: Serial
    campaign: CampaignId
    from_ms: int
    to_ms: int


class Reserved(Answer, frozen=True, kw_only=True, tag="reserved"):
    """The coupon is held for this key until `until_ms`; nobody else can take it meanwhile."""

    key: str
    serial: Serial
    campaign: CampaignId
    until_ms: int
    terms: Terms


class Redeemed(Answer, frozen=True, kw_only=True, tag="redeemed"):
    key: str
    serial: Serial
    campaign: CampaignId
    at_ms: int
    value_fen: int


class Released(Answer, frozen=True, kw_only=True, tag="released"):
    key: str
    at_ms: int


class Voided(Answer, frozen=True, kw_only=True, tag="voided"):
    campaign: CampaignId
    units: int
    """Coupons that end by it; those of a whole campaign end within seconds, and are refused at once."""


class Granted(Answer, frozen=True, kw_only=True, tag="granted"):
    grant_id: str
    campaign: CampaignId
    units: int
    available: int
    """Units this gateway may issue of the campaign now."""


class CouponState(StrEnum):
    OUTSTANDING = "outstanding"
    HELD = "held"
    REDEEMED = "redeemed"
    EXPIRED = "expired"
    VOIDED = "voided"


class Shown(Answer, frozen=True, kw_only=True, tag="shown"):
    """What a person with the coupon in hand may see of it."""

    serial: Serial
    campaign: CampaignId
    state: CouponState
    from_ms: int
    to_ms: int
    ended_ms: int | None = None
    ended_at: str = ""
    """The till that redeemed it."""
    terms: Terms | None = None
    """None: its campaign is no longer in the documents."""
    risk: RiskClass | None = None
    token: str = ""
    short_code: str = ""
    usable: Refused | None = None
    """What a till would refuse it for right now; None: it would take it."""


AnyAnswer: TypeAlias = Issued | Reserved | Redeemed | Released | Voided | Granted | Shown | Refused

_decoder = msgspec.json.Decoder(AnyAnswer)


def pack(answer: AnyAnswer) -> bytes:
    return msgspec.json.encode(answer)


def unpack(raw: bytes) -> AnyAnswer:
    answer: AnyAnswer = _decoder.decode(raw)
    return answer


class Words(NamedTuple):
    """One refusal, to a person. `{when}` and `{place}` are filled where known."""

    zh: str
    en: str


REFUSALS: dict[Why, Words] = {
    Why.UNREADABLE: Words("这不是本店的优惠券，请重新扫码", "This is not a coupon of ours; please scan it again"),
    Why.FORGED: Words("优惠券校验不通过", "The coupon's signature does not fit"),
    Why.UNKNOWN: Words("本店没有此券记录，请联系店员", "This shop has no record of the coupon; ask the staff"),
    Why.USED: Words("此券已于 {when} 在 {place} 使用", "Already used at {place} on {when}"),
    Why.EXPIRED: Words("此券已于 {when} 过期", "Expired on {when}"),
    Why.NOT_YET: Words("此券 {when} 起可用", "Good from {when} on"),
    Why.VOIDED: Words("此券已于 {when} 作废", "Withdrawn on {when}"),
    Why.WRONG_STORE: Words("此券仅限发券门店使用", "Good only in the shop that issued it"),
    Why.WRONG_MEMBER: Words("此券属于另一位会员", "The coupon belongs to another member"),
    Why.CAMPAIGN_UNKNOWN: Words("没有这个活动", "There is no such campaign"),
    Why.CAMPAIGN_OVER: Words("活动已结束", "The campaign is over"),
    Why.BUDGET_SPENT: Words("活动预算已用完", "The campaign's budget is spent"),
    Why.ONLINE_ONLY: Words("此券需联网使用", "The coupon can be used only while the shop is online"),
    Why.CLOCK_UNSURE: Words("门店时钟未校准，暂不能判断有效期", "The shop's clock is not set: dates can't be judged"),
    Why.RESERVED_ELSEWHERE: Words(
        "此券正在 {place} 使用中，{when} 后可再试", "In use at {place} right now; free again after {when}"
    ),
    Why.RESERVATION_UNKNOWN: Words("没有这次预占，请重新扫券", "No such reservation; please scan the coupon again"),
    Why.RELEASED: Words("这次预占已取消，请重新扫券", "The reservation was released; please scan the coupon again"),
    Why.KEY_REUSED: Words("同一个幂等键用于了不同的请求", "This idempotency key was used for another request"),
    Why.VALUE_TOO_HIGH: Words("抵扣金额超过券面值", "More was taken off than the coupon is worth"),
    Why.NOT_SELF_SERVE: Words("此券由店员发放", "This coupon is given out by the staff"),
    Why.LIMIT_REACHED: Words("您已领过此券", "You already have this coupon"),
    Why.NONE_LEFT: Words("已领完", "None left"),
    Why.GRANT_OVER_STOCK: Words("发放授权超过活动总量", "The grant is larger than the stock that is left"),
    Why.GRANT_CHANGED: Words("授权编号或序号已被占用", "The grant's id or seq belongs to another grant"),
    Why.GRANT_EXPIRED: Words("授权已过期", "The grant is past its not-after time"),
}


def in_words(refused: Refused, *, language: str, timezone: str) -> str:
    """One sentence for a person, times in the shop's own timezone."""
    words = REFUSALS[refused.why]
    text = words.zh if language.startswith("zh") else words.en
    nowhere = "收银台" if language.startswith("zh") else "a till"
    when = "" if refused.at_ms is None else moment(refused.at_ms, timezone=timezone)
    return " ".join(text.format(when=when, place=refused.place or nowhere).split())


def moment(at_ms: int, *, timezone: str) -> str:
    """`2026-11-21 14:05`, local."""
    return f"{datetime.fromtimestamp(at_ms / 1000, ZoneInfo(timezone)):%Y-%m-%d %H:%M}"
