"""The shop's rules over an in-memory journal: given these events, expect these replies, effects and news."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

import msgspec

from edge import store
from edge.clock import Stamp
from edge.events import Event
from edge.journal.file import migrate
from edge.journal.outbox import Outbox
from edge.shop import Shop
from edge.telemetry import Telemetry


class Told(NamedTuple):
    seq: int
    type: str
    payload: Telemetry
    subject: str


class MemoryTx:
    """Obeys `edge.store.Tx` with the true schema and the true outbox. `handle(event)` is one event's transaction."""

    def __init__(self, shop: Shop) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.db)
        self.outbox = Outbox(self.db, last_seq=0, max_bytes=shop.outbox_max_bytes)
        self.shop = shop
        self.told: list[Told] = []

    def tell(self, news: Telemetry, *, at: Stamp, subject: str = "") -> int:
        seq = self.outbox.tell(news, at=at, subject=subject)
        self.told.append(Told(seq, news.TYPE, news, subject))
        return seq

    def handle(self, event: Event) -> store.Outcome:
        """Decides one event. An exception undoes its rows and its news, as in the journal."""
        tally, told = self.outbox.tally(), len(self.told)
        self.db.execute("SAVEPOINT event")
        try:
            outcome = store.handle(event, self)
        except BaseException:
            self.db.execute("ROLLBACK TO event")
            self.outbox.restore(tally)
            del self.told[told:]
            raise
        finally:
            self.db.execute("RELEASE event")
        return outcome

    def news(self, kind: type[Telemetry]) -> list[Telemetry]:
        """What was told of one type, in order."""
        return [told.payload for told in self.told if isinstance(told.payload, kind)]

    def with_shop(self, **changes: object) -> MemoryTx:
        """The same rows under a changed shop."""
        self.shop = msgspec.structs.replace(self.shop, **changes)
        return self

    def close(self) -> None:
        self.db.close()


def memory_tx(shop: Shop | None = None) -> MemoryTx:
    """An empty journal in memory. Given events by `.handle(event)`, expect its outcome and `.told`."""
    return MemoryTx(shop or Shop())
