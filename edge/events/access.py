"""Guests of the Wi-Fi who come in, are counted and leave; vouchers.

These are the only events with a MAC address in them: it is the session's key in the kernel, and `Mac` never shows
itself. It goes into no telemetry, and its row is deleted when the session ends.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from edge.access_answers import LeftReason, Way
from edge.events.base import Count, Event
from edge.ids import Mac

MAX_COUNTED = 16_000


class GuestProven(Event, frozen=True, kw_only=True):
    """A guest proved a way in and accepted the terms. The rules decide; replies Admitted or AccessRefusal."""

    session: str
    """Fresh and random."""
    mac: Mac
    holder: str
    """As the ledger knows them: `wallet-…`, `voucher-…`, `phone-…`, `wechat-…`, `staff-…`; survives a new MAC."""
    visitor: str
    """The holder under the salt of the day: what telemetry says, so that days can't be joined."""
    way: Way
    phone: str
    """The MAC under the salt of the day: what a day allows holds for a phone that lost its cookies, and passes are
    counted by it. Another word tomorrow, and nothing is kept under it longer."""
    voucher: str = ""
    """Hash of its code."""
    pass_s: Count = 0
    """Of a temporary pass."""
    most_s: Count = 0
    """Of a session for which nobody vouched yet; 0: as long as the shop says."""
    consent: str = ""
    """Policy and version that was shown and accepted: `cn/3`."""
    marketing: bool = False
    """Agreed to be written to; never a condition."""
    record: bytes = b""
    """What the policy wants kept, sealed with the gateway's key; empty: nothing."""


class GuestsCounted(Event, frozen=True, kw_only=True):
    """What the kernel counted since a session began, every ten seconds at most; also how bytes run out."""

    counts: Annotated[tuple[SessionCount, ...], Meta(max_length=MAX_COUNTED)]
    over: Annotated[tuple[int, ...], Meta(max_length=MAX_COUNTED)] = ()
    """Marks whose ended session used no more than this: it was taken out of the kernel, or its next one began."""


class SessionCount(msgspec.Struct, frozen=True, kw_only=True):
    mark: int
    up_bytes: Count
    """Since this run of the kernel's counter; what it had before a restart is in the row."""
    down_bytes: Count
    run: str
    """Names the run of the counters: another one begins at 0."""


class GuestGone(Event, frozen=True, kw_only=True):
    """The kernel let a session end, or somebody ended it."""

    mark: int
    reason: LeftReason
    idle_s: float = 0.0
    """So long before `at` it was last heard."""


class VouchersMade(Event, frozen=True, kw_only=True):
    batch: str
    hashes: Annotated[tuple[str, ...], Meta(min_length=1, max_length=5000)]
    minutes: Annotated[int, Meta(ge=1, le=525_600)]
    """From its first use on."""
    megabytes: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    """0: no limit."""
    devices: Annotated[int, Meta(ge=1, le=100)] = 1
    """At once."""
    valid_to_ms: int
    """First use no later than this."""


class VouchersVoided(Event, frozen=True, kw_only=True):
    """A batch is worth nothing any more; who is on by it is out."""

    batch: str
