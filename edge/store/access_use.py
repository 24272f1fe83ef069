"""What a shopper used of a day, minutes and bytes: by their name and by their phone's, whichever had more."""

from __future__ import annotations

from edge.access_answers import Way
from edge.clock import Stamp
from edge.shop import Limit, Shop
from edge.store import access_rows as rows
from edge.store import access_visits as visits
from edge.store import vouchers
from edge.store.access_ended import Ended
from edge.store.access_rows import Session
from edge.store.tx import Tx

UNMETERED = frozenset({Way.PASS, Way.STAFF, Way.VOUCHER})
"""Ways in that use up nothing of a day."""


def limit_of(shop: Shop, way: Way) -> Limit:
    portal = shop.portal
    return Limit() if portal is None else portal.limits.get(way, portal.limit)


def used_ms(holder: str, device: str, tx: Tx, at: Stamp) -> int:
    """Devices that are on together use it once."""
    day = visits.day_of(at.at_ms, tx.shop.timezone)
    used = []
    for name, live in _names(holder, device, tx).items():
        running_ms = max((_today_ms(each, tx, at) for each in live), default=0)
        used.append(visits.of_day(tx.db, name, day).used_ms + running_ms)
    return max(used)


def used_bytes(holder: str, device: str, tx: Tx, at: Stamp) -> int:
    day = visits.day_of(at.at_ms, tx.shop.timezone)
    return max(visits.of_day(tx.db, name, day).used_bytes for name in _names(holder, device, tx))


def use_time(row: Session, tx: Tx, at: Stamp, silent_ms: int) -> None:
    """Of a session that ended: what nobody else of them goes on using."""
    day = visits.day_of(at.at_ms, tx.shop.timezone)
    ended_ms = max(0, _today_ms(row, tx, at) - silent_ms)
    for name, live in _names(row.holder, row.device, tx).items():
        still_ms = max((_today_ms(each, tx, at) for each in live), default=0)
        visits.count_day(tx.db, name, day, used_ms=max(0, min(ended_ms, ended_ms + silent_ms - still_ms)))


def use_bytes(row: Session | Ended, more: int, tx: Tx, at: Stamp) -> list[Session]:
    """Counts them; whose bytes are used up by it."""
    if row.voucher:
        return rows.of_voucher(tx.db, row.voucher) if vouchers.use(tx.db, row.voucher, more) else []
    if row.way in UNMETERED:
        return []
    day = visits.day_of(at.at_ms, tx.shop.timezone)
    live = dict[int, Session]()
    for name, theirs in _names(row.holder, row.device, tx).items():
        visits.count_day(tx.db, name, day, used_bytes=more)
        live |= {each.mark: each for each in theirs if each.way not in UNMETERED}
    most = limit_of(tx.shop, row.way).day_megabytes * vouchers.MEGABYTE
    return list(live.values()) if most and used_bytes(row.holder, row.device, tx, at) >= most else []


def _names(holder: str, device: str, tx: Tx) -> dict[str, list[Session]]:
    """A shopper's names of the day, and who is on by each."""
    return {
        holder: rows.of_holder(tx.db, holder),
        visits.DAY_PREFIX + device: rows.of_device(tx.db, device),
    }


def _today_ms(row: Session, tx: Tx, at: Stamp) -> int:
    """How long a session lasts already, of this day."""
    if row.way in UNMETERED:
        return 0
    day = visits.day_of(at.at_ms, tx.shop.timezone)
    return min(row.lasted_ms(at), at.at_ms - visits.start_ms(day, tx.shop.timezone))
