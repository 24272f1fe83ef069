"""A shaken phone: which page it gets, what it wins, who may ask about it later.

What chance decides comes from the event's seed alone (`edge.chance`), in words of the documents:

    page  of the nearest beacon with a page: its pages in the order on it; of a zone: the pages of the beacons that
          hang there (of the whole shop, where no zone is known), beacons by id: weighted(seed, "page", weights)
    draw  see `edge.store.draws`

A shake is counted, told and remembered in the same transaction; a prize that can't be given costs no unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from edge import chance, shake_nonce
from edge import events as ev
from edge import telemetry as tm
from edge.coupon_answers import Issued, Why
from edge.coupon_answers import Refused as CouponRefused
from edge.ids import CampaignId, ZoneId
from edge.shake_answers import Exchanged, Shaken, ShakeRefusal, ShakeWhy, TicketWrong, WhyEmpty
from edge.shake_answers import Outcome as Came
from edge.shop import Beacon, CarriedBy, Page, Shop
from edge.store import coupons, draws, shake_rows, shake_stats
from edge.store.tx import DONE, Outcome, Tx

SCHEMA = shake_rows.SCHEMA + draws.SCHEMA + shake_stats.SCHEMA
PER_TICK = 500
"""Old rows of each table that one tick removes."""
AGAIN_MS = 60_000
"""So long an exchanged ticket hears its answer again: the first may have been lost on the way."""
_EMPTY = {
    Why.LIMIT_REACHED: WhyEmpty.LIMIT_REACHED,
    Why.NONE_LEFT: WhyEmpty.SOLD_OUT,
    Why.BUDGET_SPENT: WhyEmpty.SOLD_OUT,
    Why.CAMPAIGN_OVER: WhyEmpty.CAMPAIGN_OVER,
}


class Choice(NamedTuple):
    page: Page
    weight: int


class Place(NamedTuple):
    beacon: str | None
    zone: str | None
    distance_m: float | None
    choices: tuple[Choice, ...]


class _Came(NamedTuple):
    outcome: Came
    coupon: Issued | None = None
    why_empty: WhyEmpty | None = None


def made(event: ev.ShakeMade, tx: Tx) -> Outcome:
    """Shaken or ShakeRefusal. A yes is the same for ever for one nonce and shopper; a no changes nothing."""
    shake_id = shake_nonce.shake_id(event.nonce)
    known = shake_rows.shake(tx.db, shake_id)
    if known is not None and known.shopper == event.shopper:
        return Outcome(reply=known.shaken)
    place = place_of(event.heard, event.via, event.zone, tx.shop)
    refusal = ShakeRefusal(why=ShakeWhy.REPLAYED) if known is not None else _not_now(event, tx, place)
    if refusal is not None:
        tx.tell(tm.ShakeRefused(why=str(refusal.why), via=str(event.via)), at=event.at)
        return Outcome(reply=refusal)
    return Outcome(reply=_shaken(event, tx, shake_id, place))


def _not_now(event: ev.ShakeMade, tx: Tx, place: Place) -> ShakeRefusal | None:
    if not place.choices:
        return ShakeRefusal(why=ShakeWhy.NOTHING_HERE)
    shopper = shake_rows.shopper(tx.db, event.shopper)
    if shopper is None:
        return None
    again_ms = shopper.at_ms + round(tx.shop.shake_cooldown_s * 1000)
    if event.at.at_ms < again_ms:
        return ShakeRefusal(why=ShakeWhy.TOO_SOON, again_ms=again_ms)
    day = shake_stats.day_of(event.at.at_ms, tx.shop.timezone)
    if tx.shop.shakes_per_day and shopper.day == str(day) and shopper.shakes >= tx.shop.shakes_per_day:
        return ShakeRefusal(why=ShakeWhy.DAY_FULL, again_ms=shake_stats.end_ms(day, tx.shop.timezone))
    return None


def _shaken(event: ev.ShakeMade, tx: Tx, shake_id: str, place: Place) -> Shaken:
    page = place.choices[chance.weighted(event.seed, "page", [each.weight for each in place.choices])].page
    day = shake_stats.day_of(event.at.at_ms, tx.shop.timezone)
    came = _what_came(event, tx, shake_id, page)
    shaken = Shaken(
        shake=shake_id,
        beacon=place.beacon,
        zone=place.zone,
        page=page.id,
        outcome=came.outcome,
        coupon=came.coupon,
        why_empty=came.why_empty,
        ticket_to_ms=event.at.at_ms + tx.shop.ticket_s * 1000,
    )
    shake_rows.add_shake(
        tx.db,
        shaken,
        shopper=event.shopper,
        at_ms=event.at.at_ms,
        distance_m=place.distance_m,
        ticket_hash=event.ticket_hash,
    )
    shake_rows.count_shopper(tx.db, event.shopper, at_ms=event.at.at_ms, day=day)
    shake_stats.count(
        tx.db, shake_stats.What.SHAKE, day=day, holder=event.shopper, beacon=place.beacon, page=str(page.id)
    )
    tx.tell(
        tm.ShakeMade(
            shake=shake_id,
            via=str(event.via),
            beacon=place.beacon,
            zone=place.zone,
            page=page.id,
            outcome=str(came.outcome),
            secret=event.secret,
            salt=event.salt,
        ),
        at=event.at,
        subject=shake_id,
    )
    return shaken


# --- which page ------------------------------------------------------------------------------------------


def place_of(heard: Sequence[ev.Heard], via: ev.Via, zone: ZoneId | None, shop: Shop) -> Place:
    """The nearest beacon that has a page; without beacons, the zone."""
    for each in heard:
        beacon = shop.beacons.get(each.beacon)
        if beacon is not None and beacon.carried_by is CarriedBy.NOBODY:
            choices = choices_of(shop, [beacon])
            if choices:
                return Place(each.beacon, beacon.zone or None, each.distance_m, choices)
    if via is ev.Via.BEACON:
        return Place(None, None, None, ())
    return Place(None, zone, None, choices_in(shop, zone))


def choices_in(shop: Shop, zone: str | None) -> tuple[Choice, ...]:
    """Of all beacons that hang in a zone; None: in the shop."""
    hanging = (each for each in shop.beacons.values() if each.carried_by is CarriedBy.NOBODY)
    return choices_of(shop, sorted((each for each in hanging if zone in {None, each.zone}), key=lambda each: each.id))


def choices_of(shop: Shop, beacons: list[Beacon]) -> tuple[Choice, ...]:
    """In order; a page whose document is gone is not there."""
    bound = (bound for beacon in beacons for bound in beacon.pages)
    return tuple(Choice(shop.pages[each.page], each.weight) for each in bound if each.page in shop.pages)


# --- what comes with it ----------------------------------------------------------------------------------


def _what_came(event: ev.ShakeMade, tx: Tx, shake_id: str, page: Page) -> _Came:
    if page.draw:
        return _drawn(event, tx, shake_id, page.draw)
    if page.campaign:
        answer = _coupon(event, tx, shake_id, page.campaign)
        return _Came(Came.COUPON, answer) if isinstance(answer, Issued) else _Came(Came.EMPTY, why_empty=answer)
    return _Came(Came.PAGE)


def _coupon(event: ev.ShakeMade, tx: Tx, shake_id: str, campaign: str) -> Issued | WhyEmpty:
    """By the rule for everybody who asks for a coupon."""
    asked = ev.CouponAsked(
        at=event.at,
        request_key=f"shake/{shake_id}",
        campaign=CampaignId(campaign),
        serial=event.serial,
        holder=event.shopper,
        via="shake",
        station=event.station,
    )
    answer = coupons.asked(asked, tx).reply
    if isinstance(answer, Issued):
        return answer
    return _EMPTY.get(answer.why, WhyEmpty.OTHER) if isinstance(answer, CouponRefused) else WhyEmpty.OTHER


def _drawn(event: ev.ShakeMade, tx: Tx, shake_id: str, name: str) -> _Came:
    """Limits first, then chance, then stock. Only who takes part uses up a try."""
    draw = tx.shop.draws.get(name)
    day = shake_stats.day_of(event.at.at_ms, tx.shop.timezone)
    limit = draws.limit(tx.db, draw, shopper=event.shopper, at_ms=event.at.at_ms, day=day)
    if draw is None or limit is not None:
        return _Came(Came.EMPTY, why_empty=limit)
    draws.count_try(tx.db, name, event.shopper, day)
    won = draws.won_in(draw, event.seed)
    if won is None:
        return _Came(Came.LOST)
    answer = _coupon(event, tx, shake_id, won.campaign)
    if not isinstance(answer, Issued):
        return _Came(Came.EMPTY, why_empty=answer)
    draws.count_win(tx.db, name, event.shopper, day)
    news = tm.DrawWon(
        shake=shake_id,
        draw=name,
        campaign=won.campaign,
        serial=answer.serial,
        roll_ppm=won.roll_ppm,
        below_ppm=won.below_ppm,
    )
    tx.tell(news, at=event.at, subject=shake_id)
    return _Came(Came.WON, answer)


# --- afterwards ------------------------------------------------------------------------------------------


def opened(event: ev.PageOpened, tx: Tx) -> Outcome:
    """Replies whether there is such a shake. Counted and told once a shake."""
    row = shake_rows.shake(tx.db, event.shake)
    if row is None or row.opened_ms is not None:
        return Outcome(reply=row is not None)
    shaken = row.shaken
    shake_rows.set_opened(tx.db, row.id, at_ms=event.at.at_ms)
    day = shake_stats.day_of(event.at.at_ms, tx.shop.timezone)
    shake_stats.count(
        tx.db, shake_stats.What.CLICK, day=day, holder=row.shopper, beacon=shaken.beacon, page=shaken.page
    )
    news = tm.PageShown(shake=row.id, page=shaken.page, beacon=shaken.beacon, zone=shaken.zone)
    tx.tell(news, at=event.at, subject=row.id)
    return Outcome(reply=True)


def exchanged(event: ev.TicketExchanged, tx: Tx) -> Outcome:
    """Exchanged or TicketWrong. Once; within a minute of the first time, the same again."""
    row = shake_rows.shake_of_ticket(tx.db, event.ticket_hash)
    if row is None:
        return Outcome(reply=TicketWrong())
    if row.exchanged_ms is None and event.at.at_ms <= row.shaken.ticket_to_ms:
        shake_rows.set_exchanged(tx.db, row.id, at_ms=event.at.at_ms)
    elif row.exchanged_ms is None or event.at.at_ms - row.exchanged_ms > AGAIN_MS:
        return Outcome(reply=TicketWrong())
    return Outcome(
        reply=Exchanged(
            page=row.shaken.page,
            beacon=row.shaken.beacon,
            zone=row.shaken.zone,
            distance_m=row.distance_m,
            shopper=row.shopper,
            at_ms=row.at_ms,
        )
    )


def refused(event: ev.ShakeRefused, tx: Tx) -> Outcome:
    tx.tell(tm.ShakeRefused(why=event.why, via=str(event.via)), at=event.at)
    return DONE


def passed(event: ev.TimePassed, tx: Tx) -> None:
    """Old shakes go, a small bite a tick."""
    today = shake_stats.day_of(event.at.at_ms, tx.shop.timezone)
    draws.forget(tx.db, today=today, limit=PER_TICK)
    shake_rows.forget(tx.db, at_ms=event.at.at_ms, today=today, limit=PER_TICK)
    shake_stats.forget(tx.db, today=today, limit=PER_TICK)
