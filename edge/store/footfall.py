"""Counts of one interval → occupancy of the zone, told to the cloud. Placeholder until the rule is written below."""

from __future__ import annotations

from edge import events as ev
from edge.store.tx import DONE, Outcome, Tx

SCHEMA = ""


def counted(event: ev.FootfallCounted, tx: Tx) -> Outcome:
    return DONE
