"""sd_notify(3): tells systemd that we are ready, how we are, and that we are alive. Without systemd it does nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Mapping

MAX_STATUS = 200


class Notifier:
    """Datagrams to $NOTIFY_SOCKET. Never fails, never waits."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        environ = os.environ if environ is None else environ
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.settimeout(0)
        self.watchdog_s = _watchdog_s(environ)
        """systemd kills us when it hears nothing for so long; None: it does not watch."""

    def ready(self, status: str = "") -> None:
        self._send("READY=1", f"STATUS={_line(status)}")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={_line(text)}")

    def watchdog(self) -> None:
        self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def beat(self, problem: Callable[[], str]) -> None:
        """Until cancelled: tells systemd that we live, only while `problem()` is empty.

        Liveness is work done: the caller's `problem` looks at the journal's last commit and the loop's lag.
        """
        interval_s = (self.watchdog_s or 60.0) / 3
        while True:
            trouble = problem()
            if trouble:
                self.status(trouble)
            else:
                self.watchdog()
            await asyncio.sleep(interval_s)

    def _send(self, *lines: str) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # systemd restarted or is full: the next beat comes
                self._socket.sendto("\n".join(lines).encode(), self._address)


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    """WATCHDOG_USEC, if it is meant for this process (sd_watchdog_enabled(3))."""
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        return int(environ.get("WATCHDOG_USEC", "")) / 1e6 or None
    except ValueError:
        return None


def _line(text: str) -> str:
    return " ".join(text.split())[:MAX_STATUS]
