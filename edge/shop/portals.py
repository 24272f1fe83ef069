"""What guests of the Wi-Fi see and get: look and words of the splash page, ways in, limits, hours; one document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
OFFERED = (Way.CLICK, Way.VOUCHER, Way.MEMBER, Way.SMS, Way.WECHAT, Way.STAFF)
Offered = Annotated[Way, Meta(extra={"choices": tuple(way.value for way in OFFERED)})]
DAY = 24 * 60
OWN_TERMS = {
    Way.VOUCHER: "a voucher has the terms that it was made with",
    Way.STAFF: "staff have a day, and no limit of bytes or devices",
}
WEEKS = (-7 * DAY, 0, 7 * DAY)
"""In minutes: Sunday night goes on on Monday."""
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
    ways: Annotated[tuple[Offered, ...], Meta(min_length=1, max_length=6)] = (Way.CLICK,)
    """In the order they are shown."""
    limits: dict[Offered, Limit] = {}
    """Of single ways; the others have `limit`."""
    limit: Limit = Limit()
    hours: Annotated[tuple[Hours, ...], Meta(max_length=21)] = ()
    """When guests may be on; empty: always."""
    garden: Annotated[tuple[Host, ...], Meta(max_length=50)] = ()
    """Hosts that can be reached before one is let in."""
    landing: Annotated[str, Meta(max_length=500)] = ""
    """A link on the welcome page; empty: none."""

    def __post_init__(self) -> None:
        if wrong := "; ".join(_wrong(self)):
            raise ValueError(wrong)


def _wrong(portal: Portal) -> Iterator[str]:
    if any(way not in OFFERED for way in (*portal.ways, *portal.limits)):
        yield f"ways and limits are of {', '.join(OFFERED)}"
    if twice := sorted({way.value for way in portal.ways if portal.ways.count(way) > 1}):
        yield f"ways: {', '.join(twice)} stands there twice"
    if reason := links.wrong(portal.landing):
        yield f"landing {reason}"
    for host in portal.garden:
        bare = host.removeprefix("*.")
        if any(bare == probe or bare.endswith(f".{probe}") or probe.endswith(f".{bare}") for probe in PROBED):
            yield f"garden: phones ask {bare} whether there is a portal; with it here none would pop up"


def doubts(portal: Portal) -> Iterator[Mistake]:
    """What may be so, and was probably not meant."""
    for way in portal.limits:
        if way not in portal.ways:
            yield Mistake(f"limits.{way.value}", "is a limit of a way that is not offered: it is not in ways")
        elif way in OWN_TERMS:
            yield Mistake(f"limits.{way.value}", f"limits nobody: {OWN_TERMS[way]}")
    spans = list[tuple[int, int, int]]()
    for index, each in enumerate(portal.hours):
        opens, closes = _minute(each.opens), _minute(each.closes)
        if opens == closes:
            yield Mistake(f"hours[{index}]", f"opens and closes at {each.opens}: that is open for a whole day")
        for day in {*each.days}:
            first = (day - 1) * DAY + opens
            spans.append((first, first + ((closes - opens) % DAY or DAY), index))
    told = set[tuple[int, int]]()
    for first, last, index in spans:
        for other, end, before in spans:
            both = (before, index)
            if before < index and both not in told and any(first < end + w and other + w < last for w in WEEKS):
                told.add(both)
                yield Mistake(f"hours[{index}]", f"overlaps hours[{before}]: the two count as one")


def _minute(clock: str) -> int:
    hour, minute = map(int, clock.split(":"))
    return hour * 60 + minute


def clashes(items: Sequence[Document]) -> Iterable[Mistake]:
    """A shop has one portal."""
    for index, item in enumerate(items[1:], 1):
        if isinstance(item, Portal):
            yield Mistake(f"[{index}]", f"the shop has one portal, and [0] is {items[0].id!r}")
