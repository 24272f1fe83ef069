"""How a coupon looks to a person: its worth in one figure, its state in one word. Pure."""

from __future__ import annotations

from typing import NamedTuple

from edge.coupon_answers import CouponState, Refused, Shown, Terms, Why, in_words, moment
from edge.shop import Campaign, CouponKind


class Worth(NamedTuple):
    figure: str
    """`¥3`, `8`, `20%`, `礼`."""
    unit: str
    """`折`, `off`, `分钟`; may be empty."""


class Face(NamedTuple):
    worth: Worth
    name: str
    good: bool
    """A till would take it now."""
    state: str
    """ready | held | soon | used | expired | voided | closed: the key of a word, and of a colour."""
    why: str
    """In words, when it is not good."""
    from_text: str
    to_text: str
    min_spend_fen: int
    shown: Shown


def worth(terms: Terms | Campaign, lang: str) -> Worth:
    zh = lang != "en"
    match terms.kind:
        case CouponKind.CASH:
            return Worth(f"¥{_decimal(terms.value, 100)}", "" if zh else "off")
        case CouponKind.DISCOUNT:
            if zh:
                return Worth(_decimal(1000 - terms.value, 100), "折") if terms.value < 1000 else Worth("免", "单")
            return Worth(f"{_decimal(terms.value, 10)}%", "off")
        case CouponKind.PARKING:
            return Worth(str(terms.value), "分钟停车" if zh else "min parking")
        case CouponKind.GIFT:
            return Worth("礼" if zh else "Gift", "")
        case CouponKind.PICKUP:
            return Worth("提货" if zh else "Pick up", "")


def _decimal(value: int, unit: int) -> str:
    """Without a tail of zeros: 300/100 → `3`, 350/100 → `3.5`."""
    whole, part = divmod(value, unit)
    digits = len(str(unit)) - 1
    return f"{whole}.{part:0{digits}d}".rstrip("0") if part else str(whole)


def face(shown: Shown, *, lang: str, timezone: str) -> Face:
    terms = shown.terms
    name = "" if terms is None else terms.name_en if lang == "en" else terms.name_zh
    return Face(
        worth=worth(terms, lang) if terms else Worth("—", ""),
        name=name or shown.campaign,
        good=shown.usable is None,
        state=state_of(shown.state, shown.usable),
        why=in_words(shown.usable, language=lang, timezone=timezone) if shown.usable else "",
        from_text=moment(shown.from_ms, timezone=timezone),
        to_text=moment(shown.to_ms, timezone=timezone),
        min_spend_fen=terms.min_spend_fen if terms else 0,
        shown=shown,
    )


def state_of(state: CouponState, usable: Refused | None) -> str:
    if usable is None:
        return "ready"
    if state is CouponState.HELD:
        return "held"
    words = {Why.USED: "used", Why.EXPIRED: "expired", Why.VOIDED: "voided", Why.NOT_YET: "soon"}
    return words.get(usable.why, "closed")


def grouped(code: str) -> str:
    """In fours, to read aloud and to type."""
    return " ".join(code[i : i + 4] for i in range(0, len(code), 4))
