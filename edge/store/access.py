"""Who is let onto the guest Wi-Fi, for how long and how much; when they are out again. Pure rules over rows.

A session ends once, for one reason: its time, silence, its bytes, its guest, the shop, the guest's other devices. It
runs on the monotonic clock (see `access_rows`), and never past the hour at which the portal closes. Whoever is known
by another MAC, or by another way, is the same shopper: the oldest of too many devices is out, the newest is in.
A guest whose news can't be told (the line is cut for weeks) is let in all the same: see `edge.telemetry.access`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import msgspec

from edge import events as ev
from edge import telemetry as tm
from edge.access_answers import AccessRefusal, AccessWhy, Admitted, LeftReason, Way
from edge.clock import ClockState, Stamp
from edge.effects import Effect, OpenGate, ShutGate
from edge.shop import Limit, Shop
from edge.shop.hours import Door, door
from edge.store import access_rows as rows
from edge.store import access_visits as visits
from edge.store import vouchers
from edge.store.access_rows import Session, members, standing, standings
from edge.store.access_visits import DAY_MS
from edge.store.tx import DONE, Outcome, Tx

__all__ = ["SCHEMA", "members", "standing", "standings"]

SCHEMA = rows.SCHEMA + visits.SCHEMA + vouchers.SCHEMA
PER_TICK = 500
"""Sessions that one tick ends, and old rows of each table that it removes; the kernel ends sessions by itself."""
MINUTE_MS = 60_000
MEGABYTE = vouchers.MEGABYTE
PASSES_AN_HOUR = 3
"""Of one phone."""
MAX_PASSES = 200
"""At once: MAC addresses cost nothing."""
PASS_BYTES = 20 * MEGABYTE
BUSY_MS = 30_000
"""A voucher's device that was heard so lately keeps its place; a phone under a new MAC has it half a minute later."""
EARLY_MS = 5_000
"""The kernel's clock and ours agree on a hard end within this."""
UNMETERED = frozenset({Way.PASS, Way.STAFF, Way.VOUCHER})
"""Ways in that use up no minutes of a day."""


class _Terms(NamedTuple):
    """What a session may have."""

    left_ms: int
    max_bytes: int | None
    devices: int | None
    voucher: vouchers.Voucher | None = None


# --- in --------------------------------------------------------------------------------------------------


def proven(event: ev.GuestProven, tx: Tx) -> Outcome:
    """Admitted or AccessRefusal; a no changes nothing."""
    before = rows.by_mac(tx.db, event.mac)
    hours = _hours(tx.shop, event.at)
    refusal = _not_now(event, tx, hours)
    if refusal is None and before is not None and before.left_ms(event.at) > 0 and _continues(event, before):
        rows.set_heard(tx.db, before.mark, event.at.at_ms)
        return _yes(before, event.at)
    terms = refusal or _terms(event, tx)
    crowd = terms if isinstance(terms, AccessRefusal) else _crowd(event, tx, terms, before)
    if isinstance(terms, AccessRefusal) or isinstance(crowd, AccessRefusal):
        return Outcome(reply=crowd)
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
    portal = tx.shop.portal
    limit = Limit() if portal is None else portal.limits.get(event.way, portal.limit)
    left_ms = limit.minutes * MINUTE_MS or DAY_MS
    if limit.day_minutes:
        day_left_ms = limit.day_minutes * MINUTE_MS - _used_today(event, tx)
        if day_left_ms <= 0:
            again_ms = visits.end_ms(event.at.at_ms, tx.shop.timezone)
            return AccessRefusal(why=AccessWhy.DAY_USED, again_ms=again_ms)
        left_ms = min(left_ms, day_left_ms)
    return _Terms(left_ms, limit.megabytes * MEGABYTE or None, limit.devices or tx.shop.guest_devices)


def _admitted(event: ev.GuestProven, tx: Tx, terms: _Terms, before: Session | None, crowd: list[Session]) -> Outcome:
    at, is_pass = event.at, event.way is Way.PASS
    day = visits.day_of(at.at_ms, tx.shop.timezone)
    last = None if is_pass else visits.day_before(tx.db, event.holder, day)
    arrives = not is_pass and not rows.of_holder(tx.db, event.holder)
    effects: list[Effect] = []
    for each in crowd:
        effects += _end(each, tx, at, LeftReason.MOVED)
    if before is not None:
        _end(before, tx, at, LeftReason.MOVED if before.left_ms(at) > 0 else LeftReason.TIME)
    row = Session(
        mark=rows.next_mark(tx.db) if before is None else before.mark,
        session=event.session,
        mac=event.mac,
        holder=event.holder,
        visitor=event.visitor,
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
        visits.count_day(tx.db, event.holder, day, visits=int(arrives))
        visits.count_way(tx.db, event.way.value, day)
        _tell_admitted(event, tx, last, day)
    done = _yes(row, at)
    return done._replace(effects=(*effects, *done.effects))


def _tell_admitted(event: ev.GuestProven, tx: Tx, last: date | None, day: date) -> None:
    news = tm.GuestAdmitted(
        session=event.session,
        visitor=event.visitor,
        way=event.way.value,
        returning=last is not None,
        days_since=None if last is None else (day - last).days,
        visits_today=max(1, visits.of_day(tx.db, event.holder, day).visits),
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
    return Outcome(reply=answer, effects=(OpenGate(mac=row.mac, mark=row.mark, left_s=left_ms / 1000),))


def _no(why: AccessWhy, again_ms: int | None = None) -> Outcome:
    return Outcome(reply=AccessRefusal(why=why, again_ms=again_ms))


def _hours(shop: Shop, at: Stamp) -> Door:
    """While the clock is unset nobody knows the hour; when it is set and late, `passed` ends who is on."""
    if shop.portal is None or at.state is ClockState.UNSET:
        return Door(is_open=True)
    return door(shop.portal.hours, at.at_ms, shop.timezone)


# --- a day's use -----------------------------------------------------------------------------------------


def _used_today(event: ev.GuestProven, tx: Tx) -> int:
    """By the shopper, or by the phone: whichever had more. Devices that are on together use it once."""
    day = visits.day_of(event.at.at_ms, tx.shop.timezone)
    used = []
    for name, live in (
        (event.holder, rows.of_holder(tx.db, event.holder)),
        (visits.DAY_PREFIX + event.phone, rows.of_device(tx.db, event.phone)),
    ):
        running_ms = max((_today_ms(each, tx, event.at) for each in live), default=0)
        used.append(visits.of_day(tx.db, name, day).used_ms + running_ms)
    return max(used)


def _today_ms(row: Session, tx: Tx, at: Stamp) -> int:
    """How long a session lasts already, of this day."""
    if row.way in UNMETERED:
        return 0
    day = visits.day_of(at.at_ms, tx.shop.timezone)
    return min(row.lasted_ms(at), at.at_ms - visits.start_ms(day, tx.shop.timezone))


def _use_day(row: Session, tx: Tx, at: Stamp, silent_ms: int) -> None:
    """What nobody else of them goes on using."""
    day = visits.day_of(at.at_ms, tx.shop.timezone)
    ended_ms = max(0, _today_ms(row, tx, at) - silent_ms)
    for name, live in {
        row.holder: rows.of_holder(tx.db, row.holder),
        visits.DAY_PREFIX + row.device: rows.of_device(tx.db, row.device),
    }.items():
        still_ms = max((_today_ms(each, tx, at) for each in live), default=0)
        visits.count_day(tx.db, name, day, used_ms=max(0, min(ended_ms, ended_ms + silent_ms - still_ms)))


# --- counted ---------------------------------------------------------------------------------------------


def counted(event: ev.GuestsCounted, tx: Tx) -> Outcome:
    """Whose bytes are used up is out."""
    effects: list[Effect] = []
    for count in event.counts:
        row = rows.by_mark(tx.db, count.mark)
        if row is None:
            continue
        up, down = _more(row.run_up, count.up_bytes, row, count), _more(row.run_down, count.down_bytes, row, count)
        if not up and not down and row.run == count.run:
            continue
        row = msgspec.structs.replace(
            row,
            heard_ms=event.at.at_ms if up or down else row.heard_ms,
            up_bytes=row.up_bytes + up,
            down_bytes=row.down_bytes + down,
            run=count.run,
            run_up=count.up_bytes,
            run_down=count.down_bytes,
        )
        rows.set_counts(tx.db, row)
        effects += _spent(row, up + down, tx, event.at)
    return Outcome(effects=tuple(effects))


def _more(before: int, now: int, row: Session, count: ev.SessionCount) -> int:
    """A counter that runs anew, or fell, began at 0."""
    return now - before if row.run == count.run and now >= before else now


def _spent(row: Session, more: int, tx: Tx, at: Stamp) -> Iterable[Effect]:
    if row.voucher and vouchers.use(tx.db, row.voucher, more):
        over = rows.of_voucher(tx.db, row.voucher)
    elif row.max_bytes is not None and row.bytes >= row.max_bytes:
        over = [row]
    else:
        over = []
    return [effect for each in over for effect in _end(each, tx, at, LeftReason.BYTES)]


# --- out -------------------------------------------------------------------------------------------------


def gone(event: ev.GuestGone, tx: Tx) -> Outcome:
    """By the kernel's word, or somebody's. Said again, it changes nothing.

    Who was heard in the later half of what is said to have been silence came in again meanwhile, and stays; so does
    whose time is said to be over and is not: a clock that was just set made it seem so.
    """
    row = rows.by_mark(tx.db, event.mark)
    if row is None:
        return DONE
    silent_ms = round(event.idle_s * 1000) if event.reason is LeftReason.IDLE else 0
    left_ms = row.left_ms(event.at)
    heard = left_ms > 0 and row.heard_ms > event.at.at_ms - silent_ms // 2
    if heard or (event.reason in {LeftReason.TIME, LeftReason.LOST} and left_ms > EARLY_MS):
        return Outcome(effects=_yes(row, event.at).effects)
    return Outcome(effects=tuple(_end(row, tx, event.at, event.reason, silent_ms=silent_ms)))


def voided(event: ev.VouchersVoided, tx: Tx) -> Outcome:
    """VoucherBatch, or AccessRefusal VOUCHER_UNKNOWN."""
    if vouchers.batch(tx.db, event.batch) is None:
        return _no(AccessWhy.VOUCHER_UNKNOWN)
    effects: list[Effect] = []
    for hashed in vouchers.void(tx.db, event.batch):
        for row in rows.of_voucher(tx.db, hashed):
            effects += _end(row, tx, event.at, LeftReason.STAFF)
    return Outcome(reply=vouchers.batch(tx.db, event.batch), effects=tuple(effects))


def _end(row: Session, tx: Tx, at: Stamp, reason: LeftReason, *, silent_ms: int = 0) -> Iterable[Effect]:
    """`silent_ms`: so long before `at` it was over in truth."""
    rows.drop(tx.db, row.mark)
    lasted_ms = max(0, row.lasted_ms(at) - silent_ms)
    visits.close_record(tx.db, row.session, to_ms=max(row.since_ms, at.at_ms - silent_ms))
    if row.way is not Way.PASS:
        _use_day(row, tx, at, silent_ms)
        news = tm.GuestLeft(
            session=row.session,
            visitor=row.visitor,
            way=row.way.value,
            reason=reason.value,
            seconds=lasted_ms // 1000,
            up_bytes=row.up_bytes,
            down_bytes=row.down_bytes,
            marketing=row.marketing,
        )
        tx.tell(news, at=at, subject=row.session)
    return (ShutGate(mac=row.mac, mark=row.mark),)


# --- time ------------------------------------------------------------------------------------------------


def passed(event: ev.TimePassed, tx: Tx) -> Outcome:
    at = event.at
    effects: list[Effect] = []
    for row in rows.run_out(tx.db, at, limit=PER_TICK):
        effects += _end(row, tx, at, LeftReason.PASS_OVER if row.way is Way.PASS else LeftReason.TIME)
    if at.state is not ClockState.UNSET:
        if not _hours(tx.shop, at).is_open:
            for row in rows.but_way(tx.db, Way.STAFF, limit=PER_TICK):
                effects += _end(row, tx, at, LeftReason.TIME)
        shop = tx.shop
        visits.forget(tx.db, at_ms=at.at_ms, timezone=shop.timezone, log_days=shop.log_days, limit=PER_TICK)
        vouchers.forget(tx.db, at_ms=at.at_ms, limit=PER_TICK)
    return Outcome(effects=tuple(effects))


def started(event: ev.GatewayStarted, tx: Tx) -> None:
    """After a restart of the machine sessions go on for what they had left; how long it was off is told by the wall
    clock, as far as that knows. Whose time was over meanwhile is out since they were last heard.
    """
    at = event.at
    for row in rows.of_other_boots(tx.db, at.boot_id):
        if row.left_ms(at) > 0:
            rows.anchor(tx.db, row, at)
        else:
            _end(row, tx, at, LeftReason.LOST, silent_ms=max(0, at.at_ms - row.heard_ms))


def clock_set(event: ev.ClockAdjusted, tx: Tx) -> None:
    rows.move(tx.db, event.at)
    vouchers.move(tx.db, event.at)
