"""A real mosquitto for one test: own folder, own port, stopped at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

LOOK_S = 0.02
START_S = 10.0


def need_mosquitto() -> None:
    if shutil.which("mosquitto") is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """`lines` are further lines of mosquitto.conf(5)."""

    def __init__(self, folder: Path, *lines: str, persistent: bool = False) -> None:
        need_mosquitto()
        self.folder = folder
        self.port = free_port()
        self._lines = lines
        self._persistent = persistent
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(exist_ok=True)

    def start(self) -> Mosquitto:
        user = ["user root"] if os.geteuid() == 0 else []
        keep = [f"persistence_location {self.folder}/", "persistence_file broker.db"] if self._persistent else []
        config = self.folder / "mosquitto.conf"
        text = [
            f"persistence {'true' if self._persistent else 'false'}",
            *user,
            *keep,
            f"listener {self.port} 127.0.0.1",
            *([] if any(line.startswith("allow_anonymous") for line in self._lines) else ["allow_anonymous true"]),
            "set_tcp_nodelay true",
            *self._lines,
        ]
        config.write_text("\n".join(text) + "\n")
        log = (self.folder / "broker.log").open("ab")
        self._process = subprocess.Popen(["mosquitto", "-c", str(config)], stdout=log, stderr=log)
        log.close()
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            if self._process.poll() is not None:
                break
            time.sleep(LOOK_S)
        raise RuntimeError(f"mosquitto did not start:\n{(self.folder / 'broker.log').read_text()}")

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM writes its state, SIGKILL loses it."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(sign)
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """The kernel still answers for it; it does nothing."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)
