"""Who is let onto the guest Wi-Fi, for how long and how much; when they are out again. Pure rules over rows.

A session ends once, for one reason: its time, silence, its bytes, its guest, the shop, the guest's other devices. It
runs on the monotonic clock (see `access_rows`), and never past the hour at which the portal closes. Whoever is known
by another MAC, or by another way, is the same shopper: the oldest of too many devices is out, the newest is in.
A guest whose news can't be told (the line is cut for weeks) is let in all the same: see `edge.telemetry.access`.
"""

from __future__ import annotations

from edge.store import access_ended, access_rows, access_visits, vouchers
from edge.store.access_in import MAX_PASSES, PASSES_AN_HOUR, proven
from edge.store.access_out import EARLY_MS, counted, gone, voided
from edge.store.access_rows import members, standing, standings
from edge.store.access_time import PER_TICK, clock_set, passed, started

__all__ = [
    "EARLY_MS",
    "MAX_PASSES",
    "PASSES_AN_HOUR",
    "PER_TICK",
    "SCHEMA",
    "clock_set",
    "counted",
    "gone",
    "members",
    "passed",
    "proven",
    "standing",
    "standings",
    "started",
    "voided",
]

SCHEMA = access_rows.SCHEMA + access_ended.SCHEMA + access_visits.SCHEMA + vouchers.SCHEMA
