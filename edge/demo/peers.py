"""The other programs of the demo: a broker, the daemon, the reference consumer. Each dies with us."""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from edge.errors import StoregateError, UsageError

PR_SET_PDEATHSIG = 1  # prctl(2)
GRACE_S = 8.0
"""Longer than the daemon's own grace at its listeners."""


def free_port(wanted: int = 0) -> int:
    """`wanted` where it is free on loopback, else any."""
    for port in (wanted, 0):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise StoregateError("no free port on 127.0.0.1")


def mosquitto() -> str:
    """The broker's program; Debian keeps it where ordinary users do not look."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise UsageError("the demo needs the mosquitto broker", hint="sudo apt-get install mosquitto, or: make demo")
    return found


class Program:
    """One child process: started, stopped, started again; its output goes to a file a person can read."""

    def __init__(self, name: str, command: Sequence[str], *, log: Path, more: Mapping[str, str] | None = None) -> None:
        """`more` is added to the environment."""
        self.name = name
        self._environment = {**os.environ, **(more or {})}
        self._command = tuple(command)
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        log = await asyncio.to_thread(self._log.open, "ab")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,  # a Ctrl-C on the terminal is ours to pass on, in our order
                preexec_fn=die_with_parent,
            )
        except OSError as error:
            raise StoregateError(f"can't start {self.name}: {error.strerror}") from error
        finally:
            log.close()

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ends it; the exit status. Kills what does not listen."""
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(how)
            try:
                async with asyncio.timeout(GRACE_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        return process.returncode or 0

    async def must_run(self) -> None:
        """Waits for its end; raises with the last lines of its output: nobody asked it to end."""
        assert self._process is not None
        status = await self._process.wait()
        raise StoregateError(f"{self.name} ended with status {status}:\n{await asyncio.to_thread(self.tail)}")

    def tail(self, lines: int = 12) -> str:
        with suppress(OSError):
            return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-lines:])
        return ""


def die_with_parent() -> None:
    """Linux kills the child when we are killed: Ctrl-C, or worse, leaves nothing running."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def broker(folder: Path, port: int) -> Program:
    """Mosquitto on loopback that keeps its state in `folder`."""
    state = folder / "broker"
    state.mkdir(parents=True, exist_ok=True)
    settings = folder / "mosquitto.conf"
    # started by root it would change to a user who may not write here
    user = "user root\n" if os.geteuid() == 0 else ""
    settings.write_text(
        f"{user}listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
        f"persistence_location {state}/\nautosave_interval 5\nlog_type error\nlog_type warning\n",
        "utf-8",
    )
    return Program("the broker", [mosquitto(), "-c", str(settings)], log=folder / "broker.log")


def daemon(folder: Path, config: Path, *, more: Mapping[str, str]) -> Program:
    command = [sys.executable, "-m", "edge", "run", "--config", str(config)]
    return Program("the gateway", command, log=folder / "gateway.log", more=more)


def consumer(folder: Path, port: int) -> Program:
    command = [sys.executable, "-m", "cloud_bridge.consumer", "--broker", f"mqtt://127.0.0.1:{port}"]
    command += ["--database", f"sqlite:///{folder / 'cloud.sqlite'}", "--watermark", "--json"]
    command += ["--summary", str(folder / "cloud.json")]
    return Program("the cloud's reader", command, log=folder / "consumer.log")
