"""Reads the whole book again and holds every rule against it: `storegate ledger verify`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import msgspec

from edge.store.ledger import ENDS, GENESIS, Account, Entry, Head, link
from edge.store.tx import Rows

MAX_FAULTS = 50


class CampaignSums(msgspec.Struct, frozen=True, kw_only=True):
    """Units in each account, by the entries; money that left through it."""

    campaign: str
    units: dict[str, int]
    value_fen: dict[str, int]


class LedgerReport(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool
    entries: int
    head: Head
    campaigns: tuple[CampaignSums, ...]
    faults: tuple[str, ...]
    """What is wrong, at most 50 lines."""


class _Book:
    """Sums and lives of serials while the entries go by."""

    def __init__(self) -> None:
        self.units: defaultdict[tuple[str, Account], int] = defaultdict(int)
        self.value_fen: defaultdict[tuple[str, Account], int] = defaultdict(int)
        self.issued: dict[str, str] = {}
        self.ended: dict[str, Account] = {}

    def enter(self, entry: Entry) -> Iterator[str]:
        self.units[entry.campaign, entry.source] -= entry.units
        self.units[entry.campaign, entry.target] += entry.units
        self.value_fen[entry.campaign, entry.target] += entry.value_fen
        if entry.source is not Account.STOCK and self.units[entry.campaign, entry.source] < 0:
            yield f"entry {entry.n}: {entry.source} of {entry.campaign} goes below zero"
        if entry.target is Account.OUTSTANDING:
            yield from self._issue(entry)
        elif entry.target in ENDS:
            yield from self._end(entry)

    def _issue(self, entry: Entry) -> Iterator[str]:
        if entry.serial is None or entry.serial in self.issued:
            yield f"entry {entry.n}: serial {entry.serial} is issued twice"
        elif entry.units != 1:
            yield f"entry {entry.n}: one serial is {entry.units} units"
        else:
            self.issued[entry.serial] = entry.campaign

    def _end(self, entry: Entry) -> Iterator[str]:
        if entry.serial is None:
            yield f"entry {entry.n}: {entry.target} without a serial"
            return
        if entry.serial in self.ended:
            yield f"entry {entry.n}: serial {entry.serial} was {self.ended[entry.serial]} already"
        if entry.source is Account.OUTSTANDING and self.issued.get(entry.serial) != entry.campaign:
            yield f"entry {entry.n}: serial {entry.serial} was never issued by {entry.campaign}"
        self.ended[entry.serial] = entry.target


def verify(db: Rows) -> LedgerReport:
    """Every entry from the first. Memory: one word a serial; 100,000 entries take about a second."""
    book, faults = _Book(), list[str]()
    before, n = GENESIS, 0
    for row in db.execute(
        "SELECT n, at_ms, campaign, serial, source, target, units, value_fen, ref, hash FROM ledger ORDER BY n"
    ):
        entry = msgspec.convert(list(row[:9]), Entry)
        if entry.n != n + 1:
            faults.append(f"entry {n + 1} is missing")
        n = entry.n
        if link(before, entry) != bytes(row[9]):
            faults.append(f"entry {n}: the hash does not fit: it, or one before it, was changed")
        before = bytes(row[9])
        faults.extend(book.enter(entry))
    faults += _against_accounts(db, book)
    faults += _against_coupons(db, book)
    sums = tuple(_sums(book, name) for name in sorted({campaign for campaign, _ in book.units}))
    faults += [f"the accounts of {each.campaign} do not sum to zero" for each in sums if sum(each.units.values())]
    return LedgerReport(
        ok=not faults,
        entries=n,
        head=Head(n=n, hash=before.hex()),
        campaigns=sums,
        faults=tuple(faults[:MAX_FAULTS]),
    )


def _sums(book: _Book, campaign: str) -> CampaignSums:
    units = {str(account): book.units[campaign, account] for account in Account if (campaign, account) in book.units}
    value = {str(account): book.value_fen[campaign, account] for account in ENDS if book.value_fen[campaign, account]}
    return CampaignSums(campaign=campaign, units=units, value_fen=value)


def _against_accounts(db: Rows, book: _Book) -> Iterator[str]:
    kept = {
        (row[0], Account(row[1])): (row[2], row[3])
        for row in db.execute("SELECT campaign, account, units, value_fen FROM ledger_account")
    }
    for key in sorted(kept.keys() | book.units.keys()):
        by_entries = (book.units.get(key, 0), book.value_fen.get(key, 0))
        if kept.get(key, (0, 0)) != by_entries:
            yield f"account {key[1]} of {key[0]} says {kept.get(key)}, its entries say {by_entries}"


def _against_coupons(db: Rows, book: _Book) -> Iterator[str]:
    """The coupon table is what tills are answered from: it must tell the same story."""
    for serial, state, here in db.execute("SELECT serial, state, here FROM coupon"):
        ended = book.ended.get(serial)
        alive = state in {"outstanding", "held"}
        if here and serial not in book.issued:
            yield f"coupon {serial} has no entry"
        if alive and ended is not None:
            yield f"coupon {serial} is {state}, the ledger says {ended}"
        if not alive and here and str(ended) != state:
            yield f"coupon {serial} is {state}, the ledger says {ended or 'outstanding'}"
