"""Sets of sequence numbers as few spans, with how many rows of one kind are in each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """Sequence numbers, both ends included; `rows` of them are meant, the others are accounted for elsewhere."""

    first: int
    last: int
    rows: int


Spans = tuple[Span, ...]
"""Ascending, and no two of them touch."""


def of(seqs: Iterable[int]) -> Spans:
    """Single numbers, in any order, each at most once."""
    return merged(Span(seq, seq, 1) for seq in seqs)


def merged(spans: Iterable[Span]) -> Spans:
    """One set out of many; spans that touch become one, and their rows add up."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.first <= found[-1].last + 1:
            before = found[-1]
            found[-1] = Span(before.first, max(before.last, span.last), before.rows + span.rows)
        else:
            found.append(span)
    return tuple(found)


def bridged(spans: Spans, gone: Spans) -> Spans:
    """Joins neighbours whose whole gap lies in one span of `gone`: fewer spans for the same lost numbers."""
    found: list[Span] = []
    at = 0
    for span in spans:
        if found:
            before = found[-1]
            while at < len(gone) and gone[at].last < span.first - 1:
                at += 1
            if at < len(gone) and gone[at].first <= before.last + 1:
                found[-1] = Span(before.first, span.last, before.rows + span.rows)
                continue
        found.append(span)
    return tuple(found)


def holds(spans: Spans, seq: int) -> bool:
    """Whether a number is in the set. Linear: for sets of a few spans."""
    return any(span.first <= seq <= span.last for span in spans)


def chunks(spans: Spans, size: int) -> Iterator[Sequence[Span]]:
    for start in range(0, len(spans), size):
        yield spans[start : start + size]
