"""What guests of the Wi-Fi see and get: look and words of the splash page, ways in, limits, hours; one document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from edge.access_answers import Way
from edge.errors import Mistake
from edge.shop import links
from edge.shop.base import Count, Document, Text

Clock = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)|^24:00$(?!\n)", extra={"wanted": "a time like 08:30"})
]
Colour = Annotated[str, Meta(pattern=r"^(#[0-9a-fA-F]{6})?$(?!\n)", extra={"wanted": "a colour like #c8102e"})]
Host = Annotated[
    str,
    Meta(
        pattern=r"^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$(?!\n)",
        extra={"wanted": "a host like pay.example.com, or *.example.com for all below it"},
    ),
]
OFFERED = frozenset({Way.CLICK, Way.VOUCHER, Way.MEMBER, Way.SMS, Way.WECHAT, Way.STAFF})
PROBED = ("apple.com", "google.com", "gstatic.com", "google.cn", "msftconnecttest.com", "msftncsi.com", "miui.com",
          "xiaomi.com", "hicloud.com", "huawei.com", "hihonorcloud.com", "coloros.com", "vivo.com.cn", "meizu.com",
          "samsung.com", "firefox.com", "ibook.info", "android.com", "g.cn", "microsoft.com")  # fmt: skip
"""Phones ask these whether there is a portal: in the walled garden, none would pop up."""


class Hours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    days: Annotated[tuple[Annotated[int, Meta(ge=1, le=7)], ...], Meta(min_length=1, max_length=7)]
    """1 Monday to 7 Sunday."""
    opens: Clock
    closes: Clock
    """Of the same day; earlier than `opens`: of the next one."""


class Limit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one way in is worth. 0: no limit (minutes: a day)."""

    minutes: Annotated[int, Meta(ge=0, le=1440)] = 120
    """Of one session."""
    megabytes: Count = 0
    """Of one session, up and down together."""
    day_minutes: Annotated[int, Meta(ge=0, le=1440)] = 0
    """Of one shopper in a day, all sessions together."""
    day_megabytes: Count = 0
    """Of one shopper in a day, all sessions together."""
    devices: Annotated[int, Meta(ge=0, le=100)] = 0
    """Of one shopper at once; 0: as gateway.toml says."""


class Portal(Document, frozen=True, kw_only=True):
    name_zh: Text
    name_en: Text
    welcome_zh: Annotated[str, Meta(max_length=400)] = ""
    welcome_en: Annotated[str, Meta(max_length=400)] = ""
    colour: Colour = ""
    """Of buttons and the head; empty: ours."""
    ways: Annotated[tuple[Way, ...], Meta(min_length=1, max_length=6)] = (Way.CLICK,)
    """In the order they are shown."""
    limits: dict[Way, Limit] = {}
    """Of single ways; the others have `limit`."""
    limit: Limit = Limit()
    hours: Annotated[tuple[Hours, ...], Meta(max_length=21)] = ()
    """When guests may be on; empty: always."""
    garden: Annotated[tuple[Host, ...], Meta(max_length=50)] = ()
    """Hosts that can be reached before one is let in."""
    landing: Annotated[str, Meta(max_length=500)] = ""
    """A link on the welcome page; empty: none."""

    def __post_init__(self) -> None:
        wrong = [way for way in self.ways if way not in OFFERED]
        if wrong or len(set(self.ways)) != len(self.ways):
            raise ValueError("ways are each of click, voucher, member, sms, wechat, staff at most once")
        if reason := links.wrong(self.landing):
            raise ValueError(f"landing {reason}")
        for host in self.garden:
            bare = host.removeprefix("*.")
            if any(bare == probe or bare.endswith(f".{probe}") or probe.endswith(f".{bare}") for probe in PROBED):
                raise ValueError(f"garden: phones ask {bare} whether there is a portal; with it here none would pop up")


def clashes(items: Sequence[Document]) -> Iterable[Mistake]:
    """A shop has one portal."""
    for index, item in enumerate(items[1:], 1):
        if isinstance(item, Portal):
            yield Mistake(f"[{index}]", f"the shop has one portal, and [0] is {items[0].id!r}")
