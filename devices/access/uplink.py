"""Does the internet answer? A route out, and a name that somebody far away has to look up.

The names are those that phones ask too: they live for minutes, so a resolver in the shop can't answer from memory for
long, as it could for days about the root. Any answer but "I could not find out" will do. One lost datagram is not a
cut line: it takes three misses; one answer and it is back. While MQTT is connected over the internet the line is up,
whatever the resolvers say.
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from devices.access.dns import upstream
from devices.driver import Submit
from edge.board import Board, Broker
from edge.clock import Clock
from edge.config import Config

log = logging.getLogger(__name__)

NAMES = ("www.msftconnecttest.com", "connect.rom.miui.com", "captive.apple.com", "connectivitycheck.gstatic.com")
EVERY_S = 10.0
AGAIN_S = 3.0
"""After a miss."""
ANSWER_S = 2.0
MISSES = 3
_FAR = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""Documentation addresses: nothing is sent, but a route there is the default route."""


class Probe:
    """Asks the resolvers of the line; one that answers is enough."""

    def __init__(self, given: Sequence[str], *, resolv_conf: Path = upstream.RESOLV_CONF) -> None:
        self._servers = upstream.Servers(given, resolv_conf=resolv_conf)
        self._names = itertools.cycle(NAMES)

    async def __call__(self) -> bool:
        if not has_route():
            return False
        return await upstream.knows(next(self._names), await self._servers.now(), timeout_s=ANSWER_S)


def has_route() -> bool:
    """A default route, of either family."""
    for address, family in _FAR:
        try:
            with socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as line:
                line.connect((address, 9))
        except OSError:
            continue
        return True
    return False


class Uplink:
    """A driver that keeps `board.wifi.uplink`. Without a probe (a fake gate's) it is what `turn` says, up at first."""

    name = "uplink"

    def __init__(
        self,
        *,
        board: Board,
        clock: Clock,
        probe: Callable[[], Awaitable[bool]] | None = None,
        far_broker: bool = False,
    ) -> None:
        self._board = board
        self._clock = clock
        self._probe = probe
        self._far_broker = far_broker
        self._misses = 0
        self._wakes: list[Callable[[], None]] = []

    @classmethod
    def of(cls, config: Config, *, board: Board, clock: Clock) -> Uplink:
        far = is_far(config.mqtt.host)
        return cls(board=board, clock=clock, probe=Probe(config.portal.dns_upstream), far_broker=far)

    def on_turn(self, wake: Callable[[], None]) -> None:
        """`wake` is called each time it came or went."""
        self._wakes.append(wake)

    @property
    def up(self) -> bool | None:
        return self._board.wifi.uplink

    async def run(self, submit: Submit) -> None:  # noqa: ARG002 - it tells the board only
        if self._probe is None:
            if self.up is None:
                self.turn(up=True)
            await asyncio.Event().wait()
            return
        while True:
            await self.look(self._probe)
            await asyncio.sleep(AGAIN_S if self._misses else EVERY_S)

    async def look(self, probe: Callable[[], Awaitable[bool]]) -> None:
        if await probe() or self._mqtt():
            self._misses = 0
            self.turn(up=True)
            return
        self._misses = min(self._misses + 1, MISSES)
        if self._misses >= MISSES:
            self.turn(up=False)

    def _mqtt(self) -> bool:
        broker: Broker = self._board.broker
        return self._far_broker and broker.connected

    def turn(self, *, up: bool) -> None:
        wifi = self._board.wifi
        if wifi.uplink is up:
            return
        if wifi.uplink is not None or not up:
            log.warning("the internet %s", "answers again" if up else "does not answer")
        wifi.uplink, wifi.uplink_since = up, self._clock.now()
        for wake in self._wakes:
            wake()


def is_far(host: str) -> bool:
    """Whether a broker of this name can only be reached over the internet, as far as the name tells."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".lan", ".internal"))
