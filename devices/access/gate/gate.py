"""The gate itself: orders become one kernel transaction, and the table is kept as it should be.

Nothing changes in the book before the kernel has said yes. Whatever the kernel can't tell after a loss (a table flushed
by hand), the book can.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from devices.access.gate import fairness, links, orders
from devices.access.gate.book import Book, Member, element, mark_key
from devices.access.gate.netlink import Batch, Element
from devices.access.gate.rules import TABLE
from devices.access.gate.settings import Settings
from devices.access.gate.table import KernelError, Table

Answer = dict[str, Any]
Change = orders.Allow | orders.Revoke | orders.Let
_RETRY_S: Final = 5.0
_LINKS_S: Final = 1.0
_OBSERVE_S: Final = 15.0
_AGAIN_S: Final = 1.0
"""Other programs change rules too: after a look that found nothing wrong, the next one waits so long."""


class Gate:
    def __init__(
        self,
        settings: Settings,
        *,
        version: str,
        clock: Callable[[], float] = time.monotonic,
        say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True),  # noqa: T201 - the journal
    ) -> None:
        self._settings = settings
        self._version = version
        self._clock = clock
        self._say = say
        self._table = Table(settings)
        self._book = Book()
        self._adopted = False
        self._rules = "starting"
        self._repairs = 0
        self._others_route = True
        self._numbers = (0, 0)
        self._fairness = "none"
        self._isolation = "none"
        self._problems: dict[str, tuple[str, str]] = {}
        self._next_try_s = self._next_links_s = self._next_look_s = self._next_observe_s = 0.0

    @property
    def problem(self) -> tuple[str, str]:
        """What is wrong and what to do, or two empty words."""
        return next(iter(self._problems.values()), ("", ""))

    def close(self) -> None:
        """The rules stay: who is in stays in, and nobody else gets in."""
        self._table.close()

    def tick(self) -> None:
        """Often: looks whether all is as it should be, and sees to it."""
        now_s = self._clock()
        if self._rules != "in_place":
            if now_s >= self._next_try_s:
                self._next_try_s = now_s + _RETRY_S
                self._start(now_s)
            return
        try:
            if not self._table.untouched() and now_s >= self._next_look_s:
                self._look(now_s)
            if now_s >= self._next_observe_s:
                self._observe(now_s)
        except KernelError as error:
            self._failed("kernel", error)
            return
        if now_s >= self._next_links_s:
            self._next_links_s = now_s + _LINKS_S
            self._see_to_links(now_s)

    def do(self, given: Sequence[orders.Order]) -> list[Answer]:
        """Changes that follow each other are one transaction."""
        answers: list[Answer] = []
        together: list[Change] = []
        named: set[object] = set()
        for order in given:
            if not isinstance(order, Change):
                answers += self._changed(together)
                together, named = [], set()
                answers.append(self._one(order))
                continue
            names: set[object] = set(order.addresses) if isinstance(order, orders.Let) else {order.mac}
            if isinstance(order, orders.Allow):
                names.add(order.mark)
            if names & named:
                answers += self._changed(together)
                together, named = [], set()
            together.append(order)
            named |= names
        return answers + self._changed(together)

    # --- orders -------------------------------------------------------------------------------------------------

    def _one(self, order: orders.Order) -> Answer:
        if isinstance(order, orders.Status):
            return self._status()
        if self._rules != "in_place":
            return self._not_ready()
        try:
            if isinstance(order, orders.Reset):
                return self._reset(order)
            if isinstance(order, orders.Capture):
                return self._capture(order.members)
            if isinstance(order, orders.List):
                return self._list()
            return self._count()
        except KernelError as error:
            return self._refused(error)

    def _changed(self, together: Sequence[Change]) -> list[Answer]:
        if not together:
            return []
        if self._rules != "in_place":
            return [self._not_ready() for _ in together]
        now_s = self._clock()
        batch, answers, done = Batch(TABLE), [], []
        for order in together:
            wrong = self._put(order, batch, now_s)
            answers.append(wrong or {"ok": True})
            if wrong is None:
                done.append(order)
        try:
            self._table.commit(batch)
        except KernelError as error:
            if len(together) > 1:  # one of them must not fail the others
                return [answer for order in together for answer in self._changed([order])]
            self._next_look_s = 0.0
            return [self._refused(error)]
        for order in done:
            self._write_down(order, now_s)
        return answers

    def _put(self, order: Change, batch: Batch, now_s: float) -> Answer | None:
        """Into the batch, or why not."""
        if isinstance(order, orders.Let):
            for name, version in (("walled4", 4), ("walled6", 6)):
                fresh = [Element(at.packed, b"", _ms(order.for_s)) for at in order.addresses if at.version == version]
                if fresh:
                    batch.renew(name, fresh)
            return None
        known = self._book.members.get(order.mac)
        if isinstance(order, orders.Revoke):
            if known is not None:
                _remove(batch, known)
            return None
        other = self._book.of_mark(order.mark)
        if other is not None and other != order.mac:
            if self._book.members[other].end_s > now_s:
                return _wrong("bad_request", "mark: is another guest's")
            _remove(batch, self._book.members[other])
        if known is None and self._book.alive(now_s) >= orders.MOST_MEMBERS:
            return _wrong("kernel", f"the gate is full: {orders.MOST_MEMBERS} members")
        if known is not None and known.mark != order.mark:
            _remove(batch, known)
            known = None
        fresh = [element(order.mac, order.mark, order.end_s)]
        batch.renew("members", fresh)
        batch.renew("idle", [Element(order.mac)])
        if known is None:
            for name in ("up", "down"):
                batch.add(name, [Element(mark_key(order.mark))])
        return None

    def _write_down(self, order: Change, now_s: float) -> None:
        if isinstance(order, orders.Let):
            for at in order.addresses:
                self._book.walled[at.packed] = now_s + order.for_s
            return
        known = self._book.members.pop(order.mac, None)
        if isinstance(order, orders.Revoke):
            return
        other = self._book.of_mark(order.mark)
        if other is not None:
            del self._book.members[other]
        same = known is not None and known.mark == order.mark
        self._book.members[order.mac] = Member(
            mac=order.mac,
            mark=order.mark,
            end_s=now_s + order.end_s,
            idle_end_s=now_s + self._settings.idle_s,
            up=known.up if known and same else (0, 0),
            down=known.down if known and same else (0, 0),
        )

    def _reset(self, order: orders.Reset) -> Answer:
        """Exactly these. Who stays keeps counters, flows and idle time."""
        now_s = self._clock()
        book, idle_s = self._book.members, self._settings.idle_s
        wanted = {one.mac: one for one in order.members}
        kept = {mac for mac, one in wanted.items() if mac in book and book[mac].mark == one.mark}
        batch = Batch(TABLE)
        batch.flush("members")
        gone = [one for mac, one in book.items() if mac not in kept]
        batch.drop("idle", [Element(one.mac) for one in gone])
        for name in ("up", "down"):
            batch.drop(name, [Element(one.mark_key) for one in gone])
        new = [one for one in order.members if one.mac not in kept]
        batch.add("members", [element(one.mac, one.mark, one.end_s) for one in order.members])
        batch.add("idle", [Element(one.mac) for one in new])
        for name in ("up", "down"):
            batch.add(name, [Element(mark_key(one.mark)) for one in new])
        self._table.commit(batch)
        before = dict(book)
        book.clear()
        for one in order.members:
            known = before[one.mac] if one.mac in kept else None
            book[one.mac] = Member(
                mac=one.mac,
                mark=one.mark,
                end_s=now_s + one.end_s,
                idle_end_s=known.idle_end_s if known else now_s + idle_s,
                up=known.up if known else (0, 0),
                down=known.down if known else (0, 0),
            )
        return {"ok": True}

    def _capture(self, members: bool) -> Answer:  # noqa: FBT001 - it is the order's one word
        batch = Batch(TABLE)
        key = [Element(self._table.free_key)]
        batch.drop("free", key) if members else batch.add("free", key)
        self._table.commit(batch)
        self._book.capture_members = members
        return {"ok": True}

    def _list(self) -> Answer:
        seen = self._table.seen()
        if seen is None:
            raise KernelError("the table is gone")
        rows = []
        for mac, found in seen.members.items():
            known, idle = self._book.members.get(mac), seen.idle.get(mac)
            if known is not None:
                left_s = idle.left_ms / 1000 if idle else 0.0
                rows.append(
                    {
                        "mac": mac.hex(":"),
                        "mark": known.mark,
                        "end_s": found.left_ms / 1000,
                        "idle_s": round(max(self._settings.idle_s - left_s, 0.0), 3),
                    }
                )
        return {"ok": True, "members": rows}

    def _count(self) -> Answer:
        now_s = self._clock()
        self._observe(now_s)
        rows = [
            {
                "mac": one.mac.hex(":"),
                "mark": one.mark,
                "up_bytes": one.up[0],
                "down_bytes": one.down[0],
                "end_s": round(max(one.end_s - now_s, 0.0), 3),
                "idle_left_s": round(max(one.idle_end_s - now_s, 0.0), 3),
            }
            for one in self._book.members.values()
        ]
        return {"ok": True, "run": f"{self._book.run:08x}", "members": rows}

    def _status(self) -> Answer:
        now_s = self._clock()
        problem, hint = self.problem
        return {
            "ok": True,
            "version": self._version,
            "rules": self._rules,
            "repairs": self._repairs,
            "interface": links.state(self._settings.interface),
            "uplink": links.state(self._settings.uplink),
            "forwarding": links.forwarding(self._settings),
            "fairness": self._fairness,
            "isolation": self._isolation,
            "members": self._book.alive(now_s),
            "capture_members": self._book.capture_members,
            "problem": problem,
            "hint": hint,
        }

    def _not_ready(self) -> Answer:
        return _wrong("not_ready", self.problem[0] or "the rules are not in place yet")

    def _refused(self, error: KernelError) -> Answer:
        return _wrong("kernel", str(error))

    # --- the table ----------------------------------------------------------------------------------------------

    def _start(self, now_s: float) -> None:
        """Until it works: what the kernel has is ours, then the rules anew, then forwarding."""
        try:
            if not self._adopted:
                seen = self._table.seen()
                if seen is not None:
                    self._book.adopt(seen, now_s)
                    self._say(f"found {len(self._book.members)} members in the kernel; they stay")
                self._adopted = True
            self._load(now_s)
        except KernelError as error:
            self._failed("kernel", error)
            return
        self._problems.pop("kernel", None)
        self._rules = "in_place"
        self._say(f"the rules are in place, with {self._book.alive(now_s)} members")
        self._numbers = (0, 0)
        self._see_to_links(now_s)

    def _load(self, now_s: float) -> None:
        self._book.run = self._book.run or secrets.randbelow((1 << 31) - 1) + 1
        self._others_route = links.others_route()
        self._table.load(self._book, self._clock() if now_s else now_s, others_route=self._others_route)
        if self._table.isolate():
            self._isolation = "rules"

    def _look(self, now_s: float) -> None:
        """Somebody changed rules. Ours?"""
        seen = self._table.seen()
        if seen is not None and self._table.as_noted() and self._book.agrees(seen, now_s):
            self._next_look_s = now_s + _AGAIN_S
            return
        if seen is not None:
            self._book.observe(seen, now_s)
        self._repairs += 1
        self._load(now_s)
        self._say(
            "the rules were changed by somebody else; they are as they should be again, "
            f"with {self._book.alive(now_s)} members"
        )

    def _observe(self, now_s: float) -> None:
        self._next_observe_s = now_s + _OBSERVE_S
        seen = self._table.seen()
        if seen is None:
            self._look(now_s)
            return
        self._book.observe(seen, now_s)
        old = self._book.forget(now_s)
        if old:
            batch = Batch(TABLE)
            for one in old:
                _remove(batch, one)
            self._table.commit(batch)

    def _see_to_links(self, now_s: float) -> None:
        """An interface that came (back) knows nothing of what we told it before."""
        numbers = (links.number(self._settings.interface), links.number(self._settings.uplink))
        try:
            if links.others_route() != self._others_route:
                self._load(now_s)
            if numbers != self._numbers or not links.forwarding(self._settings):
                links.forward(self._settings)
            if numbers != self._numbers:
                self._fairness, wrong = fairness.share(self._settings)
                self._trouble("fairness", wrong)
            if links.isolate(self._settings.interface) and self._isolation == "none":
                self._isolation = "ports"
            self._trouble("links", None)
        except links.LinksError as error:
            self._trouble("links", (str(error), error.hint))
        except KernelError as error:
            self._failed("kernel", error)
            return
        self._numbers = numbers
        for name, number in zip(("interface", "uplink"), numbers, strict=True):
            value = getattr(self._settings, name)
            missing = (f"{value} is not there", f"see gate.{name} in gateway.toml, and: ip link")
            self._trouble(name, missing if value and not number else None)

    def _trouble(self, of: str, wrong: tuple[str, str] | None) -> None:
        if wrong is None:
            if self._problems.pop(of, None):
                self._say(f"{of}: all is well again")
        elif self._problems.get(of) != wrong:
            self._problems[of] = wrong
            self._say(". ".join(part for part in wrong if part))

    def _failed(self, of: str, error: KernelError) -> None:
        self._rules = "failed"
        self._next_try_s = self._clock() + _RETRY_S
        self._trouble(of, (str(error), error.hint))


def _remove(batch: Batch, one: Member) -> None:
    batch.drop("members", [element(one.mac, one.mark)])
    batch.drop("idle", [Element(one.mac)])
    for name in ("up", "down"):
        batch.drop(name, [Element(one.mark_key)])


def _wrong(error: str, text: str) -> Answer:
    return {"ok": False, "error": error, "text": text}


def _ms(seconds: float) -> int:
    return max(round(seconds * 1000), 1)
