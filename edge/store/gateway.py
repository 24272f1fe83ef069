"""News of the gateway itself: told to the cloud as they are, and commands remembered by their id."""

from __future__ import annotations

from edge import events as ev
from edge import telemetry as tm
from edge.effects import ReloadKiosk
from edge.store.tx import DONE, Outcome, Rows, Tx

SCHEMA = """
CREATE TABLE command (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, answer BLOB NOT NULL, at_ms INTEGER NOT NULL
) WITHOUT ROWID;
"""
KEEP_COMMANDS = 10_000
"""Answers kept for repeats; a cloud that repeats a command after 10,000 others is told it anew."""


def told(event: ev.Event, tx: Tx) -> Outcome:
    """Facts that need no rule."""
    match event:
        case ev.CommandDone():
            return _command(event, tx)
        case ev.DocumentsChanged() | ev.CatalogueChanged():
            _tell(event, tx)
            return Outcome(effects=(ReloadKiosk(),))
        case ev.TimePassed():
            return DONE
        case _:
            _tell(event, tx)
            return DONE


def answer_of(db: Rows, command_id: str) -> bytes | None:
    """The answer a command got before, or None."""
    row = db.execute("SELECT answer FROM command WHERE id = ?", (command_id,)).fetchone()
    return None if row is None else bytes(row[0])


def _command(event: ev.CommandDone, tx: Tx) -> Outcome:
    known = answer_of(tx.db, event.command_id)
    if known is not None:
        return Outcome(reply=known)
    tx.db.execute(
        "INSERT INTO command VALUES (?, ?, ?, ?)", (event.command_id, event.name, event.answer, event.at.at_ms)
    )
    tx.db.execute(
        "DELETE FROM command WHERE id IN (SELECT id FROM command ORDER BY at_ms DESC LIMIT -1 OFFSET ?)",
        (KEEP_COMMANDS,),
    )
    tx.tell(tm.CommandDone(command_id=event.command_id, name=event.name, ok=event.ok), at=event.at)
    return Outcome(reply=event.answer)


def _tell(event: ev.Event, tx: Tx) -> None:
    match event:
        case ev.GatewayStarted():
            news: tm.Telemetry = tm.GatewayStarted(version=event.version)
        case ev.ClockAdjusted():
            news = tm.ClockAdjusted(delta_ms=event.delta_ms)
        case ev.ServiceFailed():
            news = tm.ServiceFailed(service=event.service, problem=event.problem, retry_in_s=event.retry_in_s)
        case ev.DeviceFound():
            news = tm.DeviceFound(device=event.device, kind=event.kind)
        case ev.DeviceLost():
            news = tm.DeviceLost(device=event.device, kind=event.kind, problem=event.problem)
        case ev.DocumentsChanged():
            news = tm.DocumentsChanged(kind=event.kind, count=event.count, sha256=event.sha256, by=event.by)
        case ev.CatalogueChanged():
            news = tm.CatalogueChanged(
                products=event.products, sha256=event.sha256, priced_at_ms=event.priced_at_ms, by=event.by
            )
        case ev.RowsUnsendable():
            ranges = [tm.Range(first, last) for first, last in event.ranges]
            count = sum(last - first + 1 for first, last in event.ranges)
            news = tm.RecordsLost(kept=tm.Kept(event.kept), reason="too_big", count=count, ranges=ranges)
        case _:
            raise TypeError(f"no rule for {type(event).__name__}")
    tx.tell(news, at=event.at)
