"""What an order changes: first in a batch for the kernel, then, when the kernel has said yes, in the book.

Marks are the store's own and never used twice while a session is alive, so flows and counters of who stays are kept.
"""

from __future__ import annotations

from devices.access.gate.book import Book, Member, element, mark_key
from devices.access.gate.netlink import Batch, Element
from devices.access.gate.orders import MOST_MEMBERS, Allow, Let, OrderError, Reset, Revoke

Change = Allow | Revoke | Let


class FullError(OrderError):
    """As many members as the kernel's sets are made for."""


def names(order: Change, book: Book) -> set[object]:
    """What it touches: two changes of the same thing can't be in one batch, as the book is written after it."""
    if isinstance(order, Let):
        return set(order.addresses)
    known = book.members.get(order.mac)
    found: set[object] = {order.mac} | ({known.mark} if known else set())
    if isinstance(order, Allow):
        other = book.of_mark(order.mark)
        found |= {order.mark} | ({other.mac} if other else set())
    return found


def put(order: Change, batch: Batch, book: Book, now_s: float) -> None:
    """Raises OrderError; the batch is as it was then."""
    if isinstance(order, Allow):
        _put_allow(order, batch, book, now_s)
    elif isinstance(order, Let):
        for name, version in (("walled4", 4), ("walled6", 6)):
            fresh = [Element(at.packed, b"", _ms(order.for_s)) for at in order.addresses if at.version == version]
            if fresh:
                batch.renew(name, fresh)
    elif order.mac in book.members:
        shut_out(batch, book.members[order.mac])


def write(order: Change, book: Book, now_s: float, idle_s: int) -> None:
    if isinstance(order, Let):
        book.walled |= dict.fromkeys((at.packed for at in order.addresses), now_s + order.for_s)
    elif isinstance(order, Revoke):
        book.take(order.mac)
    else:
        known = book.take(order.mac)
        ended = book.of_mark(order.mark)
        if ended is not None:
            book.take(ended.mac)
        book.put(_member(order, known, now_s, now_s + idle_s))


def put_reset(order: Reset, batch: Batch, book: Book) -> None:
    """Exactly these, and idle time goes on for who stays."""
    gone = [one for one in book.members.values() if not _stays(one, order)]
    new = [one for one in order.members.values() if _known(one, book) is None]
    batch.flush("members")
    batch.drop("idle", [Element(one.mac) for one in gone])
    for name in ("up", "down"):
        batch.drop(name, [Element(mark_key(one.mark)) for one in gone])
    batch.add("members", [element(one.mac, one.mark, one.end_s) for one in order.members.values()])
    batch.add("idle", [Element(one.mac) for one in new])
    for name in ("up", "down"):
        batch.add(name, [Element(mark_key(one.mark)) for one in new])


def write_reset(order: Reset, book: Book, now_s: float, idle_s: int) -> None:
    fresh = []
    for one in order.members.values():
        known = _known(one, book)
        fresh.append(_member(one, known, now_s, known.idle_end_s if known else now_s + idle_s))
    book.clear()
    for member in fresh:
        book.put(member)


def take_out(batch: Batch, one: Member) -> None:
    """Nothing of this session is left; its running downloads stop."""
    shut_out(batch, one)
    drop_counters(batch, one)


def shut_out(batch: Batch, one: Member) -> None:
    """Nothing of it passes any more; what did can still be read."""
    batch.drop("members", [element(one.mac, one.mark)])
    batch.drop("idle", [Element(one.mac)])


def drop_counters(batch: Batch, one: Member) -> None:
    batch.over.append(one.mark)
    for name in ("up", "down"):
        batch.drop(name, [Element(mark_key(one.mark))])


def _put_allow(order: Allow, batch: Batch, book: Book, now_s: float) -> None:
    known = book.members.get(order.mac)
    other = book.of_mark(order.mark)
    if other is not None and other.mac != order.mac and other.end_s > now_s:
        raise OrderError("mark: is another guest's")
    if known is None and len(book.members) >= MOST_MEMBERS and book.alive(now_s) >= MOST_MEMBERS:
        raise FullError(f"the gate is full: {MOST_MEMBERS} members")
    for old in {one.mac: one for one in (known, other) if one is not None and one != _known(order, book)}.values():
        take_out(batch, old)
    batch.renew("members", [element(order.mac, order.mark, order.end_s)])
    batch.renew("idle", [Element(order.mac)])
    for name in ("up", "down"):
        batch.add(name, [Element(mark_key(order.mark))])


def _known(order: Allow, book: Book) -> Member | None:
    """The same session, if it is one."""
    known = book.members.get(order.mac)
    return known if known is not None and known.mark == order.mark else None


def _stays(one: Member, order: Reset) -> bool:
    wanted = order.members.get(one.mac)
    return wanted is not None and wanted.mark == one.mark


def _member(order: Allow, known: Member | None, now_s: float, idle_end_s: float) -> Member:
    same = known is not None and known.mark == order.mark
    return Member(
        mac=order.mac,
        mark=order.mark,
        end_s=now_s + order.end_s,
        idle_end_s=idle_end_s,
        up=known.up if known and same else (0, 0),
        down=known.down if known and same else (0, 0),
    )


def _ms(seconds: float) -> int:
    return max(round(seconds * 1000), 1)
