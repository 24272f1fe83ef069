"""lottery/*: WeChat's red packets as draws of ours. What is won is a coupon of a campaign; no money is sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from edge.clock import Clock
from edge.documents import MAX_ITEMS
from edge.shop import Draw, Page, Prize, Shop, number_of
from edge.web.admin.shakearound.call import Answer
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.admin.shakearound.fields import Body, given, objects, text, whole
from edge.web.admin.shakearound.found import by_number
from edge.web.admin.shakearound.pages import MAX_DESCRIPTION, MAX_TITLE, link
from edge.web.admin.shakearound.shelf import Shelf, made_id, replaced

DAY_S = 24 * 3600
MAX_DAYS = 91
MAX_TOTAL = 1_000_000_000
MAX_TICKETS = 100
MAX_PRIZES = 20
MILLION = 1_000_000
MAX_TIME_S = 4_102_444_800


class LotteryApi:
    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock

    async def add(self, body: Body) -> Answer:
        """A draw without prizes yet; use_template=1 makes a page that takes part in it as well."""
        template = whole(body, "use_template", Code.LOTTERY, default=2, low=1, high=2) == 1
        fields = self._fields(body)
        logo, jump = (link(body, key, default="") for key in ("logo_url", "jump_url"))
        if template and not logo:
            raise CallError(Code.LOGO, "logo_url is empty; a template page needs it")
        described = text(body, "desc", Code.LOTTERY, default="", most=MAX_DESCRIPTION, wide=True)
        now_s = self._clock.now().at_ms // 1000
        draws: list[Draw] = []
        pages: list[Page] = []

        def add_draw(shop: Shop) -> list[Draw]:
            if len(shop.draws) >= MAX_ITEMS or len(shop.pages) >= MAX_ITEMS:
                raise CallError(Code.QUOTA, f"{MAX_ITEMS} lotteries and pages are all that fit")
            draws.append(made_id(Draw, "lottery", shop.draws, now_s, fields))
            return [*shop.draws.values(), draws[0]]

        def add_page(shop: Shop) -> list[Page]:
            words = {"title_zh": fields["name_zh"], "title_en": fields["name_en"]}
            words |= {"description_zh": described, "description_en": described}
            links = {"icon_url": logo, "page_url": jump, "draw": draws[0].id}
            pages.append(made_id(Page, "page", shop.pages, now_s, {**words, **links}))
            return [*shop.pages.values(), pages[0]]

        await self._shelf.edit("draws", add_draw)
        if template:
            await self._shelf.edit("pages", add_page)
        return {"lottery_id": str(number_of(draws[0])), "page_id": number_of(pages[0]) if pages else 0}

    async def fill(self, body: Body) -> Answer:
        """setprizebucket: a ticket is a campaign's id. `chance_ppm` beside it says how often; without, all are even."""
        asked = objects(body, "prize_info_list", Code.TICKETS_WRONG, most=MAX_TICKETS, too_many=Code.TICKETS)
        tickets = [text(each, "ticket", Code.TICKETS_WRONG, default="", most=200) for each in asked]
        odds = [
            whole(each, "chance_ppm", Code.TICKETS_WRONG, low=1, high=MILLION) if given(each, "chance_ppm") else None
            for each in asked
        ]
        if len({odd is None for odd in odds}) > 1:
            raise CallError(Code.TICKETS_WRONG, "give chance_ppm with every ticket of a call, or with none")
        now_ms = self._clock.now().at_ms
        bucket = _Bucket()

        def change(shop: Shop) -> Iterator[Draw]:
            draw = _draw(body, shop)
            if draw.ends_ms <= now_ms:
                raise CallError(Code.LOTTERY_OVER, "the lottery is over")
            prizes = bucket.put(draw, zip(tickets, odds, strict=True), shop, now_ms)
            return replaced(shop.draws, msgspec.structs.replace(draw, prizes=prizes))

        await self._shelf.edit("draws", change)
        return {
            "success_num": bucket.taken,
            "repeat_ticket_list": _listed(bucket.repeated),
            "expire_ticket_list": _listed(bucket.expired),
            "invalid_ticket_list": _listed(bucket.invalid),
        }

    async def switch(self, body: Body) -> Answer:
        on = whole(body, "onoff", Code.LOTTERY_SWITCH, high=1) == 1

        def change(shop: Shop) -> Iterator[Draw]:
            return replaced(shop.draws, msgspec.structs.replace(_draw(body, shop), on=on))

        await self._shelf.edit("draws", change)
        return {}

    def _fields(self, body: Body) -> dict[str, object]:
        code = Code.LOTTERY
        title = text(body, "title", code, most=MAX_TITLE, wide=True)
        begin = whole(body, "begin_time", code, high=MAX_TIME_S)
        end = whole(body, "expire_time", code, high=MAX_TIME_S)
        if not title or not begin < end <= begin + MAX_DAYS * DAY_S:
            raise CallError(code, f"wanted a title, and begin_time before expire_time, at most {MAX_DAYS} days")
        return {
            "name_zh": title,
            "name_en": title,
            "starts_ms": begin * 1000,
            "ends_ms": end * 1000,
            "on": whole(body, "onoff", code, default=1, high=1) == 1,
            "wins": whole(body, "total", code, default=0, high=MAX_TOTAL),
            "wins_per_shopper": 1,
        }


class _Bucket:
    """What became of the tickets of one call."""

    def __init__(self) -> None:
        self.taken = 0
        self.repeated: list[str] = []
        self.expired: list[str] = []
        self.invalid: list[str] = []

    def put(self, draw: Draw, tickets: Iterator[tuple[str, int | None]], shop: Shop, now_ms: int) -> tuple[Prize, ...]:
        """The draw's prizes with these. Raises CallError when none can be taken, or they are too many."""
        prizes = {prize.campaign: prize.chance_ppm for prize in draw.prizes}
        even = True
        for ticket, odd in tickets:
            campaign = shop.campaigns.get(ticket)
            if ticket in prizes:
                self.repeated.append(ticket)
            elif campaign is None:
                self.invalid.append(ticket)
            elif campaign.ends_ms <= now_ms:
                self.expired.append(ticket)
            else:
                even = odd is None
                prizes[ticket] = odd or 1
                self.taken += 1
        if not self.taken:
            words = "no ticket can be used: a ticket is the id of one of the gateway's campaigns, not of a red packet"
            raise CallError(Code.TICKETS_WRONG, words)
        if len(prizes) > MAX_PRIZES:
            raise CallError(Code.TICKETS, f"at most {MAX_PRIZES} campaigns in a lottery")
        if even:
            prizes = dict.fromkeys(prizes, MILLION // len(prizes))
        if sum(prizes.values()) > MILLION:
            raise CallError(Code.TICKETS_OVER_TOTAL, "chance_ppm of all prizes add up to more than a million")
        return tuple(Prize(campaign=name, chance_ppm=odd) for name, odd in prizes.items())


def _draw(body: Body, shop: Shop) -> Draw:
    draw = by_number(shop.draws).get(whole(body, "lottery_id", Code.LOTTERY_ID))
    if draw is None:
        raise CallError(Code.LOTTERY_ID, "there is no such lottery")
    return draw


def _listed(tickets: Sequence[str]) -> list[dict[str, str]]:
    return [{"ticket": ticket} for ticket in tickets]
