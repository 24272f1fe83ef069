"""Sees to it that our table is in the kernel as it should be, and that the interfaces do their part.

What is wrong is said once in the journal and stands in the status until it is over; everything is tried again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

from devices.access.gate import fairness, links, onlink
from devices.access.gate.book import Book
from devices.access.gate.changes import take_out
from devices.access.gate.netlink import Batch
from devices.access.gate.rules import TABLE
from devices.access.gate.settings import Settings
from devices.access.gate.table import KernelError, Table

_RETRY_S: Final = 5.0
_LINKS_S: Final = 1.0
_PORTS_S: Final = 15.0
"""The kernel tells at once when interfaces change; this is for what it could not tell."""
_OBSERVE_S: Final = 15.0
_MOST_TOLD: Final = 16
_AGAIN_S: Final = 1.0
"""Other programs change rules too: after a look that found nothing wrong, the next one waits so long."""


class Keeper:
    def __init__(
        self, settings: Settings, book: Book, *, clock: Callable[[], float], say: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._book = book
        self._clock = clock
        self._say = say
        self.table = Table(settings)
        self.rules = "starting"
        """starting, in_place or failed."""
        self.repairs = 0
        self.looks = 0
        """How often somebody had changed rules, ours or others'."""
        self.fairness = "none"
        self.isolation = "none"
        self._adopted = False
        self._others_route = True
        self.networks: tuple[onlink.Network, ...] = ()
        """Networks of this box's own that guests are kept from, as the kernel has them."""
        self._watch = onlink.Watch()
        self._stale = True
        self._barred = False
        self._numbers = (-1, -1)
        self._problems: dict[str, tuple[str, str]] = {}
        self._next_try_s = self._next_links_s = self._next_ports_s = self._next_look_s = self._next_observe_s = 0.0

    @property
    def problem(self) -> tuple[str, str]:
        """What is wrong and what to do, or two empty words."""
        return next(iter(self._problems.values()), ("", ""))

    def tick(self) -> None:
        """Often."""
        now_s = self._clock()
        try:
            if self.rules != "in_place":
                if now_s < self._next_try_s:
                    if not self.table.untouched():
                        self._guard()
                    return
                self._start()
            if now_s >= self._next_look_s and not self.table.untouched():
                self._look()
            if now_s >= self._next_observe_s:
                self.observe()
            if self._watch.changed():
                self._stale = True
                self._next_links_s = self._next_ports_s = 0.0
            if now_s >= self._next_links_s:
                self._next_links_s = now_s + _LINKS_S
                self._see_to_links(now_s)
            if self._stale:
                self._see_to_networks()
        except KernelError as error:
            self._failed(error)

    def close(self) -> None:
        self._watch.close()
        self.table.close()

    def commit(self, batch: Batch) -> None:
        """When somebody has just changed the table, it is made good first. Raises KernelError."""
        try:
            self.table.commit(batch)
        except KernelError:
            self._look()
            self.table.commit(batch)

    def observe(self) -> None:
        """The book learns counts and idle ends, and forgets what is long over. Raises KernelError."""
        now_s = self._clock()
        self._next_observe_s = now_s + _OBSERVE_S
        seen = self.table.seen()
        if seen is None:
            self._look()
            return
        self._book.observe(seen, now_s)
        old = self._book.forget(now_s)
        batch = Batch(TABLE)
        for one in old:
            take_out(batch, one)
        self.commit(batch)

    def _start(self) -> None:
        """What the kernel has is ours; then the rules anew; then, and not before, forwarding."""
        seen = self.table.seen()
        if seen is not None:
            learn = self._book.observe if self._adopted else self._book.adopt
            learn(seen, self._clock())
        self._adopted = True
        self._load()
        self.rules = "in_place"
        self._trouble("kernel", None)
        self._say(f"the rules are in place, with {self._book.alive(self._clock())} members")
        self._numbers = (-1, -1)
        self._next_links_s = 0.0

    def _load(self) -> None:
        self._book.run = self._book.run or secrets.randbelow((1 << 31) - 1) + 1
        self._others_route = links.others_route()
        try:
            found = onlink.read(self._settings.interface)
        except links.LinksError as error:
            raise KernelError(str(error), error.hint) from error
        self.table.load(self._book, self._clock(), onlink=found, others_route=self._others_route)
        self._barred = False
        self._networks_are(found)
        self.isolation = "rules" if self.table.isolates else "none"
        self._next_links_s = 0.0

    def _look(self) -> None:
        """Somebody changed rules. Ours?"""
        now_s = self._clock()
        self._next_look_s = now_s + _AGAIN_S
        self.looks += 1
        try:
            self._make_good(now_s)
        except KernelError:
            self._bar()  # what is there may not be ours any more
            raise

    def _make_good(self, now_s: float) -> None:
        seen = self.table.seen()
        if seen is not None:
            closed = (onlink.spans(self.networks, 4), onlink.spans(self.networks, 6))
            if self.table.as_noted() and seen.onlink == closed and self._book.agrees(seen, now_s):
                return
            self._book.observe(seen, now_s)
        else:
            self._bar()  # thousands of members take a second
        self.repairs += 1
        self._load()
        self._next_look_s = now_s
        self._say(f"somebody else changed our rules; they are back, with {self._book.alive(self._clock())} members")

    def _see_to_links(self, now_s: float) -> None:
        """An interface that came (back) knows nothing of what it was told before."""
        settings = self._settings
        if links.others_route() != self._others_route:
            self._load()
        numbers = (links.number(settings.interface), links.number(settings.uplink))
        changed = numbers != self._numbers
        try:
            if changed or not links.forwarding(settings):
                links.forward(settings)
            if changed or now_s >= self._next_ports_s:
                if links.isolate(settings.interface) and self.isolation == "none":
                    self.isolation = "ports"
                self._next_ports_s = now_s + _PORTS_S
        except links.LinksError as error:
            self._trouble("links", (str(error), error.hint))
        else:
            self._trouble("links", None)
            self._numbers = numbers
        for name, value, number in (
            ("interface", settings.interface, numbers[0]),
            ("uplink", settings.uplink, numbers[1]),
        ):
            missing = (f"{value} is not there", f"see gate.{name} in gateway.toml, and: ip link")
            self._trouble(name, missing if value and not number else None)
        if changed:
            self.fairness, wrong = fairness.share(settings) if all(numbers) else ("none", None)
            self._trouble("fairness", wrong)

    def _see_to_networks(self) -> None:
        """Members and their connections are not touched: two sets change, in one step."""
        try:
            found = onlink.read(self._settings.interface)
        except links.LinksError as error:
            self._trouble("networks", (str(error), error.hint))
            return
        self._trouble("networks", None)
        if found != self.networks:
            batch = Batch(TABLE)
            for name, version in (("onlink4", 4), ("onlink6", 6)):
                batch.flush(name)
                batch.add(name, onlink.elements(onlink.spans(found, version), version))
            self.commit(batch)
            self._networks_are(found)
        self._stale = False

    def _networks_are(self, found: tuple[onlink.Network, ...]) -> None:
        if found != self.networks:
            told = ", ".join(map(str, found[:_MOST_TOLD])) + (" …" if len(found) > _MOST_TOLD else "")
            self._say(f"networks of this box, closed to guests: {told or 'none'}")
        self.networks = found

    def _trouble(self, of: str, wrong: tuple[str, str] | None) -> None:
        if wrong is None:
            if self._problems.pop(of, None):
                self._say(f"{of}: well again")
        elif self._problems.get(of) != wrong:
            self._problems[of] = wrong
            self._say(". ".join(part for part in wrong if part))

    def _failed(self, error: KernelError) -> None:
        """Without rules nothing of a guest's is forwarded."""
        self.rules = "failed"
        self._next_try_s = self._clock() + _RETRY_S
        self._trouble("kernel", (str(error), error.hint))
        self._guard()

    def _guard(self) -> None:
        """While there are no rules of ours there is the bar, however often somebody takes that away too."""
        try:
            self.table.note()
            gone = self.table.seen() is None
        except KernelError:
            gone = False
        if gone or self._barred:
            self._bar()

    def _bar(self) -> None:
        self._barred = True
        if not self.table.bar():
            links.shut(self._settings)
