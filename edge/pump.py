"""Where facts come in: journal first, then deeds. An effect is done after the commit, and never before it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from edge.board import Board, Problem, State
from edge.effects import Effect
from edge.events import DeviceFound, DeviceLost, Event, ShakeRefused
from edge.journal import Journal
from edge.shake_answers import Shaken, ShakeRefusal

E = TypeVar("E", bound=Effect)
Sink = Callable[[Any], Awaitable[None]]


class Pump:
    """Submits events and hands their effects to the sinks that asked for the type."""

    def __init__(self, journal: Journal, board: Board) -> None:
        self._journal = journal
        self._board = board
        self._sinks: dict[type[Effect], list[Sink]] = {}

    def on(self, kind: type[E], sink: Callable[[E], Awaitable[None]]) -> None:
        """`sink` gets every effect of a type, in the order of `on`. It should only wake or send: callers wait.

        All effects of an event are begun before any is waited for: a sink that is no coroutine but gives a task, made
        when it is called, gets its effects in the order of the commits.
        """
        self._sinks.setdefault(kind, []).append(sink)

    async def submit(self, event: Event) -> object:
        """The store's reply, once the event is on the disk. Raises JournalRefusedError when it is not.

        A sink that fails is told on the board; the event stays done: effects are reconciled, not trusted.
        """
        self._note(event)
        outcome = await self._journal.submit(event)
        self._count(event, outcome.reply)
        begun = [(effect, sink(effect)) for effect in outcome.effects for sink in self._sinks.get(type(effect), ())]
        try:
            for effect, doing in begun:
                try:
                    await (asyncio.shield(doing) if isinstance(doing, asyncio.Future) else doing)
                except Exception as error:  # noqa: BLE001 - whatever a sink does wrong, the caller's event is on disk
                    self._tell(event, effect, error)
        finally:
            for _, doing in begun:
                if isinstance(doing, Coroutine):  # not begun: the caller was cancelled meanwhile
                    doing.close()
        return outcome.reply

    def _note(self, event: Event) -> None:
        device_id = getattr(event, "device", None)
        if not isinstance(device_id, str):
            return
        device = self._board.device(device_id, getattr(event, "kind", "") or getattr(event, "transport", ""))
        match event:
            case DeviceLost():
                device.state, device.problem = State.WAITING, event.problem
            case DeviceFound():
                device.kind, device.state, device.problem, device.seen = event.kind, State.UP, "", event.at
            case _:
                device.state, device.problem, device.seen = State.UP, "", event.at

    def _count(self, event: Event, reply: object) -> None:
        match reply:
            case Shaken():
                self._board.shakes[reply.outcome.value] += 1
            case ShakeRefusal():
                self._board.shakes[f"refused {reply.why.value}"] += 1
            case _ if isinstance(event, ShakeRefused):
                self._board.shakes[f"refused {event.why}"] += 1

    def _tell(self, event: Event, effect: Effect, error: Exception) -> None:
        name, text = type(effect).__name__, str(error) or type(error).__name__
        fields = {"problem": text}
        self._board.tell(Problem(at=event.at, where=f"effect {name}", text=text, code=f"effect_{name}", fields=fields))
