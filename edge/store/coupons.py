"""The right to issue, issuing, and withdrawing. Using a coupon is `redeem`; what time does to it is `coupon_time`."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from edge import events as ev
from edge import telemetry as tm
from edge.clock import ClockState
from edge.coupon_answers import AnyAnswer, CouponState, Granted, Issued, Refused, Voided, Why
from edge.ids import CampaignId
from edge.shop import Campaign, CouponKind, RiskClass
from edge.store import coupon_rows, ledger
from edge.store.ledger import Account
from edge.store.tx import Outcome, Rows, Tx

SCHEMA = ledger.SCHEMA + coupon_rows.SCHEMA
FOREIGN = {Account.ELSEWHERE, Account.HONOURED}
"""Accounts of other shops' coupons: no part of this campaign's own stock."""


class _Grant(NamedTuple):
    id: str
    units_left: int
    fen_left: int | None


def granted(event: ev.GrantReceived, tx: Tx) -> Outcome:
    """As the grant says, unallocated → available. A repeat changes nothing."""
    return Outcome(reply=_grant(event, tx))


def _grant(event: ev.GrantReceived, tx: Tx) -> AnyAnswer:
    said = (event.grant_id, event.campaign, event.units, event.value_cap_fen, event.not_after_ms, event.seq)
    known = tx.db.execute(
        "SELECT id, campaign, units, value_cap_fen, not_after_ms, seq FROM coupon_grant"
        " WHERE id = ? OR (campaign = ? AND seq = ?)",
        (event.grant_id, event.campaign, event.seq),
    ).fetchall()
    if known:
        return _granted(event, tx.db) if known == [said] else Refused(why=Why.GRANT_CHANGED)
    campaign = tx.shop.campaigns.get(event.campaign)
    if campaign is None:
        return Refused(why=Why.CAMPAIGN_UNKNOWN)
    if event.not_after_ms < event.at.at_ms:
        return Refused(why=Why.GRANT_EXPIRED, at_ms=event.not_after_ms)
    fund(tx.db, event.campaign, target=Account.UNALLOCATED, wanted=campaign.stock, at_ms=event.at.at_ms)
    if ledger.balance(tx.db, event.campaign, Account.UNALLOCATED) < event.units:
        return Refused(why=Why.GRANT_OVER_STOCK)
    entry = ledger.post(
        tx.db,
        at_ms=event.at.at_ms,
        campaign=event.campaign,
        source=Account.UNALLOCATED,
        target=Account.AVAILABLE,
        units=event.units,
        ref=event.grant_id,
    )
    tx.db.execute(
        "INSERT INTO coupon_grant VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*said, event.at.at_ms, event.units, event.value_cap_fen or None),
    )
    tx.tell(
        tm.GrantReceived(
            grant_id=event.grant_id,
            campaign=event.campaign,
            units=event.units,
            ledger_n=entry.n,
            ledger_hash=entry.hash,
        ),
        at=event.at,
        subject=event.campaign,
    )
    return _granted(event, tx.db)


def _granted(event: ev.GrantReceived, db: Rows) -> Granted:
    available = ledger.balance(db, event.campaign, Account.AVAILABLE)
    return Granted(grant_id=event.grant_id, campaign=event.campaign, units=event.units, available=available)


def fund(db: Rows, campaign: str, *, target: Account, wanted: int, at_ms: int) -> None:
    """Raises what a campaign has on its side of the book to what its document says; never lowers it."""
    side = FOREIGN if target in FOREIGN else set(Account) - FOREIGN - {Account.STOCK}
    missing = wanted - sum(ledger.balance(db, campaign, account) for account in side)
    if missing > 0:
        ledger.post(
            db, at_ms=at_ms, campaign=campaign, source=Account.STOCK, target=target, units=missing, ref="document"
        )


def asked(event: ev.CouponAsked, tx: Tx) -> Outcome:
    """From available to outstanding. A yes is the same for ever for one request key; a no changes nothing."""
    known = coupon_rows.coupon_by_request(tx.db, event.request_key)
    if known is not None:
        if (known.campaign, known.holder) != (event.campaign, event.holder):
            return Outcome(reply=Refused(why=Why.KEY_REUSED))
        return Outcome(reply=_issued(known))
    campaign = tx.shop.campaigns.get(event.campaign)
    refused = _not_issued(event, tx, campaign)
    grant = None
    if campaign is not None and refused is None:
        grant, refused = _grant_for(event, tx.db, campaign)
    if campaign is None or grant is None or refused is not None:
        refused = refused or Refused(why=Why.NONE_LEFT)
        tell_refused(tx, event, campaign=event.campaign, refused=refused, station=event.station)
        return Outcome(reply=refused)
    return Outcome(reply=_issue(event, tx, campaign, grant))


def _not_issued(event: ev.CouponAsked, tx: Tx, campaign: Campaign | None) -> Refused | None:
    if campaign is None:
        return Refused(why=Why.CAMPAIGN_UNKNOWN)
    if event.via in {"wallet", "kiosk"} and not campaign.self_serve:
        return Refused(why=Why.NOT_SELF_SERVE)
    if event.at.at_ms > campaign.ends_ms:
        return Refused(why=Why.CAMPAIGN_OVER, at_ms=campaign.ends_ms)
    if campaign.risk is RiskClass.ONLINE:
        return Refused(why=Why.ONLINE_ONLY)
    if event.at.state is ClockState.UNSET and tx.shop.unset_clock == "refuse":
        return Refused(why=Why.CLOCK_UNSURE)
    return Refused(why=Why.LIMIT_REACHED) if _has_enough(event, tx.db, campaign) else None


def _has_enough(event: ev.CouponAsked, db: Rows, campaign: Campaign) -> bool:
    if not (event.holder and campaign.per_member):
        return False
    (have,) = db.execute(
        "SELECT count(*) FROM coupon WHERE holder = ? AND campaign = ? AND state <> 'voided'",
        (event.holder, event.campaign),
    ).fetchone()
    return bool(have >= campaign.per_member)


def _grant_for(event: ev.CouponAsked, db: Rows, campaign: Campaign) -> tuple[_Grant | None, Refused | None]:
    """The open grant that ends first. A cash coupon takes its full value from the grant's cap when it is issued."""
    rows = db.execute(
        "SELECT id, units_left, fen_left FROM coupon_grant"
        " WHERE campaign = ? AND units_left > 0 AND not_after_ms >= ? ORDER BY not_after_ms, id",
        (event.campaign, event.at.at_ms),
    ).fetchall()
    needs = campaign.value if campaign.kind is CouponKind.CASH else 0
    for row in rows:
        grant = _Grant(*row)
        if grant.fen_left is None or grant.fen_left >= needs:
            return grant, None
    return None, Refused(why=Why.BUDGET_SPENT if rows else Why.NONE_LEFT)


def _issue(event: ev.CouponAsked, tx: Tx, campaign: Campaign, grant: _Grant) -> Issued:
    from_ms = max(event.at.at_ms, campaign.starts_ms)
    to_ms = last_moment_ms(campaign, from_ms=from_ms, timezone=tx.shop.timezone)
    value_fen = campaign.value if campaign.kind is CouponKind.CASH else 0
    tx.db.execute(
        "UPDATE coupon_grant SET units_left = units_left - 1, fen_left = fen_left - ? WHERE id = ?",
        (value_fen, grant.id),
    )
    entry = ledger.post(
        tx.db,
        at_ms=event.at.at_ms,
        campaign=event.campaign,
        source=Account.AVAILABLE,
        target=Account.OUTSTANDING,
        serial=event.serial,
        ref=grant.id,
    )
    coupon_rows.add_coupon(
        tx.db,
        serial=event.serial,
        campaign=event.campaign,
        holder=event.holder,
        here=True,
        grant_id=grant.id,
        request_key=event.request_key,
        from_ms=from_ms,
        to_ms=to_ms,
        at_ms=event.at.at_ms,
    )
    tx.tell(
        tm.CouponIssued(
            campaign=event.campaign,
            serial=event.serial,
            via=event.via,
            station=event.station,
            valid_from_ms=from_ms,
            valid_to_ms=to_ms,
            ledger_n=entry.n,
            ledger_hash=entry.hash,
        ),
        at=event.at,
        subject=event.serial,
    )
    return Issued(serial=event.serial, campaign=event.campaign, from_ms=from_ms, to_ms=to_ms)


def last_moment_ms(campaign: Campaign, *, from_ms: int, timezone: str) -> int:
    """`valid_days` end with a day of the shop, not at the odd minute of the issue; never after the campaign."""
    if not campaign.valid_days:
        return campaign.ends_ms
    zone = ZoneInfo(timezone)
    day = datetime.fromtimestamp(from_ms / 1000, UTC).astimezone(zone).date() + timedelta(days=campaign.valid_days + 1)
    midnight_ms = int(datetime.combine(day, time.min, zone).timestamp() * 1000)
    return min(campaign.ends_ms, midnight_ms - 1)


def _issued(row: coupon_rows.CouponRow) -> Issued:
    return Issued(serial=row.serial, campaign=CampaignId(row.campaign), from_ms=row.from_ms, to_ms=row.to_ms)


def void_asked(event: ev.VoidAsked, tx: Tx) -> Outcome:
    """One serial at once; a whole campaign by an order that refuses at once and is worked off as time passes."""
    if event.serial is None:
        return Outcome(reply=_void_campaign(event, tx))
    row = coupon_rows.coupon(tx.db, event.serial)
    if row is not None and row.campaign != event.campaign:
        return Outcome(reply=Refused(why=Why.UNKNOWN))
    if row is None:  # another shop's: remembered, so that it is refused here
        coupon_rows.add_coupon(
            tx.db,
            serial=event.serial,
            campaign=event.campaign,
            holder="",
            here=False,
            grant_id="",
            request_key=None,
            from_ms=0,
            to_ms=0,
            at_ms=event.at.at_ms,
            state=CouponState.VOIDED,
        )
        coupon_rows.end_coupon(tx.db, event.serial, CouponState.VOIDED, at_ms=event.at.at_ms)
        return Outcome(reply=Voided(campaign=event.campaign, units=0))
    match row.state:
        case CouponState.REDEEMED:
            reply: AnyAnswer = Refused(why=Why.USED, at_ms=row.ended_ms, place=row.ended_at)
        case CouponState.EXPIRED:
            reply = Refused(why=Why.EXPIRED, at_ms=row.ended_ms)
        case CouponState.VOIDED:
            reply = Voided(campaign=event.campaign, units=1)
        case CouponState.OUTSTANDING | CouponState.HELD:
            end(event, tx, row, Account.VOIDED, reason=event.reason)
            reply = Voided(campaign=event.campaign, units=1)
    return Outcome(reply=reply)


def _void_campaign(event: ev.VoidAsked, tx: Tx) -> Voided:
    units, up_to = tx.db.execute(
        "SELECT count(*), coalesce(max(n), 0) FROM coupon WHERE campaign = ? AND state IN ('outstanding', 'held')",
        (event.campaign,),
    ).fetchone()
    if units:
        tx.db.execute(
            "INSERT INTO coupon_void (campaign, up_to, at_ms, reason) VALUES (?, ?, ?, ?)",
            (event.campaign, up_to, event.at.at_ms, event.reason),
        )
    return Voided(campaign=event.campaign, units=units)


def end(event: ev.Event, tx: Tx, row: coupon_rows.CouponRow, how: Account, *, reason: str = "") -> None:
    """From outstanding to expired or voided. A hold on it is closed: its commit will hear why."""
    if row.hold_key is not None:
        let_go(tx.db, row.hold_key, "lapsed")
    state = CouponState(str(how))
    coupon_rows.end_coupon(tx.db, row.serial, state, at_ms=event.at.at_ms)
    if not row.here:  # no unit of ours
        return
    entry = ledger.post(
        tx.db,
        at_ms=event.at.at_ms,
        campaign=row.campaign,
        source=Account.OUTSTANDING,
        target=how,
        serial=row.serial,
        ref=reason,
    )
    tx.tell(
        tm.CouponEnded(
            campaign=row.campaign,
            serial=row.serial,
            how=str(how),
            reason=reason,
            ledger_n=entry.n,
            ledger_hash=entry.hash,
        ),
        at=event.at,
        subject=row.serial,
    )


def let_go(db: Rows, key: str, state: str, closing: bytes | None = None) -> None:
    """Ends a hold and gives the money it held back to its grant. The coupon itself is the caller's."""
    held = coupon_rows.hold(db, key)
    if held is None or held.state != "held":
        return
    coupon_rows.close_hold(db, key, state, closing)
    if held.held_fen:
        db.execute(
            "UPDATE coupon_grant SET fen_left = fen_left + ? WHERE id = (SELECT grant_id FROM coupon WHERE serial = ?)",
            (held.held_fen, held.serial),
        )


def tell_refused(tx: Tx, event: ev.Event, *, campaign: str, refused: Refused, station: str | None) -> None:
    tx.tell(tm.CouponRefused(campaign=campaign, reason=str(refused.why), station=station), at=event.at)
