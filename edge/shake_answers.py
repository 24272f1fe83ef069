"""What a shaken phone is answered: typed, and each refusal in words. Pure.

The shake API, the page, and the store's memory of past answers all carry these very structs.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from edge.coupon_answers import Issued


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
