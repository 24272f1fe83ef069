"""Out of the guest Wi-Fi: by the kernel's word, by somebody's, by bytes; and what was used until then."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from edge import events as ev
from edge import telemetry as tm
from edge.access_answers import AccessRefusal, AccessWhy, LeftReason, Way
from edge.clock import Stamp
from edge.effects import Effect, OpenGate, ShutGate
from edge.store import access_ended as ended_rows
from edge.store import access_rows as rows
from edge.store import access_use as use
from edge.store import access_visits as visits
from edge.store import vouchers
from edge.store.access_ended import Ended
from edge.store.access_rows import Session
from edge.store.tx import DONE, Outcome, Tx

EARLY_MS = 5_000
"""The kernel's clock and ours agree on a hard end within this."""


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
        return Outcome(effects=(opened(row, event.at),))
    return Outcome(effects=tuple(end(row, tx, event.at, event.reason, silent_ms=silent_ms)))


def voided(event: ev.VouchersVoided, tx: Tx) -> Outcome:
    """VoucherBatch, or AccessRefusal VOUCHER_UNKNOWN."""
    if vouchers.batch(tx.db, event.batch) is None:
        return Outcome(reply=AccessRefusal(why=AccessWhy.VOUCHER_UNKNOWN))
    effects: list[Effect] = []
    for hashed in vouchers.void(tx.db, event.batch):
        for row in rows.of_voucher(tx.db, hashed):
            effects += end(row, tx, event.at, LeftReason.STAFF)
    return Outcome(reply=vouchers.batch(tx.db, event.batch), effects=tuple(effects))


def opened(row: Session, at: Stamp) -> OpenGate:
    return OpenGate(mac=row.mac, mark=row.mark, left_s=row.left_ms(at) / 1000)


def end(row: Session, tx: Tx, at: Stamp, reason: LeftReason, *, silent_ms: int = 0) -> tuple[Effect, ...]:
    """`silent_ms`: so long before `at` it was over in truth. The cloud is told when its last bytes are counted."""
    rows.drop(tx.db, row.mark)
    lasted_ms = max(0, row.lasted_ms(at) - silent_ms)
    visits.close_record(tx.db, row.session, to_ms=max(row.since_ms, at.at_ms - silent_ms))
    if row.way is not Way.PASS:
        use.use_time(row, tx, at, silent_ms)
        ended_rows.add(tx.db, row, at, reason, seconds=lasted_ms // 1000)
    return (ShutGate(mac=row.mac, mark=row.mark),)


def tell_left(ended: Ended, tx: Tx, at: Stamp) -> None:
    ended_rows.drop(tx.db, ended)
    news = tm.GuestLeft(
        session=ended.session,
        visitor=ended.visitor,
        way=ended.way.value,
        reason=ended.reason.value,
        seconds=ended.seconds,
        up_bytes=ended.up_bytes,
        down_bytes=ended.down_bytes,
        marketing=ended.marketing,
    )
    tx.tell(news, at=at, subject=ended.session)


# --- counted ---------------------------------------------------------------------------------------------


def counted(event: ev.GuestsCounted, tx: Tx) -> Outcome:
    """Whose bytes are used up is out."""
    effects: list[Effect] = []
    for count in event.counts:
        effects += _counted(count, tx, event.at)
    for mark in event.over:
        for ended in ended_rows.of_mark(tx.db, mark)[:1]:
            tell_left(ended, tx, event.at)
    return Outcome(effects=tuple(effects))


def _counted(count: ev.SessionCount, tx: Tx, at: Stamp) -> list[Effect]:
    """What a mark used is its oldest session's until that is over: the next one begins from there."""
    ended, live = ended_rows.of_mark(tx.db, count.mark), rows.by_mark(tx.db, count.mark)
    using: Session | Ended | None = ended[0] if ended else live
    if using is None:
        return []
    up, down = _more(using.run_up, count.up_bytes, using, count), _more(using.run_down, count.down_bytes, using, count)
    if not up and not down and using.run == count.run:
        return []
    for each in ended:
        ended_rows.set_counts(tx.db, _with(each, count, up, down) if each is using else _with(each, count, 0, 0))
    if live is not None:
        moved = _with(live, count, up, down) if live is using else _with(live, count, 0, 0)
        rows.set_counts(tx.db, msgspec.structs.replace(moved, heard_ms=at.at_ms) if up or down else moved)
    over = {each.mark: each for each in use.use_bytes(using, up + down, tx, at)}
    if live is not None and live is using and live.max_bytes is not None and moved.bytes >= live.max_bytes:
        over[live.mark] = live
    # as the rows are now: the count above is theirs already
    found = [rows.by_mark(tx.db, mark) for mark in over]
    return [effect for each in found if each is not None for effect in end(each, tx, at, LeftReason.BYTES)]


S = TypeVar("S", Session, Ended)


def _with(row: S, count: ev.SessionCount, up: int, down: int) -> S:
    return msgspec.structs.replace(
        row,
        up_bytes=row.up_bytes + up,
        down_bytes=row.down_bytes + down,
        run=count.run,
        run_up=count.up_bytes,
        run_down=count.down_bytes,
    )


def _more(before: int, now: int, row: Session | Ended, count: ev.SessionCount) -> int:
    """A counter that runs anew, or fell, began at 0."""
    return now - before if row.run == count.run and now >= before else now
