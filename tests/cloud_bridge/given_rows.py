"""Rows of an outbox, made up."""

from __future__ import annotations

from edge.clock import Stamp
from edge.journal.outbox import Row
from edge.telemetry import Kept
from tests.given import stamp

AT: Stamp = stamp()


def row(seq: int, kind: str = "device.found.v1", *, body: bytes = b'{"device":"d","kind":"k"}') -> Row:
    return Row(seq, kind, "", AT, body, Kept.DIAGNOSTIC)
