"""Names of the walled garden: really resolved, and their addresses let through before anybody hears of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from devices.access.dns import upstream, wire
from devices.access.dns.names import Reachable
from devices.access.dns.wire import Address
from edge.errors import StoregateError

log = logging.getLogger(__name__)
Let = Callable[[Sequence[str], int], Awaitable[None]]
"""Lets everybody reach addresses for so many seconds; has happened when it returns. Raises StoregateError."""
SHORTEST_S = 30
LONGEST_S = 300
FAILED_S = 5
"""Before a name that nobody could tell is asked for again."""
STAY_S = 120
"""Addresses stay open for so long beyond their answer: a phone may be in the middle of something."""
LET_AGAIN_S = 30
"""A gate that was started again in between has forgotten them."""
MOST_KEPT = 512
MOST_AT_ONCE = 64


class Known(NamedTuple):
    """What was found out of a name."""

    four: tuple[Address, ...] = ()
    six: tuple[Address, ...] = ()
    until_s: float = 0.0
    let_s: float = 0.0
    """When the gate was last told."""
    failed: bool = False

    def of(self, kind: int) -> tuple[Address, ...]:
        return self.four if kind == wire.A else self.six if kind == wire.AAAA else ()


class Walled:
    def __init__(self, servers: upstream.Servers, *, let: Let, reachable: Reachable, ipv6: bool) -> None:
        self._servers = servers
        self._let = let
        self._reachable = reachable
        self._kinds = (wire.A, wire.AAAA) if ipv6 else (wire.A,)
        self._kept: dict[str, Known] = {}
        self._under_way: dict[str, asyncio.Task[Known]] = {}
        self._gate_failed = ""

    def known(self, name: str) -> Known | None:
        """What may be answered at once; None: it has to be looked up."""
        known, now_s = self._kept.get(name), _now_s()
        if known is None or now_s >= known.until_s:
            return None
        return known if known.failed or now_s - known.let_s < LET_AGAIN_S else None

    def has_room(self, name: str) -> bool:
        return name in self._under_way or len(self._under_way) < MOST_AT_ONCE

    async def look(self, name: str) -> Known:
        """Who asks while it is looked up already waits for the same answer."""
        task = self._under_way.get(name)
        if task is None:
            task = self._under_way[name] = asyncio.create_task(self._look(name))
            task.add_done_callback(lambda _: self._under_way.pop(name, None))
        return await asyncio.shield(task)

    async def close(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, name: str) -> Known:
        known = self._kept.get(name)
        if known is None or known.failed or _now_s() >= known.until_s:
            known = await self._resolved(name)
        addresses = [str(each) for each in (*known.four, *known.six)]
        if addresses:
            try:
                await self._let(addresses, max(1, int(known.until_s - _now_s())) + STAY_S)
            except StoregateError as error:  # a gate that is not there is the gate's driver's to tell
                if str(error) != self._gate_failed:
                    log.info("the walled garden stays shut: %s", error)
                self._gate_failed = str(error)
                known = Known(until_s=_now_s() + FAILED_S, failed=True)
            else:
                self._gate_failed = ""
        known = known._replace(let_s=_now_s())
        self._keep(name, known)
        return known

    async def _resolved(self, name: str) -> Known:
        servers = await self._servers.now()
        asked = (upstream.resolve(name, kind, servers, timeout_s=upstream.TIMEOUT_S) for kind in self._kinds)
        found = await asyncio.gather(*asked, return_exceptions=True)
        answered = [each for each in found if isinstance(each, wire.Found)]
        for each in found:
            if isinstance(each, BaseException) and not isinstance(each, upstream.Silent):
                raise each
        if not answered:
            return Known(until_s=_now_s() + FAILED_S, failed=True)
        addresses = [each for one in answered for each in one.addresses if each in self._reachable]
        ttl_s = min((one.ttl_s for one in answered if one.addresses), default=SHORTEST_S)
        return Known(
            four=tuple(each for each in addresses if each.version == 4),
            six=tuple(each for each in addresses if each.version == 6),
            until_s=_now_s() + min(max(ttl_s, SHORTEST_S), LONGEST_S),
        )

    def _keep(self, name: str, known: Known) -> None:
        self._kept.pop(name, None)
        if len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[name] = known


def _now_s() -> float:
    return asyncio.get_running_loop().time()
