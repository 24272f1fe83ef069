"""The demo's radio world: BlueZ's D-Bus interface on a private bus, beacons on its air, and people who carry some.

The daemon talks to it through the real bleak and dbus-fast; what it advertises there is what the phones hear.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from random import Random

from edge.demo import floor
from edge.demo.peers import Program, die_with_parent
from edge.errors import StoregateError, UsageError

STEP_S = 0.5
NOISE_DB = 2.5
STRANGERS = 6
"""Phones of others at one time, each with an address of its own for a while."""
BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""


class Airwaves:
    """Started before the daemon, ended after it."""

    def __init__(self, folder: Path, *, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - a play, not a secret
        self._log = folder / "air.log"
        self._place = Path(tempfile.mkdtemp(prefix="storegate-"))  # the path of a socket must be short
        self.bus = f"unix:path={self._place / 'bus'}"
        (self._place / "bus.conf").write_text(BUS_CONFIG.format(socket=self._place / "bus"), "utf-8")
        (folder / "bus.address").write_text(f"{self.bus}\n", "utf-8")  # to look on with busctl
        command = [_dbus_daemon(), f"--config-file={self._place / 'bus.conf'}", "--nofork"]
        self._daemon = Program("the D-Bus", command, log=folder / "bus.log")
        self._fake: Process | None = None
        self._own: dict[str, int] = {}
        self._walks = {name: floor.walk(self._random, step_s=STEP_S) for name, *_ in floor.CARRIED}
        self._strangers: dict[str, tuple[floor.Place, int]] = {}
        self._cloned = False

    @property
    def environment(self) -> dict[str, str]:
        return {"DBUS_SYSTEM_BUS_ADDRESS": self.bus}

    def heard_at(self, place: floor.Place) -> list[dict[str, object]]:
        """What a phone there ranges."""
        return floor.heard_at(place, self._random, own_minor=next(iter(self._own.values()), None))

    async def start(self) -> None:
        await self._daemon.start()
        socket = self._place / "bus"
        for _ in range(100):
            if socket.exists():
                break
            await asyncio.sleep(0.05)
        else:
            raise StoregateError(f"the private D-Bus did not start: {await asyncio.to_thread(self._daemon.tail)}")
        log = await asyncio.to_thread(self._log.open, "ab")
        try:
            command = [sys.executable, "-m", "devices.beacons.fake", "--bus", self.bus]
            command += ["--adapters", ",".join(floor.RADIOS)]
            self._fake = await asyncio.create_subprocess_exec(
                *command, stdin=PIPE, stdout=PIPE, stderr=log, start_new_session=True, preexec_fn=die_with_parent
            )
        finally:
            log.close()
        for fixed in floor.FIXED:
            self._shine(fixed.address, fixed.at, minor=fixed.minor, interval_ms=fixed.interval_ms)

    async def stop(self) -> None:
        if self._fake is not None and self._fake.returncode is None:
            self._fake.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3):
                    await self._fake.wait()
            if self._fake.returncode is None:
                self._fake.kill()
                await self._fake.wait()
        await self._daemon.stop()
        await asyncio.to_thread(shutil.rmtree, self._place, ignore_errors=True)

    def clone(self, *, on: bool) -> None:
        """Somebody at the door plays the till's beacon, or stops."""
        if on != self._cloned:
            self._cloned = on
            till = floor.FIXED[-1]
            if on:
                self._shine(floor.CLONE_ADDRESS, floor.OWN_AT, minor=till.minor, interval_ms=300)
            else:
                self._say({"address": floor.CLONE_ADDRESS, "rssi": None})

    async def live(self) -> None:
        """People walk, strangers come and go; what the gateway says is noted. Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            while True:
                for name, _, minor, address in floor.CARRIED:
                    self._shine(address, next(self._walks[name]), minor=minor, interval_ms=500)
                self._strange()
                await asyncio.sleep(STEP_S)

    async def _listen(self) -> None:
        assert self._fake is not None
        assert self._fake.stdout is not None
        async for line in self._fake.stdout:
            said = json.loads(line)
            if "error" in said:
                raise StoregateError(f"the radio world did not understand: {said['error']}")
            if isinstance(own := said.get("advertising"), dict) and "minor" in own:
                self._own = {str(own["adapter"]): int(own["minor"])}
        raise StoregateError(f"the radio world ended; see {self._log}")

    def _strange(self) -> None:
        """Phones with random addresses: noise that is no customer count."""
        for address, (place, steps) in list(self._strangers.items()):
            if steps:
                self._strangers[address] = (place, steps - 1)
            else:
                del self._strangers[address]
                self._say({"address": address, "rssi": None})
        if len(self._strangers) < STRANGERS and self._random.random() < 0.3:
            address = ":".join(f"{each:02X}" for each in (0x40 | self._random.randrange(64), *os.urandom(5)))
            place = self._random.choice(floor.STOPS)
            self._strangers[address] = (place, self._random.randrange(20, 80))
            self._say({"address": address, "data": "1aff4c0010" + "00" * 22, "interval_ms": 800, **_ears(place)})

    def _shine(self, address: str, place: floor.Place, *, minor: int, interval_ms: int) -> None:
        beacon = {"uuid": floor.UUID, "major": floor.MAJOR, "minor": minor, "power": -59, "noise": NOISE_DB}
        self._say({"address": address, "interval_ms": interval_ms, **beacon, **_ears(place)})

    def _say(self, line: dict[str, object]) -> None:
        assert self._fake is not None
        assert self._fake.stdin is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # `_listen` tells that it ended
            self._fake.stdin.write(json.dumps(line).encode() + b"\n")


def _ears(place: floor.Place) -> dict[str, object]:
    """How strong each radio hears it."""
    return {"rssi": {adapter: round(floor.strength_dbm(place, at), 1) for adapter, (_, at) in floor.RADIOS.items()}}


def _dbus_daemon() -> str:
    found = shutil.which("dbus-daemon")
    if found is None:
        raise UsageError("the demo needs dbus-daemon", hint="sudo apt-get install dbus-daemon, or: make demo")
    return found
