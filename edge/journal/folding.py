"""Footfall counts that wait too long → one row an hour. Sums stay exact; only their time gets coarser. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from edge.clock import Stamp
from edge.telemetry import FootfallCounted

HOUR_MS = 3_600_000


class Counted(NamedTuple):
    """One waiting row."""

    seq: int
    at: Stamp
    subject: str
    news: FootfallCounted


class Hour(NamedTuple):
    """What replaces `seqs`; its time is the end of the newest of them."""

    seqs: tuple[int, ...]
    at: Stamp
    subject: str
    news: FootfallCounted


def hours(rows: Iterable[Counted]) -> list[Hour]:
    """Rows of one zone, device, source and hour become one; an hour with a single row is left alone."""
    groups: dict[tuple[str, str, str, int], list[Counted]] = {}
    for row in rows:
        news = row.news
        # an interval that ends on the hour belongs to the hour before
        key = (news.zone, news.device, news.source, (row.at.at_ms - 1) // HOUR_MS)
        groups.setdefault(key, []).append(row)
    return [_hour(group) for group in groups.values() if len(group) > 1]


def _hour(group: list[Counted]) -> Hour:
    newest = max(group, key=lambda row: (row.at.at_ms, row.seq))
    interval_s = sum(row.news.interval_s for row in group)
    covered_s = sum(row.news.interval_s * row.news.coverage for row in group)
    news = msgspec.structs.replace(
        newest.news,
        interval_s=interval_s,
        entered=sum(row.news.entered for row in group),
        exited=sum(row.news.exited for row in group),
        coverage=min(1.0, covered_s / interval_s) if interval_s else 0.0,
    )
    return Hour(tuple(row.seq for row in group), newest.at, newest.subject, news)
