"""Onto the guest Wi-Fi: who may be on, for how long and how much, and who makes room for them."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import msgspec

from edge import events as ev
from edge import telemetry as tm
from edge.access_answers import AccessRefusal, AccessWhy, Admitted, LeftReason, Way
from edge.clock import ClockState, Stamp
from edge.effects import Effect
from edge.shop import Shop
from edge.shop.hours import Door, door
from edge.store import access_rows as rows
from edge.store import access_use as use
from edge.store import access_visits as visits
from edge.store import vouchers
from edge.store.access_out import end, opened
from edge.store.access_rows import Session
from edge.store.access_visits import DAY_MS
from edge.store.tx import Outcome, Tx

MINUTE_MS = 60_000
MEGABYTE = vouchers.MEGABYTE
PASSES_AN_HOUR = 3
"""Of one phone."""
MAX_PASSES = 200
"""At once: MAC addresses cost nothing."""
PASS_BYTES = 20 * MEGABYTE
BUSY_MS = 30_000
"""A voucher's device that was heard so lately keeps its place; a phone under a new MAC has it half a minute later."""


class _Terms(NamedTuple):
    """What a session may have."""

    left_ms: int
    max_bytes: int | None
    devices: int | None
    voucher: vouchers.Voucher | None = None


def proven(event: ev.GuestProven, tx: Tx) -> Outcome:
    """Admitted or AccessRefusal; a no changes nothing."""
    before = rows.by_mac(tx.db, event.mac)
    hours = hours_of(tx.shop, event.at)
    refusal = _not_now(event, tx, hours)
    if refusal is None and before is not None and before.left_ms(event.at) > 0 and _continues(event, before):
        rows.set_heard(tx.db, before.mark, event.at.at_ms)
        return _yes(before, event.at)
    terms = refusal or _terms(event, tx)
    crowd = terms if isinstance(terms, AccessRefusal) else _crowd(event, tx, terms, before)
    if isinstance(terms, AccessRefusal) or isinstance(crowd, AccessRefusal):
        return Outcome(reply=crowd)
    if event.most_s:
        terms = terms._replace(left_ms=min(terms.left_ms, event.most_s * 1000))
    if event.way is not Way.STAFF and hours.closes_ms is not None:
        terms = terms._replace(left_ms=min(terms.left_ms, hours.closes_ms - event.at.at_ms))
    return _admitted(event, tx, terms, before, crowd)


def _not_now(event: ev.GuestProven, tx: Tx, hours: Door) -> AccessRefusal | None:
    if tx.shop.policy and event.consent != tx.shop.policy:
        return AccessRefusal(why=AccessWhy.NO_CONSENT)
    if event.way is not Way.STAFF and not hours.is_open:
        return AccessRefusal(why=AccessWhy.CLOSED, again_ms=hours.opens_ms)
    return None


def _crowd(event: ev.GuestProven, tx: Tx, terms: _Terms, before: Session | None) -> list[Session] | AccessRefusal:
    """Other devices of the same shopper that have to make room: the oldest of too many."""
    others = [each for each in rows.of_holder(tx.db, event.holder) if each.mac != event.mac]
    crowd = [] if terms.devices is None else others[: max(0, len(others) - terms.devices + 1)]
    if event.way is Way.VOUCHER and any(event.at.at_ms - each.heard_ms < BUSY_MS for each in crowd):
        again_ms = max(each.heard_ms for each in crowd) + BUSY_MS
        return AccessRefusal(why=AccessWhy.VOUCHER_BUSY, again_ms=again_ms)
    room = tx.shop.most_guests - rows.count(tx.db) + len(crowd) + (before is not None)
    if event.way is not Way.STAFF and room < 1:
        return AccessRefusal(why=AccessWhy.FULL)
    return crowd


def _continues(event: ev.GuestProven, before: Session) -> bool:
    """Asked again by who is on already; a pass is as good as what they have."""
    same = (before.holder, before.way, before.voucher) == (event.holder, event.way, event.voucher)
    return same or event.way is Way.PASS


def _terms(event: ev.GuestProven, tx: Tx) -> _Terms | AccessRefusal:
    match event.way:
        case Way.PASS:
            return _pass_terms(event, tx)
        case Way.STAFF:
            return _Terms(DAY_MS, None, None)
        case Way.VOUCHER:
            return _voucher_terms(event, tx)
        case _:
            return _shop_terms(event, tx)


def _pass_terms(event: ev.GuestProven, tx: Tx) -> _Terms | AccessRefusal:
    count, over_ms = visits.passes(tx.db, event.phone, event.at)
    if count >= PASSES_AN_HOUR:
        return AccessRefusal(why=AccessWhy.TOO_OFTEN, again_ms=over_ms)
    if rows.count_way(tx.db, Way.PASS) >= MAX_PASSES:
        return AccessRefusal(why=AccessWhy.FULL)
    return _Terms(event.pass_s * 1000, PASS_BYTES, None)


def _voucher_terms(event: ev.GuestProven, tx: Tx) -> _Terms | AccessRefusal:
    found = vouchers.voucher(tx.db, event.voucher)
    if found is None:
        return AccessRefusal(why=AccessWhy.VOUCHER_UNKNOWN)
    if found.over(event.at):
        return AccessRefusal(why=AccessWhy.VOUCHER_OVER)
    return _Terms(found.left_ms(event.at), found.left_bytes, found.devices, found)


def _shop_terms(event: ev.GuestProven, tx: Tx) -> _Terms | AccessRefusal:
    limit = use.limit_of(tx.shop, event.way)
    left_ms, max_bytes = limit.minutes * MINUTE_MS or DAY_MS, limit.megabytes * MEGABYTE or None
    who = (event.holder, event.phone, tx, event.at)
    if limit.day_minutes:
        left_ms = min(left_ms, limit.day_minutes * MINUTE_MS - use.used_ms(*who))
    if limit.day_megabytes:
        left_bytes = limit.day_megabytes * MEGABYTE - use.used_bytes(*who)
        max_bytes = left_bytes if max_bytes is None else min(max_bytes, left_bytes)
    if left_ms <= 0 or (max_bytes is not None and max_bytes <= 0):
        return AccessRefusal(why=AccessWhy.DAY_USED, again_ms=visits.end_ms(event.at.at_ms, tx.shop.timezone))
    return _Terms(left_ms, max_bytes, limit.devices or tx.shop.guest_devices)


def _admitted(event: ev.GuestProven, tx: Tx, terms: _Terms, before: Session | None, crowd: list[Session]) -> Outcome:
    at, is_pass = event.at, event.way is Way.PASS
    day = visits.day_of(at.at_ms, tx.shop.timezone)
    last = None if is_pass else visits.day_before(tx.db, event.holder, day)
    names = {event.holder, visits.DAY_PREFIX + event.phone}
    live = (*rows.of_holder(tx.db, event.holder), *rows.of_device(tx.db, event.phone))
    arrives = all(each.way is Way.PASS for each in live)
    visitor = event.visitor if is_pass else visits.visitor_of(tx.db, event.phone, day, event.visitor)
    effects: list[Effect] = []
    for each in crowd:
        effects += end(each, tx, at, LeftReason.MOVED)
    if before is not None:
        end(before, tx, at, LeftReason.MOVED if before.left_ms(at) > 0 else LeftReason.TIME)
    row = Session(
        mark=rows.next_mark(tx.db) if before is None else before.mark,
        session=event.session,
        mac=event.mac,
        holder=event.holder,
        visitor=visitor,
        device=event.phone,
        way=event.way,
        voucher=event.voucher,
        marketing=event.marketing,
        came_back=last is not None,
        boot_id=at.boot_id,
        since_ms=at.at_ms,
        since_mono_ms=at.monotonic_ms,
        to_ms=at.at_ms + terms.left_ms,
        to_mono_ms=at.monotonic_ms + terms.left_ms,
        heard_ms=at.at_ms,
        max_bytes=terms.max_bytes,
    )
    if before is not None:  # flows that run go on, and so does the kernel's count
        row = msgspec.structs.replace(row, run=before.run, run_up=before.run_up, run_down=before.run_down)
    rows.add(tx.db, row)
    if event.record:
        visits.keep_record(tx.db, event.session, event.record, from_ms=at.at_ms)
    if terms.voucher is not None:
        vouchers.begin(tx.db, terms.voucher, at)
    if is_pass:
        visits.count_pass(tx.db, event.phone, at)
    else:
        visits.came(tx.db, event.holder, day)
        for name in names:
            visits.count_day(tx.db, name, day, visits=int(arrives))
        visits.count_way(tx.db, event.way.value, day)
        today = max(1, *(visits.of_day(tx.db, name, day).visits for name in names))
        _tell_admitted(event, tx, last, day, visitor=visitor, visits_today=today)
    done = _yes(row, at)
    return done._replace(effects=(*effects, *done.effects))


def _tell_admitted(
    event: ev.GuestProven, tx: Tx, last: date | None, day: date, *, visitor: str, visits_today: int
) -> None:
    news = tm.GuestAdmitted(
        session=event.session,
        visitor=visitor,
        way=event.way.value,
        returning=last is not None,
        days_since=None if last is None else (day - last).days,
        visits_today=visits_today,
        consent=event.consent,
        marketing=event.marketing,
    )
    tx.tell(news, at=event.at, subject=event.session)


def _yes(row: Session, at: Stamp) -> Outcome:
    left_ms = row.left_ms(at)
    answer = Admitted(
        session=row.session,
        way=row.way,
        to_ms=at.at_ms + left_ms,
        left_bytes=None if row.max_bytes is None else max(0, row.max_bytes - row.bytes),
        returning=row.came_back,
    )
    return Outcome(reply=answer, effects=(opened(row, at),))


def hours_of(shop: Shop, at: Stamp) -> Door:
    """While the clock is unset nobody knows the hour; when it is set and late, `passed` ends who is on."""
    if shop.portal is None or at.state is ClockState.UNSET:
        return Door(is_open=True)
    return door(shop.portal.hours, at.at_ms, shop.timezone)
