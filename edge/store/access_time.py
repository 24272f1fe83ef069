"""The guest Wi-Fi as time passes: what is over ends, what is old is forgotten, and clocks are set."""

from __future__ import annotations

from edge import events as ev
from edge.access_answers import LeftReason, Way
from edge.clock import ClockState
from edge.effects import Effect
from edge.store import access_ended, vouchers
from edge.store import access_rows as rows
from edge.store import access_visits as visits
from edge.store.access_in import hours_of
from edge.store.access_out import end, tell_left
from edge.store.access_rows import MAX_MARK
from edge.store.tx import Outcome, Tx

PER_TICK = 500
"""Sessions that one tick ends, and old rows of each table that it removes; the kernel ends sessions by itself."""


def passed(event: ev.TimePassed, tx: Tx) -> Outcome:
    at = event.at
    effects: list[Effect] = []
    for row in rows.run_out(tx.db, at, limit=PER_TICK):
        effects += end(row, tx, at, LeftReason.PASS_OVER if row.way is Way.PASS else LeftReason.TIME)
    for ended in access_ended.waited_for(tx.db, at, limit=PER_TICK):
        tell_left(ended, tx, at)
    if at.state is not ClockState.UNSET:
        if not hours_of(tx.shop, at).is_open:
            for row in rows.but_way(tx.db, Way.STAFF, limit=PER_TICK):
                effects += end(row, tx, at, LeftReason.TIME)
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
            end(row, tx, at, LeftReason.LOST, silent_ms=max(0, at.at_ms - row.heard_ms))
    for ended in access_ended.waited_for(tx.db, at, limit=MAX_MARK):
        tell_left(ended, tx, at)


def clock_set(event: ev.ClockAdjusted, tx: Tx) -> None:
    rows.move(tx.db, event.at)
    visits.move_records(tx.db, event.at)
    vouchers.move(tx.db, event.at)
