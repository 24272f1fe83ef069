"""What a visit shows, as HTML: one template a view."""

from __future__ import annotations

import time
from typing import assert_never

from aiohttp import web
from markupsafe import Markup

from edge import events as ev
from edge import qr
from edge.catalogue.product import Product
from edge.ids import StationId
from edge.web import pages
from edge.web.shop.art import Local, counted_in, icon_of, is_picture, when
from edge.web.shop.counter import Counter
from edge.web.shop.visits import MAX_WORDS, Attract, Coupon, Goods, Looked, Notice, Search, Wifi

HITS = 24
ALTERNATIVES = 3
ASK_MS = 60_000
"""A screen without a code for phones asks for one again after this."""
SHELVES = (
    ("drink", "饮料"),
    ("snack", "零食"),
    ("dairy", "牛奶"),
    ("noodle", "方便面"),
    ("fruit", "水果"),
    ("staple", "粮油"),
    ("paper", "纸巾"),
    ("care", "洗护"),
)
"""Icon and search words of the tiles that open a search without typing; those without a hit are left out."""


async def view(counter: Counter, request: web.Request, station: StationId) -> Markup:
    """The middle of the page, as the visit stands."""
    wishes = counter.visits.wishes_of(station)
    request[pages.LANGUAGE] = wishes.language
    shown = counter.visits.view_of(station)
    match shown:
        case Attract():
            text = await _attract(counter, request, station)
        case Search():
            text = await _search(counter, request, station, shown.words)
        case Goods():
            text = await _goods(counter, request, shown)
        case Notice():
            text = _notice(request, shown)
        case Coupon():
            text = await _coupon(counter, request, shown)
        case Wifi():
            text = _wifi(counter, request, shown)
        case _:
            assert_never(shown)
    return Markup(text)  # noqa: S704 - rendered by our own escaping templates


async def hits(counter: Counter, request: web.Request, station: StationId, words: str) -> str:
    """The list under the search field, and the words that the letters may become."""
    words = words.strip()[:MAX_WORDS]
    visit = counter.visits.show(station, Search(words=words), counter.now_ms)
    request[pages.LANGUAGE] = visit.wishes.language
    if not words:
        return pages.text(request, "shop/shelves.jinja", shelves=await _shelves(counter), station=station)
    began = time.perf_counter()
    found = await counter.desk.search(words, HITS)
    took_ms = (time.perf_counter() - began) * 1000
    visit.looked = Looked(letters=len(words), hits=len(found.products), took_ms=round(took_ms, 3))
    return pages.text(
        request, "shop/hits.jinja", found=found, words=words, station=station, icon_of=icon_of, is_picture=is_picture
    )


async def _attract(counter: Counter, request: web.Request, station: StationId) -> str:
    slides = tuple(counter.shop().slides.values())[:3]
    now = when(counter.clock.now().at_ms, **_local(counter, request))
    return pages.text(
        request,
        "shop/attract.jinja",
        slides=slides,
        now=now,
        station=station,
        name=counter.config.stations[station],
        shake=Markup(shake_code(counter, request, station)),  # noqa: S704 - as above
    )


def shake_code(counter: Counter, request: web.Request, station: StationId) -> str:
    """The code for phones that shake, as text and as QR; the page asks for it anew when it is over.

    Where there is nothing to shake for, nothing is seen, and the page asks again: documents change.
    """
    request[pages.LANGUAGE] = counter.visits.wishes_of(station).language
    code = counter.place_code(station)
    if code is None:
        return pages.text(request, "shop/shake_code.jinja", code="", left_ms=ASK_MS, picture="")
    url = counter.guest_url().rstrip("/")
    return pages.text(
        request,
        "shop/shake_code.jinja",
        code=code.code,
        left_ms=max(0, code.to_ms - counter.clock.now().at_ms),
        picture=Markup(qr.svg(f"{url}/shake?k={code.code}")) if url else "",  # noqa: S704 - our own drawing
    )


async def _search(counter: Counter, request: web.Request, station: StationId, words: str) -> str:
    inner = Markup(await hits(counter, request, station, words))  # noqa: S704 - as above
    return pages.text(request, "shop/search.jinja", inner=inner, words=words, station=station)


async def _goods(counter: Counter, request: web.Request, shown: Goods) -> str:
    code = shown.code
    product = await counter.desk.product(shown.gtin) if shown.gtin else None
    if product is None and code is not None and code.item:
        product = await counter.desk.by_item(code.item)
    if product is None:
        text = code.value if code else shown.gtin
        return _notice(request, Notice(about="unknown", text=text[:MAX_WORDS]))
    station = StationId(request.match_info["station"])
    others = await counter.desk.alternatives(product, ALTERNATIVES)
    return pages.text(
        request,
        "shop/product.jinja",
        product=product,
        kind=icon_of(product.category, product.name_zh + product.name_en, product.image),
        # a label of nothing (a template that was scanned, a scale that failed) is no price
        label=code if code and (code.price_fen or code.weight_g or code.expires) else None,
        counted_in=counted_in(product.unit),
        priced=when(product.priced_at_ms, **_local(counter, request)),
        alternatives=[other for other in others if other.gtin != product.gtin],
        icon_of=icon_of,
        is_picture=is_picture,
        station=station,
    )


def _notice(request: web.Request, shown: Notice) -> str:
    station = request.match_info["station"]
    return pages.text(request, "shop/notice.jinja", about=shown.about, text=shown.text, station=station)


async def _coupon(counter: Counter, request: web.Request, shown: Coupon) -> str:
    if counter.coupon is None:
        return _notice(request, Notice(about="coupon"))
    inner = Markup(await counter.coupon(request, shown.token))  # noqa: S704 - another part's escaping template
    return pages.text(request, "shop/coupon.jinja", inner=inner, station=request.match_info["station"])


def _wifi(counter: Counter, request: web.Request, shown: Wifi) -> str:
    """Nothing of whose phone it is: the screen is everybody's."""
    again = when(shown.again_ms, **_local(counter, request)) if shown.again_ms is not None else ""
    why = pages.say(request, f"portal.why_{shown.why}") if shown.why is not None else ""
    return pages.text(request, "shop/wifi.jinja", why=why, again=again, station=request.match_info["station"])


async def tell_viewed(counter: Counter, station: StationId) -> None:
    """Tells that a product page was shown, if it was: the product must exist."""
    shown = counter.visits.view_of(station)
    if not isinstance(shown, Goods):
        return
    product: Product | None = await counter.desk.product(shown.gtin) if shown.gtin else None
    if product is None and shown.code is not None and shown.code.item:
        product = await counter.desk.by_item(shown.code.item)
    if product is not None:
        at = counter.clock.now()
        await counter.tell(ev.ProductViewed(at=at, station=station, gtin=product.gtin, via=shown.via))


async def prices_of(counter: Counter, request: web.Request) -> str:
    """The time of the newest price, in local time; empty while there is no catalogue."""
    info = await counter.desk.info()
    return when(info.priced_at_ms, **_local(counter, request)) if info else ""


async def offline_text(counter: Counter, request: web.Request) -> str:
    """The banner while the cloud is cut; empty while all is well."""
    if not counter.offline:
        return ""
    at = await prices_of(counter, request)
    return pages.say(request, "shop.offline_prices", time=at) if at else pages.say(request, "shop.offline")


async def _shelves(counter: Counter) -> list[tuple[str, str]]:
    return [(icon, words) for icon, words in SHELVES if (await counter.desk.search(words, 1)).products]


def _local(counter: Counter, request: web.Request) -> Local:
    return {
        "now_ms": counter.clock.now().at_ms,
        "timezone": counter.config.gateway.timezone,
        "language": pages.chosen(request),
    }
