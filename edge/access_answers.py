"""What a guest who asks for the internet is answered: typed, and each refusal in words. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from edge.ids import Mac


class Way(StrEnum):
    """How a guest came in."""

    CLICK = "click"
    VOUCHER = "voucher"
    MEMBER = "member"
    """The phone's member code, shown to a kiosk's scanner."""
    SMS = "sms"
    WECHAT = "wechat"
    STAFF = "staff"
    PASS = "pass"  # noqa: S105 - no password
    """A minute or two to reach an app; no visit, and told to nobody."""


class AccessWhy(StrEnum):
    """Why not. Stable: pages and tests switch on these words."""

    CLOSED = "closed"
    """The shop's Wi-Fi keeps hours; `again_ms` says when it opens."""
    NOT_OFFERED = "not_offered"
    NO_CONSENT = "no_consent"
    """The terms were not accepted, or they are newer than the page that was."""
    NOT_A_GUEST = "not_a_guest"
    """Whose request it is can't be told: not on the guest network, or its address is not known yet."""
    STALE = "stale"
    """The form's token is over, or another phone's."""
    VOUCHER_UNKNOWN = "voucher_unknown"
    VOUCHER_OVER = "voucher_over"
    VOUCHER_BUSY = "voucher_busy"
    """As many devices as it is for are on already."""
    CODE_WRONG = "code_wrong"
    CODE_OVER = "code_over"
    NUMBER_WRONG = "number_wrong"
    """Not a mobile number."""
    TOO_OFTEN = "too_often"
    DAY_USED = "day_used"
    """This shopper's minutes or bytes of the day are used up; `again_ms` says when there are new ones."""
    FULL = "full"
    """As many guests are on as the shop has room for."""
    GATE_DOWN = "gate_down"
    """The gate does not answer: nobody new gets in until it does."""
    OFFLINE = "offline"
    """This way needs the cloud, and the line is cut."""
    UNSENT = "unsent"
    """The line is there, but the cloud does not answer: no code was sent, as far as anybody knows."""
    REFUSED = "refused"
    """The cloud or WeChat says no."""
    OTHER = "other"
    """Not on disk: try again."""


class LeftReason(StrEnum):
    TIME = "time"
    IDLE = "idle"
    BYTES = "bytes"
    LOGOUT = "logout"
    MOVED = "moved"
    """Came in again, with another MAC or by another way."""
    STAFF = "staff"
    """Somebody of the shop ended it."""
    PASS_OVER = "pass_over"  # noqa: S105 - no password
    LOST = "lost"
    """The gate or the box was down longer than the session had left."""
    REFUSED = "refused"
    """The gate could not let it in: the guest never was on."""


class AccessAnswer(msgspec.Struct, frozen=True, kw_only=True, tag_field="answer"):
    """Base of both."""


class AccessRefusal(AccessAnswer, frozen=True, kw_only=True, tag="refused"):
    why: AccessWhy
    again_ms: int | None = None


class Admitted(AccessAnswer, frozen=True, kw_only=True, tag="admitted"):
    session: str
    way: Way
    to_ms: int
    """Hard end (UTC, ms)."""
    left_bytes: int | None = None
    """None: no limit."""
    returning: bool = False


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A session as the gate is told of it after it came back."""

    mac: Mac
    mark: int
    """1 to 2**31 - 1: names the session in the kernel; never used twice while one is alive."""
    to_ms: int


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A session that lasts, as its guest may see it and as the gate is told."""

    session: str
    mark: int
    way: Way
    holder: str
    since_ms: int
    to_ms: int
    max_bytes: int | None
    """Up and down together; None: no limit."""
    up_bytes: int
    down_bytes: int


class VoucherBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Vouchers that were made together. Their codes are on paper only."""

    batch: str
    made_ms: int
    count: int
    used: int
    """Of them, so many were used at least once."""
    minutes: int
    megabytes: int
    """0: no limit."""
    devices: int
    valid_to_ms: int
    voided: bool
