"""One shopper's visit at a kiosk, kept by the daemon so that the page keeps nothing.

Pure: times come in as monotonic milliseconds. A station is one screen, so it has at most one visit; only configured
stations have any, which is the cap. When a visit ends, what it held is gone: words, language, product, token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from edge.access_answers import AccessWhy
from edge.events import Code, CodeKind
from edge.ids import Gtin, StationId

MAX_WORDS = 64
"""Characters of a search that are looked at."""
SLACK_MS = 5_000
"""A page that still lives ends its visit itself; this much later the daemon does it for a page that died."""


class Attract(msgspec.Struct, frozen=True):
    """Nobody is here."""


class Search(msgspec.Struct, frozen=True):
    words: str = ""


class Goods(msgspec.Struct, frozen=True):
    """A product; `code` where a scan brought it, with what only the label knows (price, weight, best before)."""

    gtin: Gtin
    via: str
    """scan | search | alternative"""
    code: Code | None = None


class Notice(msgspec.Struct, frozen=True):
    """A scan that is answered with words: payment, member, cart, pickup, unknown; again: please scan once more."""

    about: str
    text: str = ""
    """What was scanned, for unknown codes only."""


class Coupon(msgspec.Struct, frozen=True):
    token: str


class Wifi(msgspec.Struct, frozen=True):
    """A phone's code for the guest Wi-Fi was read: it is let in, or why not."""

    why: AccessWhy | None = None
    again_ms: int | None = None


View = Attract | Search | Goods | Notice | Coupon | Wifi


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """How this shopper wants the screen."""

    language: str
    contrast: str = "normal"
    text: str = "normal"
    reach: str = "normal"


CHOICES: Mapping[str, tuple[str, ...]] = {
    "language": ("zh-CN", "en"),
    "contrast": ("normal", "high"),
    "text": ("normal", "large"),
    "reach": ("normal", "low"),
}


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """A search nobody was told of yet."""

    letters: int
    hits: int
    took_ms: float


class Visit(msgspec.Struct, kw_only=True):
    id: str
    """New for each visit and each run of the daemon: a page that knows another one fetches itself anew."""
    station: StationId
    started_ms: int
    touched_ms: int
    wishes: Wishes
    view: View = Attract()
    views: int = 0
    scans: int = 0
    looked: Looked | None = None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    idle_ms: int
    """Untouched for so long: "still there?"."""
    warn_ms: int
    """Not answered for so long: over."""


class Visits:
    def __init__(self, limits: Mapping[StationId, Limits], *, language: str, run: str) -> None:
        """`run` is fresh for each run of the daemon."""
        self.limits = limits
        self.wishes = Wishes(language=language)
        self._run = run
        self._count = 0
        self._open: dict[StationId, Visit] = {}

    def of(self, station: StationId) -> Visit | None:
        return self._open.get(station)

    def id_of(self, station: StationId) -> str:
        """The open visit's id and scans, or the run's id: a page that knows another one missed something."""
        visit = self._open.get(station)
        return f"{visit.id}.{visit.scans}" if visit else self._run

    def wishes_of(self, station: StationId) -> Wishes:
        visit = self._open.get(station)
        return visit.wishes if visit else self.wishes

    def view_of(self, station: StationId) -> View:
        visit = self._open.get(station)
        return visit.view if visit else Attract()

    def touch(self, station: StationId, now_ms: int) -> Visit:
        """Somebody is here. Raises KeyError for a station that is not configured."""
        if station not in self.limits:
            raise KeyError(station)
        visit = self._open.get(station)
        if visit is None:
            self._count += 1
            visit = self._open[station] = Visit(
                id=f"{self._run}-{self._count}",
                station=station,
                started_ms=now_ms,
                touched_ms=now_ms,
                wishes=self.wishes,
            )
        visit.touched_ms = max(visit.touched_ms, now_ms)
        return visit

    def show(self, station: StationId, view: View, now_ms: int) -> Visit:
        visit = self.touch(station, now_ms)
        visit.view = view
        if isinstance(view, Goods):
            visit.views += 1
        return visit

    def wish(self, station: StationId, wanted: Mapping[str, str], now_ms: int) -> Visit:
        """Changes what is known and right in `wanted`; the rest is ignored."""
        visit = self.touch(station, now_ms)
        right = {key: value for key, value in wanted.items() if value in CHOICES.get(key, ())}
        visit.wishes = msgspec.structs.replace(visit.wishes, **right)
        return visit

    def end(self, station: StationId) -> Visit | None:
        return self._open.pop(station, None)

    def over(self, now_ms: int) -> Iterator[Visit]:
        """Visits whose page should have ended them and did not."""
        for visit in tuple(self._open.values()):
            limit = self.limits[visit.station]
            if now_ms - visit.touched_ms > limit.idle_ms + limit.warn_ms + SLACK_MS:
                yield visit


def view_unrecorded(code: Code) -> View:
    """Where a scan takes the screen that the journal refused: a look-up needs no journal.

    Nor does the advice to go to the till: nobody is asked to show a payment code here twice.
    """
    view = view_of_scan(code)
    return view if isinstance(view, Goods) or code.kind is CodeKind.PAYMENT else Notice(about="again")


def view_of_scan(code: Code) -> View:
    """Where a scan takes the screen. A payment code never gets further than its kind."""
    match code.kind.value:
        case "gtin" | "gs1" | "embedded" if code.gtin or code.item:
            return Goods(gtin=code.gtin or Gtin(""), via="scan", code=code)
        case "coupon":
            return Coupon(token=code.value)
        case "payment" | "member" | "cart" | "pickup" as about:
            return Notice(about=about)
        case _:
            return Notice(about="unknown", text=code.value[:MAX_WORDS])
