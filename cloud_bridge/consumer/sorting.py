"""Messages → what to store. Pure: a message counts whole or not at all."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from cloud_bridge.endpoint import Incoming
from cloud_bridge.payloads import Birth, Event, PayloadError, decode, place_of
from cloud_bridge.topics import SESSION, Gateway, Lane, parse
from edge.checked import UnreadableError, decoded
from edge.telemetry import RecordsLost

log = logging.getLogger(__name__)
MAX_DEAD_BYTES = 65_536
"""Of a message that can't be used, kept for a person."""
LOSSES = f"storegate.{RecordsLost.TYPE}"


class Stored(NamedTuple):
    """A row of `event`; the first three are its key."""

    source: str
    epoch: str
    seq: int
    type: str
    subject: str
    time: str
    clockstate: str
    bootid: str
    monotonicms: str
    data: str


class Loss(NamedTuple):
    source: str
    epoch: str
    first: int
    last: int
    kept: str
    reason: str


class Told(NamedTuple):
    """A birth, or the end of it."""

    source: str
    birth: Birth


class Dead(NamedTuple):
    """A message that can't be used."""

    topic: str
    problem: str
    payload: bytes


class Batch(NamedTuple):
    events: list[Stored]
    losses: list[Loss]
    births: list[Told]
    dead: list[Dead]


def sort_out(messages: Sequence[Incoming]) -> Batch:
    batch = Batch([], [], [], [])
    for message in messages:
        try:
            _add(message, batch)
        except PayloadError as error:
            batch.dead.append(_dead(message, str(error)))
        except Exception as error:  # a bug of ours: one message must not stop the reader at every start
            log.exception("a message could not be read")
            batch.dead.append(_dead(message, f"a fault of the reader: {type(error).__name__}"))
    batch.events.sort()
    return batch


def _dead(message: Incoming, problem: str) -> Dead:
    return Dead(message.topic, problem.replace("\0", "?"), message.payload[:MAX_DEAD_BYTES])


def _add(message: Incoming, batch: Batch) -> None:
    parts = parse(message.topic)
    if parts is None:
        raise PayloadError("not a topic of a gateway")
    if parts.lane in {Lane.EVENTS, Lane.BACKLOG}:
        rows = [(event, _row(event, parts.gateway)) for event in decode(message.payload, encoding=message.encoding)]
        losses = [loss for event, row in rows if event.type == LOSSES for loss in _losses(event, row)]
        batch.events.extend(row for _, row in rows)
        batch.losses.extend(losses)
    elif parts.lane is Lane.STATE and parts.kind == SESSION and message.payload:
        try:
            birth = decoded(message.payload, Birth)
        except UnreadableError as error:
            raise PayloadError(f"not a birth: {error}") from error
        _storable(birth.epoch, birth.version)
        batch.births.append(Told(parts.gateway.source, birth))


def _row(event: Event, gateway: Gateway) -> Stored:
    if event.source != gateway.source:
        raise PayloadError(f"source {event.source[:100]!r} does not fit its topic")
    epoch, seq = place_of(event)
    subject = event.subject if isinstance(event.subject, str) else ""
    _storable(epoch, event.type, subject, event.time, event.clockstate, event.bootid, event.monotonicms)
    stamp = (event.time, event.clockstate, event.bootid, event.monotonicms)
    try:
        data = bytes(event.data).decode()
    except UnicodeDecodeError as error:
        raise PayloadError(f"data is not UTF-8: {error}") from error
    return Stored(event.source, epoch, seq, event.type, subject, *stamp, data)


def _losses(event: Event, row: Stored) -> list[Loss]:
    try:
        lost = decoded(bytes(event.data), RecordsLost)
    except UnreadableError as error:
        raise PayloadError(f"not a loss record: {error}") from error
    if any(not 0 < span.first <= span.last < row.seq for span in lost.ranges):
        raise PayloadError("a loss record names numbers that are not before its own")
    _storable(lost.reason)
    return [Loss(row.source, row.epoch, span.first, span.last, lost.kept, lost.reason) for span in lost.ranges]


def _storable(*texts: str) -> None:
    """PostgreSQL's text has no NUL."""
    if any("\0" in text for text in texts):
        raise PayloadError("a NUL character in a text")
