"""What a rule gets beside the event, and what it gives back."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from edge.clock import Stamp
from edge.effects import Effect
from edge.shop import Shop
from edge.telemetry import Telemetry


class Rows(Protocol):
    """The part of sqlite3.Connection that rules use."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any: ...


class Tx(Protocol):
    """One event's savepoint inside the journal's transaction."""

    @property
    def db(self) -> Rows: ...

    @property
    def shop(self) -> Shop: ...

    def tell(self, news: Telemetry, *, at: Stamp, subject: str = "") -> int:
        """Puts news for the cloud beside the rows; returns its sequence number.

        Raises JournalRefusedError(outbox_full) when there is no room for a kind that is never evicted.
        """


class Outcome(NamedTuple):
    """A reply for the caller (any frozen struct, or None) and the deeds to do after the commit."""

    reply: object = None
    effects: tuple[Effect, ...] = ()


DONE = Outcome()
