"""What every payload is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Kept(StrEnum):
    """What may happen to a row that waits while the outbox is full."""

    LEDGER = "ledger"
    """Never evicted: the event behind it is refused instead."""
    COUNT = "count"
    """Folded into hours: sums stay exact."""
    DIAGNOSTIC = "diagnostic"
    """Goes first, and is recorded as lost."""


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """`data` of a CloudEvent. `TYPE` without the `storegate.` in front."""

    TYPE: ClassVar[str]
    KEPT: ClassVar[Kept] = Kept.LEDGER
