"""Rights to issue, coupons, and their use."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from edge.events.base import Count, Event
from edge.ids import CampaignId, Serial, StationId


class GrantReceived(Event, frozen=True, kw_only=True):
    """The cloud gave this gateway the right to issue `units` of a campaign; its signature was checked."""

    grant_id: str
    campaign: CampaignId
    units: Annotated[int, Meta(gt=0)]
    value_cap_fen: Count
    not_after_ms: int
    seq: Count


class CouponAsked(Event, frozen=True, kw_only=True):
    """Somebody wants a coupon. `serial` is fresh and random; it is used only if the answer is yes."""

    request_key: str
    """The same key gets the same answer for ever."""
    campaign: CampaignId
    serial: Serial
    holder: str = ""
    """Hash of wallet or member; empty: bearer."""
    via: str = "wallet"
    """wallet | kiosk | cli | shake | command"""
    station: StationId | None = None


class ReserveAsked(Event, frozen=True, kw_only=True):
    """A till wants to use a coupon; its token was read and its signature checked."""

    key: str
    """`{till}/{receipt}/{line}`"""
    serial: Serial
    campaign: CampaignId
    till: StationId
    holder: str = ""
    """Hash of the member at the till, or empty."""
    issued_here: bool = True
    from_ms: int = 0
    """What a token of another shop says of its own validity; ours are known by their row."""
    to_ms: int = 0
    value_fen: Count = 0
    """What the till expects it to take off: held against the budget until the commit."""


class CommitAsked(Event, frozen=True, kw_only=True):
    key: str
    till: StationId
    value_fen: Count = 0
    """What the coupon took off the receipt, as the till priced it."""


class ReleaseAsked(Event, frozen=True, kw_only=True):
    key: str
    till: StationId


class VoidAsked(Event, frozen=True, kw_only=True):
    """By the cloud or a person: one serial, or all that is outstanding of a campaign."""

    campaign: CampaignId
    serial: Serial | None = None
    reason: str = ""
    by: str = "cloud"
