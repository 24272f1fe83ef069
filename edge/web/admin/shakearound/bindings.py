"""device/bindpage and relation/search: which pages a shake at a beacon may show."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from edge.shop import Beacon, Bound, Shop, number_of
from edge.shop.beacons import MAX_PAGES
from edge.web.admin.shakearound.call import Answer, data
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.admin.shakearound.fields import Body, given, numbers, span, whole
from edge.web.admin.shakearound.found import Devices, named, pages_named
from edge.web.admin.shakearound.shelf import Shelf, replaced

MAX_ASKED = 50


class BindingsApi:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    async def bind(self, body: Body) -> Answer:
        """These pages and no other. With the older `bind` and `append`: 1, 0 the same; 1, 1 also these; 0 not these."""
        asked = numbers(body, "page_ids", Code.BINDING, most=MAX_PAGES, too_many=Code.PAGES_ON_DEVICE)
        bind = whole(body, "bind", Code.BINDING, default=1, high=1)
        append = whole(body, "append", Code.BINDING, default=0, high=1)

        def change(shop: Shop) -> Iterator[Beacon]:
            beacon = Devices(shop.beacons).one(body)
            wanted = [page.id for page in pages_named(shop.pages, asked)]
            bound = {each.page: each for each in beacon.pages}
            if not bind:
                after = [each for each in beacon.pages if each.page not in wanted]
            else:
                names = dict.fromkeys([*bound, *wanted] if append else wanted)
                after = [bound.get(name) or Bound(page=name) for name in names]  # its odds stay
            if len(after) > MAX_PAGES:
                raise CallError(Code.PAGES_ON_DEVICE, f"at most {MAX_PAGES} pages on a device")
            return replaced(shop.beacons, msgspec.structs.replace(beacon, pages=tuple(after)))

        await self._shelf.edit("beacons", change)
        return data()

    async def search(self, body: Body) -> Answer:
        """Type 1: the pages of a device; 2: the devices of a page."""
        default = 1 if given(body, "device_identifier") else 2
        shop = self._shelf.shop
        if whole(body, "type", Code.BODY, default=default, low=1, high=2) == 1:
            beacon = Devices(shop.beacons).one(body)
            pairs = [(beacon, each.page) for each in beacon.pages if each.page in shop.pages]
            some = pairs
        else:
            (page,) = pages_named(shop.pages, [whole(body, "page_id", Code.PAGE)])
            begin, count = span(body, most=MAX_ASKED, too_many=Code.TOO_MANY_DEVICES)
            every = [beacon for _, beacon in Devices(shop.beacons).in_order()]
            pairs = [(beacon, page.id) for beacon in every if any(each.page == page.id for each in beacon.pages)]
            some = pairs[begin : begin + count]
        told = [{**named(beacon), "page_id": number_of(shop.pages[name])} for beacon, name in some]
        return data(relations=told, total_count=len(pairs))
