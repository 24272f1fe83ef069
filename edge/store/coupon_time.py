"""What time does to coupons: holds lapse, coupons expire, orders to void are worked off, grants close.

At most `PER_TICK` rows of each a tick, so that a million coupons that end at midnight never make a till wait.
"""

from __future__ import annotations

from edge import events as ev
from edge.store import coupon_rows, coupons, ledger, redeem
from edge.store.coupon_rows import CouponRow
from edge.store.ledger import Account
from edge.store.tx import Tx

PER_TICK = 100


def passed(event: ev.TimePassed, tx: Tx) -> None:
    _lapse(event, tx)
    _void(event, tx)
    _expire(event, tx)
    _close_grants(event, tx)


def _lapse(event: ev.TimePassed, tx: Tx) -> None:
    for held in coupon_rows.open_holds(tx.db, limit=PER_TICK):
        if not held.lapsed(event.at):
            continue
        row = coupon_rows.coupon(tx.db, held.serial)
        if row is not None and row.hold_key == held.key:
            redeem.lapse(tx.db, row)
        else:
            coupons.let_go(tx.db, held.key, "lapsed")


def _expire(event: ev.TimePassed, tx: Tx) -> None:
    for row in coupon_rows.run_out(tx.db, before_ms=event.at.at_ms, limit=PER_TICK):
        coupons.end(event, tx, row, Account.EXPIRED)


def _void(event: ev.TimePassed, tx: Tx) -> None:
    order = tx.db.execute(
        "SELECT n, campaign, up_to, reason FROM coupon_void WHERE done = 0 ORDER BY n LIMIT 1"
    ).fetchone()
    if order is None:
        return
    number, campaign, up_to, reason = order
    rows: list[CouponRow] = coupon_rows.still_open(tx.db, campaign, up_to=up_to, limit=PER_TICK)
    for row in rows:
        coupons.end(event, tx, row, Account.VOIDED, reason=reason)
    if len(rows) < PER_TICK:
        tx.db.execute("UPDATE coupon_void SET done = 1 WHERE n = ?", (number,))


def _close_grants(event: ev.TimePassed, tx: Tx) -> None:
    """From available to unallocated: what was not issued in time is the cloud's again."""
    closed = tx.db.execute(
        "SELECT id, campaign, units_left FROM coupon_grant WHERE units_left > 0 AND not_after_ms < ? LIMIT ?",
        (event.at.at_ms, PER_TICK),
    ).fetchall()
    for grant, campaign, units in closed:
        tx.db.execute("UPDATE coupon_grant SET units_left = 0 WHERE id = ?", (grant,))
        ledger.post(
            tx.db,
            at_ms=event.at.at_ms,
            campaign=campaign,
            source=Account.AVAILABLE,
            target=Account.UNALLOCATED,
            units=units,
            ref=grant,
        )
