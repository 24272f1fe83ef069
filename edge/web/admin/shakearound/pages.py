"""page/*: what a shake leads to. WeChat's pages have one language; it is put for both."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from edge.clock import Clock
from edge.documents import MAX_ITEMS
from edge.shop import Page, Shop, links, number_of
from edge.web.admin.shakearound.call import Answer, data
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.admin.shakearound.fields import Body, given, numbers, span, text, whole
from edge.web.admin.shakearound.found import by_number, pages_named
from edge.web.admin.shakearound.shelf import Shelf, made_id, replaced, without

MAX_TITLE = 12
MAX_DESCRIPTION = 14
MAX_COMMENT = 30
MAX_LINK = 400
MAX_ASKED = 50
MAX_DELETED = 10


class PagesApi:
    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock

    async def add(self, body: Body) -> Answer:
        fields = _fields(body)
        now_s = self._clock.now().at_ms // 1000
        made: list[Page] = []

        def change(shop: Shop) -> list[Page]:
            if len(shop.pages) >= MAX_ITEMS:
                raise CallError(Code.QUOTA, f"{MAX_ITEMS} pages are all that fit")
            draw = _draw(body, shop)
            page = made_id(Page, "page", shop.pages, now_s, {**_both(fields), "draw": draw or ""})
            made.append(page)
            return [*shop.pages.values(), page]

        await self._shelf.edit("pages", change)
        return data(page_id=number_of(made[0]))

    async def update(self, body: Body) -> Answer:
        number = whole(body, "page_id", Code.PAGE)
        fields = _fields(body)

        def change(shop: Shop) -> Iterator[Page]:
            (page,) = pages_named(shop.pages, [number])
            draw = _draw(body, shop)
            changed = msgspec.structs.replace(page, **_both(fields, page))
            if draw is not None:
                changed = msgspec.structs.replace(changed, draw=draw, campaign="" if draw else page.campaign)
            return replaced(shop.pages, changed)

        await self._shelf.edit("pages", change)
        return data(page_id=number)

    async def search(self, body: Body) -> Answer:
        """Type 1: these pages; 2: all, from begin on."""
        kind = whole(body, "type", Code.BODY, default=1 if given(body, "page_ids") else 2, low=1, high=2)
        pages = self._shelf.shop.pages
        if kind == 1:
            asked = numbers(body, "page_ids", Code.PAGE, most=MAX_ASKED, too_many=Code.TOO_MANY_PAGES)
            found = pages_named(pages, asked)
            return data(pages=[_told(page) for page in found], total_count=len(found))
        begin, count = span(body, most=MAX_ASKED, too_many=Code.TOO_MANY_PAGES)
        every = list(pages.values())
        return data(pages=[_told(page) for page in every[begin : begin + count]], total_count=len(every))

    async def delete(self, body: Body) -> Answer:
        """Only while no device shows it. `page_ids` is how older clients ask."""
        key = "page_id" if given(body, "page_id") else "page_ids"
        asked = numbers(body, key, Code.PAGE, most=MAX_DELETED, too_many=Code.TOO_MANY_DELETED)
        if not asked:
            raise CallError(Code.PAGE, "page_id is missing")

        def change(shop: Shop) -> list[Page]:
            gone = {page.id for page in pages_named(shop.pages, asked)}
            bound = {each.page for beacon in shop.beacons.values() for each in beacon.pages}
            if gone & bound:
                raise CallError(Code.PAGE_BOUND, "the page is bound to a device; unbind it first")
            return without(shop.pages, gone)

        await self._shelf.edit("pages", change)
        return data()


def _fields(body: Body) -> dict[str, str]:
    """Raises CallError 9001027 for what is missing or does not fit."""
    code = Code.PAGE_FIELDS
    fields = {
        "title": text(body, "title", code, most=MAX_TITLE, wide=True),
        "description": text(body, "description", code, most=MAX_DESCRIPTION, wide=True),
        "icon_url": link(body, "icon_url"),
        "page_url": link(body, "page_url"),
    }
    if not fields["title"]:
        raise CallError(code, "title is empty")
    if given(body, "comment"):
        fields["comment"] = text(body, "comment", code, most=MAX_COMMENT, wide=True)
    return fields


def link(body: Body, key: str, *, default: str | None = None) -> str:
    """An http(s) address, a path of ours, or nothing (then the shake page itself is all there is)."""
    value = text(body, key, Code.PAGE_FIELDS, default=default, most=MAX_LINK)
    if wrong := links.wrong(value):
        raise CallError(Code.PAGE_FIELDS, f"{key}: {wrong}")
    return value


def _both(fields: dict[str, str], page: Page | None = None) -> dict[str, str]:
    """Title and description for both languages; a translation stays while what it translates does."""
    found = {key: value for key, value in fields.items() if key not in {"title", "description"}}
    for key in ("title", "description"):
        if page is None or getattr(page, f"{key}_zh") != fields[key]:
            found |= {f"{key}_zh": fields[key], f"{key}_en": fields[key]}
    return found


def _draw(body: Body, shop: Shop) -> str | None:
    """Of `lottery_id`, which WeChat does not have here; None: it is not given, empty: no draw."""
    if "lottery_id" not in body or body["lottery_id"] is None:
        return None
    number = whole(body, "lottery_id", Code.LOTTERY_ID, default=0)
    if not number:
        return ""
    draw = by_number(shop.draws).get(number)
    if draw is None:
        raise CallError(Code.LOTTERY_ID, "there is no such lottery")
    return draw.id


def _told(page: Page) -> dict[str, object]:
    return {
        "page_id": number_of(page),
        "title": page.title_zh,
        "description": page.description_zh,
        "icon_url": page.icon_url,
        "page_url": page.page_url,
        "comment": page.comment,
    }
