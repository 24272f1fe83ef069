"""The gate itself: orders in, answers out. Nothing changes in the book before the kernel has said yes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from devices.access.gate import changes, links, orders
from devices.access.gate.book import Book, Counts, Member
from devices.access.gate.changes import Change
from devices.access.gate.keeper import Keeper
from devices.access.gate.netlink import Batch, Element
from devices.access.gate.rules import TABLE
from devices.access.gate.settings import Settings
from devices.access.gate.table import KernelError

Answer = dict[str, Any]
_MOST_SHOWN = 256


class Gate:
    def __init__(
        self,
        settings: Settings,
        *,
        version: str,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._version = version
        self._clock = clock
        self._say = say
        self._book = Book()
        self._keeper = Keeper(settings, self._book, clock=clock, say=say)

    @property
    def problem(self) -> tuple[str, str]:
        return self._keeper.problem

    def tick(self) -> None:
        self._keeper.tick()

    def close(self) -> None:
        """The rules stay: who is in stays in, and nobody else gets in."""
        self._keeper.close()

    def do(self, given: Sequence[orders.Order]) -> list[Answer]:
        """An answer each. Changes that follow each other are one transaction."""
        answers: list[Answer] = []
        together: list[Change] = []
        named: set[object] = set()
        for order in given:
            if not isinstance(order, Change) or changes.names(order, self._book) & named:
                answers += self._changed(together)
                together, named = [], set()
            if isinstance(order, Change):
                together.append(order)
                named |= changes.names(order, self._book)
            else:
                answers.append(self._one(order))
        return answers + self._changed(together)

    def _changed(self, together: Sequence[Change]) -> list[Answer]:
        if self._keeper.rules != "in_place":
            return [self._not_ready() for _ in together]
        now_s = self._clock()
        whole = Batch(TABLE)
        wrong: dict[int, Answer] = {}
        for at, order in enumerate(together):
            part = Batch(TABLE)
            try:
                changes.put(order, part, self._book, now_s)
            except orders.OrderError as error:
                kind = "kernel" if isinstance(error, changes.FullError) else "bad_request"
                wrong[at] = {"ok": False, "error": kind, "text": str(error)}
            else:
                whole.extend(part)
        try:
            last = self._counted([one for one in together if isinstance(one, orders.Allow)])
            self._keeper.commit(whole)
        except KernelError as error:
            if len(together) == 1:
                return [_refused(error)]
            # one of them must not fail the others
            return [answer for order in together for answer in self._changed([order])]
        taken = self._taken_out([one for one in together if isinstance(one, orders.Revoke)])
        for at, order in enumerate(together):
            if at not in wrong:
                changes.write(order, self._book, now_s, self._settings.idle_s)
        last |= taken
        return [wrong.get(at, {"ok": True, **last.get(_key(order), {})}) for at, order in enumerate(together)]

    def _counted(self, together: Sequence[orders.Allow | orders.Revoke]) -> dict[bytes | None, Answer]:
        """By MAC, what whoever is let in again or taken out used until now. Raises KernelError."""
        known = [self._book.members[order.mac] for order in together if order.mac in self._book.members]
        counted = self._keeper.table.counted(one.mark for one in known)
        return {one.mac: self._said(one, *counted.get(one.mark, (one.up, one.down))) for one in known}

    def _taken_out(self, together: Sequence[orders.Revoke]) -> dict[bytes | None, Answer]:
        """Their last counts, when nothing of theirs passes any more; their counters go after that."""
        try:
            last = self._counted(together)
            batch = Batch(TABLE)
            for order in together:
                if order.mac in self._book.members:
                    changes.drop_counters(batch, self._book.members[order.mac])
            self._keeper.table.commit(batch)
        except KernelError:  # they are out; the table is made good by the next look at it
            return {}
        return last

    def _said(self, one: Member, up: Counts, down: Counts) -> Answer:
        counts = {"up_bytes": max(one.up, up)[0], "down_bytes": max(one.down, down)[0]}
        return {"counted": {"run": f"{self._book.run:08x}", "mark": one.mark, **counts}}

    def _one(
        self,
        order: orders.Reset | orders.Capture | orders.List | orders.Count | orders.Sent | orders.Status,
    ) -> Answer:
        if isinstance(order, orders.Status):
            return self._status()
        if self._keeper.rules != "in_place":
            return self._not_ready()
        try:
            match order:
                case orders.Reset():
                    answer = self._reset(order)
                case orders.Capture():
                    answer = self._capture(order)
                case orders.List():
                    answer = self._list()
                case orders.Sent():
                    answer = {"sent": self._keeper.table.sent(order.address, order.port, order.mac)}
                case _:
                    answer = self._count()
        except KernelError as error:
            return _refused(error)
        return {"ok": True, **answer}

    def _reset(self, order: orders.Reset) -> Answer:
        now_s = self._clock()
        batch = Batch(TABLE)
        changes.put_reset(order, batch, self._book)
        self._keeper.commit(batch)
        changes.write_reset(order, self._book, now_s, self._settings.idle_s)
        if order.refused:
            self._say(f"reset: {len(order.refused)} of those asked for can't be members: {order.refused[0][1]}")
        return {"refused": [{"at": at, "text": text} for at, text in order.refused]}

    def _capture(self, order: orders.Capture) -> Answer:
        batch = Batch(TABLE)
        key = [Element(self._keeper.table.free_key)]
        if order.members:
            batch.drop("free", key)
        else:
            batch.add("free", key)
        self._keeper.commit(batch)
        self._book.capture_members = order.members
        return {}

    def _list(self) -> Answer:
        """Who is let through, idle or not, as the kernel has it."""
        self._keeper.observe()
        now_s, idle_s = self._clock(), self._settings.idle_s
        return {
            "members": [
                {
                    "mac": one.mac.hex(":"),
                    "mark": one.mark,
                    "end_s": round(one.end_s - now_s, 3),
                    "idle_s": round(min(max(idle_s - (one.idle_end_s - now_s), 0.0), idle_s), 3),
                }
                for one in self._book.members.values()
                if one.end_s > now_s
            ]
        }

    def _count(self) -> Answer:
        """Whoever is over is here too until it is revoked, so that the last bytes are counted."""
        self._keeper.observe()
        now_s = self._clock()
        return {
            "run": f"{self._book.run:08x}",
            "members": [
                {
                    "mac": one.mac.hex(":"),
                    "mark": one.mark,
                    "up_bytes": one.up[0],
                    "down_bytes": one.down[0],
                    "end_s": round(max(one.end_s - now_s, 0.0), 3),
                    "idle_left_s": round(max(one.idle_end_s - now_s, 0.0), 3),
                }
                for one in self._book.members.values()
            ],
        }

    def _status(self) -> Answer:
        keeper = self._keeper
        problem, hint = keeper.problem
        return {
            "ok": True,
            "version": self._version,
            "rules": keeper.rules,
            "repairs": keeper.repairs,
            "looks": keeper.looks,
            "interface": links.state(self._settings.interface),
            "uplink": links.state(self._settings.uplink),
            "forwarding": links.forwarding(self._settings),
            "fairness": keeper.fairness,
            "isolation": keeper.isolation,
            "onlink": [str(one) for one in keeper.networks[:_MOST_SHOWN]],
            "members": self._book.alive(self._clock()),
            "capture_members": self._book.capture_members,
            "problem": problem,
            "hint": hint,
        }

    def _not_ready(self) -> Answer:
        return {"ok": False, "error": "not_ready", "text": self.problem[0] or "the rules are not in place yet"}


def _key(order: Change) -> bytes | None:
    return None if isinstance(order, orders.Let) else order.mac


def _refused(error: KernelError) -> Answer:
    return {"ok": False, "error": "kernel", "text": str(error)}
