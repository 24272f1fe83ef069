"""What scanners read."""

from __future__ import annotations

from edge.telemetry.base import Telemetry


class CodeScanned(Telemetry, frozen=True, kw_only=True):
    """Something was scanned. Tokens and payment codes are told by kind only."""

    TYPE = "code.scanned.v1"
    device: str
    station: str | None
    transport: str
    kind: str
    gtin: str | None = None
    item: str | None = None
    price_fen: int | None = None
    weight_g: int | None = None
    votes: int = 1
