"""Network namespaces with names of our own: whoever ran a test, nothing of it is left, even after kill -9."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
NAMED = Path("/run/netns")
RESOLVERS = Path("/etc/netns")
NEWNET = 0x40000000
_numbers = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


def missing() -> str:
    """Why there can be no network of namespaces here; empty: there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "bridge", "ss", "nft", "dnsmasq", "udhcpc", "unshare"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    tried = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this kernel lets nobody make network namespaces"


def ours() -> str:
    """The beginning of all names of one network: the process that it belongs to is told by it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return f"sgwifi{os.getpid()}{worker}n{next(_numbers)}"


def sweep() -> None:
    """Takes away what tests left that were killed."""
    for path in [*_entries(NAMED), *_entries(RESOLVERS)]:
        match = re.match(r"sgwifi(\d+)", path.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            Namespace.take_away(path.name)


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def until(true: Callable[[], T], *, within_s: float, what: str) -> T:
    """What it said when it was true at last."""
    ends = time.monotonic() + within_s
    while not (said := true()):
        assert time.monotonic() < ends, f"not within {within_s} s: {what}"
        time.sleep(0.02)
    return said


class Namespace:
    def __init__(self, name: str, *, resolver: str = "") -> None:
        self.name = name
        self._started: list[subprocess.Popen[bytes]] = []
        if resolver:
            (RESOLVERS / name).mkdir(parents=True, exist_ok=True)
            (RESOLVERS / name / "resolv.conf").write_text(f"nameserver {resolver}\n", "ascii")
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.ip("link set lo up")
        self.sysctl(net__ipv6__conf__default__accept_dad=0)  # seconds in which no other address is found

    def run(self, *command: str, check: bool = True, given: str | None = None, within_s: float = 20.0) -> str:
        done = subprocess.run(
            [*self.prefix(), *command], input=given, capture_output=True, text=True, timeout=within_s, check=False
        )
        assert done.returncode == 0 or not check, f"{' '.join(command)}: {done.stderr or done.stdout}"
        return done.stdout

    def prefix(self) -> list[str]:
        return ["ip", "netns", "exec", self.name]

    def ip(self, *lines: str, check: bool = True) -> None:
        """Each line as after `ip`; one process for all of them."""
        self._batch(["ip", "-n", self.name, "-force", "-batch", "-"], lines, check=check)

    def sysctl(self, **values: object) -> None:
        """`net__ipv4__ip_forward=1`."""
        keys = {key.replace("__", "/"): value for key, value in values.items()}
        self.inside(lambda: [Path("/proc/sys", key).write_text(f"{value}\n", "ascii") for key, value in keys.items()])

    def start(self, *command: str, log: Path, more: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Stops with the network at the latest."""
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [*self.prefix(), *command], stdout=sink, stderr=sink, stdin=subprocess.DEVNULL,
                env={**os.environ, **(more or {})},
            )  # fmt: skip
        self._started.append(process)
        return process

    def inside(self, do: Callable[[], T]) -> T:
        """In a thread of its own that enters the namespace; a socket made there stays there for good."""
        said: list[T] = []
        failed: list[BaseException] = []

        def enter() -> None:
            try:
                with (NAMED / self.name).open("rb") as handle:
                    done = _libc.setns(handle.fileno(), NEWNET)
                assert done == 0, f"setns {self.name}: {os.strerror(ctypes.get_errno())}"
                said.append(do())
            except BaseException as error:  # noqa: BLE001 - handed to the caller
                failed.append(error)

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return said[0]

    def socket(self, family: int, kind: int, protocol: int = 0) -> socket.socket:
        return self.inside(lambda: socket.socket(family, kind, protocol))

    def listens(self, port: int, kind: str = "t") -> bool:
        return bool(self.run("ss", f"-Hln{kind}", f"sport = :{port}").strip())

    def close(self) -> None:
        self.take_away(self.name)
        for process in self._started:
            process.wait(10)

    @staticmethod
    def take_away(name: str) -> None:
        """Ends everything that runs in it first: only our own processes can be there."""
        for _ in range(50):
            told = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout
            pids = [int(pid) for pid in told.split() if int(pid) != os.getpid()]
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not pids:
                break
            time.sleep(0.02)
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        shutil.rmtree(RESOLVERS / name, ignore_errors=True)

    def _batch(self, command: Sequence[str], lines: Sequence[str], *, check: bool) -> None:
        done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, f"{lines}: {done.stderr}"
