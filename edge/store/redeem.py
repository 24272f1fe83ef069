r"""Using a coupon: reserve → commit | release, each idempotent by the till's key.

    (none) --reserve--> held --commit--> committed            the coupon: outstanding → held → redeemed
                         |  \--release-> released                                       → outstanding
                         \--120 s------> lapsed --commit--> committed, if nobody took the coupon meanwhile
    (none) --reserve--> refused                               the same no for ever for this key

The row of a key keeps the answer it got, so a till that lost our answer asks again and hears the same.
"""

from __future__ import annotations

from edge import events as ev
from edge import telemetry as tm
from edge.clock import ClockState, Stamp
from edge.coupon_answers import (
    AnyAnswer,
    CouponState,
    Redeemed,
    Refused,
    Released,
    Reserved,
    Terms,
    Why,
    pack,
    unpack,
)
from edge.ids import CampaignId, Serial
from edge.shop import Campaign, CouponKind, RiskClass, Shop
from edge.store import coupon_rows, coupons, ledger
from edge.store.coupon_rows import CouponRow, HoldRow
from edge.store.ledger import Account
from edge.store.tx import Outcome, Rows, Tx

MEMBER = "member-"
"""A holder of this kind is a person the till may know; a wallet is only a browser, and its coupons go to the bearer."""


def reserve(event: ev.ReserveAsked, tx: Tx) -> Outcome:
    known = coupon_rows.hold(tx.db, event.key)
    if known is not None:
        return Outcome(reply=_heard(event, known))
    answer = _decide(event, tx)
    until_ms = answer.until_ms if isinstance(answer, Reserved) else 0
    coupon_rows.add_hold(
        tx.db,
        HoldRow(
            key=event.key,
            serial=event.serial,
            till=event.till,
            state="held" if isinstance(answer, Reserved) else "refused",
            boot_id=event.at.boot_id,
            until_ms=until_ms,
            until_monotonic_ms=event.at.monotonic_ms + tx.shop.reserve_s * 1000,
            held_fen=event.value_fen if isinstance(answer, Reserved) else 0,
            answer=pack(answer),
            closing=None,
            asked=_asked(event),
        ),
    )
    if isinstance(answer, Refused):
        campaign = _campaign_of(tx.db, event.serial) or event.campaign
        coupons.tell_refused(tx, event, campaign=campaign, refused=answer, station=event.till)
    return Outcome(reply=answer)


def _heard(event: ev.ReserveAsked, known: HoldRow) -> AnyAnswer:
    """The answer of before, to the question of before. After a release nothing is held, so that is no yes any more."""
    same = (known.serial, known.till, known.asked or _asked(event)) == (event.serial, event.till, _asked(event))
    if not same:
        return Refused(why=Why.KEY_REUSED)
    closing = unpack(known.closing) if known.closing is not None else None
    return Refused(why=Why.RELEASED, at_ms=closing.at_ms) if isinstance(closing, Released) else unpack(known.answer)


def _asked(event: ev.ReserveAsked) -> str:
    return f"{event.value_fen} {event.holder}"


def _decide(event: ev.ReserveAsked, tx: Tx) -> AnyAnswer:
    row = coupon_rows.coupon(tx.db, event.serial)
    if row is None:
        if event.issued_here:
            return Refused(why=Why.UNKNOWN)
        row = foreign(event.serial, event.campaign, from_ms=event.from_ms, to_ms=event.to_ms)
    elif row.state is CouponState.HELD and row.hold_key is not None:
        row = _lapse_if_due(event, tx.db, row)
    campaign = tx.shop.campaigns.get(row.campaign)
    refused = why_not(tx.db, tx.shop, row, event.at) or _not_for_this_till(event, tx.db, row, campaign)
    if refused is not None or campaign is None:
        return refused or Refused(why=Why.CAMPAIGN_OVER)
    if row.n == 0:
        _remember_foreign(event, tx.db, row)
    if _is_budgeted(row, campaign) and event.value_fen:
        tx.db.execute("UPDATE coupon_grant SET fen_left = fen_left - ? WHERE id = ?", (event.value_fen, row.grant_id))
    coupon_rows.set_state(tx.db, event.serial, CouponState.HELD, hold_key=event.key)
    return Reserved(
        key=event.key,
        serial=event.serial,
        campaign=CampaignId(row.campaign),
        until_ms=event.at.at_ms + tx.shop.reserve_s * 1000,
        terms=Terms.of(campaign),
    )


def why_not(db: Rows, shop: Shop, row: CouponRow, now: Stamp) -> Refused | None:
    """Why any till would refuse this coupon now; None: none would. A page shows it before the shopper stands there."""
    ended = _ended(db, row, now)
    if ended is not None:
        return ended
    campaign = shop.campaigns.get(row.campaign)
    if not row.here and (campaign is None or campaign.risk is RiskClass.HOME):
        return Refused(why=Why.WRONG_STORE)
    if now.at_ms > row.to_ms:  # an unset clock still never runs backwards: what it calls past is past
        return Refused(why=Why.EXPIRED, at_ms=row.to_ms)
    if campaign is None or now.at_ms > campaign.ends_ms:
        return Refused(why=Why.CAMPAIGN_OVER, at_ms=campaign.ends_ms if campaign else None)
    if campaign.risk is RiskClass.ONLINE:
        return Refused(why=Why.ONLINE_ONLY)
    return _unsure(shop, row, now)


def _ended(db: Rows, row: CouponRow, now: Stamp) -> Refused | None:
    match row.state:
        case CouponState.REDEEMED:
            return Refused(why=Why.USED, at_ms=row.ended_ms, place=row.ended_at)
        case CouponState.VOIDED:
            return Refused(why=Why.VOIDED, at_ms=row.ended_ms)
        case CouponState.EXPIRED:
            return Refused(why=Why.EXPIRED, at_ms=row.to_ms)
        case CouponState.OUTSTANDING | CouponState.HELD:
            pass
    withdrawn_ms = coupon_rows.void_order(db, row)
    if withdrawn_ms is not None and row.n:
        return Refused(why=Why.VOIDED, at_ms=withdrawn_ms)
    held = coupon_rows.hold(db, row.hold_key) if row.hold_key else None
    if held is not None and held.state == "held" and not held.lapsed(now):
        return Refused(why=Why.RESERVED_ELSEWHERE, at_ms=held.until_ms, place=held.till)
    return None


def _unsure(shop: Shop, row: CouponRow, now: Stamp) -> Refused | None:
    """What an unset clock calls future may be past."""
    unsure = now.state is ClockState.UNSET
    if now.at_ms < row.from_ms:
        return Refused(why=Why.CLOCK_UNSURE) if unsure else Refused(why=Why.NOT_YET, at_ms=row.from_ms)
    return Refused(why=Why.CLOCK_UNSURE) if unsure and shop.unset_clock == "refuse" else None


def _not_for_this_till(event: ev.ReserveAsked, db: Rows, row: CouponRow, campaign: Campaign | None) -> Refused | None:
    if event.holder and row.holder.startswith(MEMBER) and row.holder != event.holder:
        return Refused(why=Why.WRONG_MEMBER)
    if campaign is None:
        return None
    if campaign.kind is CouponKind.CASH and event.value_fen > campaign.value:
        return Refused(why=Why.VALUE_TOO_HIGH)
    if not row.here:
        return _over_offline_budget(event, db, campaign)
    if _is_budgeted(row, campaign) and event.value_fen > _fen_left(db, row, default=event.value_fen):
        return Refused(why=Why.BUDGET_SPENT)
    return None


def _over_offline_budget(event: ev.ReserveAsked | ev.CommitAsked, db: Rows, campaign: Campaign) -> Refused | None:
    """The worst loss by coupons that two shops take while neither hears of the other is this budget."""
    name = campaign.id
    units = ledger.balance(db, name, Account.HONOURED)
    fen = ledger.spent_fen(db, name, Account.HONOURED)
    (held_units, held_fen) = db.execute(
        "SELECT count(*), coalesce(sum(h.held_fen), 0) FROM coupon_hold h JOIN coupon c ON c.hold_key = h.key"
        " WHERE h.state = 'held' AND h.key <> ? AND c.campaign = ? AND c.here = 0",
        (event.key, name),
    ).fetchone()
    over_units = units + held_units + 1 > campaign.budget_units
    over_fen = campaign.budget_fen and fen + held_fen + event.value_fen > campaign.budget_fen
    return Refused(why=Why.BUDGET_SPENT) if over_units or over_fen else None


def _is_budgeted(row: CouponRow, campaign: Campaign) -> bool:
    """Whether what it takes off counts against its grant's cap only now: a cash coupon's value did at the issue."""
    return row.here and campaign.kind is not CouponKind.CASH


def _fen_left(db: Rows, row: CouponRow, *, default: int) -> int:
    found = db.execute("SELECT fen_left FROM coupon_grant WHERE id = ?", (row.grant_id,)).fetchone()
    return default if found is None or found[0] is None else int(found[0])


def foreign(serial: Serial, campaign: str, *, from_ms: int, to_ms: int) -> CouponRow:
    """Another shop's coupon as its token tells it; `n` 0: not in our rows yet."""
    return CouponRow(
        n=0,
        serial=serial,
        campaign=campaign,
        holder="",
        state=CouponState.OUTSTANDING,
        here=False,
        grant_id="",
        from_ms=from_ms,
        to_ms=to_ms,
        at_ms=from_ms,
        ended_ms=None,
        ended_at="",
        hold_key=None,
    )


def _remember_foreign(event: ev.ReserveAsked, db: Rows, row: CouponRow) -> None:
    coupon_rows.add_coupon(
        db,
        serial=row.serial,
        campaign=row.campaign,
        holder="",
        here=False,
        grant_id="",
        request_key=None,
        from_ms=row.from_ms,
        to_ms=row.to_ms,
        at_ms=event.at.at_ms,
    )


def _lapse_if_due(event: ev.ReserveAsked, db: Rows, row: CouponRow) -> CouponRow:
    held = coupon_rows.hold(db, row.hold_key or "")
    if held is not None and not held.lapsed(event.at):
        return row
    lapse(db, row)
    return row._replace(state=CouponState.OUTSTANDING, hold_key=None)


def lapse(db: Rows, row: CouponRow) -> None:
    coupons.let_go(db, row.hold_key or "", "lapsed")
    coupon_rows.set_state(db, row.serial, CouponState.OUTSTANDING)


def commit(event: ev.CommitAsked, tx: Tx) -> Outcome:
    held = coupon_rows.hold(tx.db, event.key)
    if held is None or held.till != event.till:
        return Outcome(reply=Refused(why=Why.RESERVATION_UNKNOWN))
    if held.state == "refused":
        return Outcome(reply=unpack(held.answer))
    if held.closing is not None:
        return Outcome(reply=_again(event, unpack(held.closing)))
    answer = _redeem(event, tx, held)
    if isinstance(answer, Refused):
        coupons.tell_refused(tx, event, campaign=_campaign_of(tx.db, held.serial), refused=answer, station=event.till)
    return Outcome(reply=answer)


def _again(event: ev.CommitAsked, closing: AnyAnswer) -> AnyAnswer:
    if isinstance(closing, Released):
        return Refused(why=Why.RELEASED, at_ms=closing.at_ms)
    if isinstance(closing, Redeemed) and closing.value_fen != event.value_fen:
        return Refused(why=Why.KEY_REUSED)
    return closing


def _redeem(event: ev.CommitAsked, tx: Tx, held: HoldRow) -> AnyAnswer:
    row = coupon_rows.coupon(tx.db, held.serial)
    if row is None:
        return Refused(why=Why.UNKNOWN)
    campaign = tx.shop.campaigns.get(row.campaign)
    refused = _not_committed(event, tx.db, held, row, campaign)
    if refused is not None:
        return refused
    coupons.let_go(tx.db, held.key, "lapsed")  # the money it held goes back first: the true sum is taken below
    if campaign is not None and _is_budgeted(row, campaign) and event.value_fen:
        tx.db.execute("UPDATE coupon_grant SET fen_left = fen_left - ? WHERE id = ?", (event.value_fen, row.grant_id))
    if campaign is not None and not row.here:
        at_ms = event.at.at_ms
        coupons.fund(tx.db, row.campaign, target=Account.ELSEWHERE, wanted=campaign.budget_units, at_ms=at_ms)
    return _post(event, tx, row)


def _post(event: ev.CommitAsked, tx: Tx, row: CouponRow) -> Redeemed:
    entry = ledger.post(
        tx.db,
        at_ms=event.at.at_ms,
        campaign=row.campaign,
        source=Account.OUTSTANDING if row.here else Account.ELSEWHERE,
        target=Account.REDEEMED if row.here else Account.HONOURED,
        serial=row.serial,
        value_fen=event.value_fen,
        ref=event.key,
    )
    answer = Redeemed(
        key=event.key,
        serial=row.serial,
        campaign=CampaignId(row.campaign),
        at_ms=event.at.at_ms,
        value_fen=event.value_fen,
    )
    coupon_rows.end_coupon(tx.db, row.serial, CouponState.REDEEMED, at_ms=event.at.at_ms, ended_at=event.till)
    coupon_rows.close_hold(tx.db, event.key, "committed", pack(answer))
    tx.tell(
        tm.CouponRedeemed(
            campaign=row.campaign,
            serial=row.serial,
            till=event.till,
            value_fen=event.value_fen,
            issued_here=row.here,
            ledger_n=entry.n,
            ledger_hash=entry.hash,
        ),
        at=event.at,
        subject=row.serial,
    )
    return answer


def _not_committed(
    event: ev.CommitAsked, db: Rows, held: HoldRow, row: CouponRow, campaign: Campaign | None
) -> Refused | None:
    """A late commit is taken when nobody took the coupon meanwhile: the shopper has paid the lower sum already."""
    ended = _ended(db, row._replace(hold_key=None) if row.hold_key == held.key else row, event.at)
    if ended is not None:
        return ended
    if campaign is None:
        return None  # the campaign was removed while the till worked: the hold was given, so it stands
    if campaign.kind is CouponKind.CASH and event.value_fen > campaign.value:
        return Refused(why=Why.VALUE_TOO_HIGH)
    if not row.here:
        return _over_offline_budget(event, db, campaign)
    back = held.held_fen if held.state == "held" else 0
    if _is_budgeted(row, campaign) and event.value_fen > _fen_left(db, row, default=event.value_fen) + back:
        return Refused(why=Why.BUDGET_SPENT)
    return None


def release(event: ev.ReleaseAsked, tx: Tx) -> Outcome:
    held = coupon_rows.hold(tx.db, event.key)
    if held is None or held.till != event.till:
        return Outcome(reply=Refused(why=Why.RESERVATION_UNKNOWN))
    if held.closing is not None:
        closing = unpack(held.closing)
        if isinstance(closing, Redeemed):
            return Outcome(reply=Refused(why=Why.USED, at_ms=closing.at_ms, place=event.till))
        return Outcome(reply=closing)
    answer = Released(key=event.key, at_ms=event.at.at_ms)
    if held.state == "held":
        coupons.let_go(tx.db, event.key, "released", pack(answer))
        row = coupon_rows.coupon(tx.db, held.serial)
        if row is not None and row.hold_key == event.key:
            coupon_rows.set_state(tx.db, held.serial, CouponState.OUTSTANDING)
    elif held.state == "lapsed":
        coupon_rows.close_hold(tx.db, event.key, "released", pack(answer))
    return Outcome(reply=answer)


def _campaign_of(db: Rows, serial: str) -> str:
    row = coupon_rows.coupon(db, serial)
    return row.campaign if row is not None else ""
