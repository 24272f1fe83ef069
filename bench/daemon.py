"""The daemon as a process: memory with everything but a camera, and how long until it is ready."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import socket
import subprocess
import sys
import tempfile
import time
import tty
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bench.row import Row

SCANS = 2_000
STARTS = 3
MAX_READY_S = 2.0
MAX_RSS_MB = 80.0
CODE = b"6902000002678\r"


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="storegate-bench-") as folder, _serial_lines(2) as lines:
        config, admin = _config(Path(folder), [device for _, device in lines])
        took_s = []
        for _ in range(STARTS):
            process, ready_s = _started(config, admin)
            took_s.append(ready_s)
            if len(took_s) == STARTS:
                fresh_mb = _rss_mb(process.pid)
                _load(lines[0][0], admin)
                loaded_mb = _rss_mb(process.pid)
            process.terminate()
            process.wait(20)
    note = "two serial scanners, kiosk, till, three listeners, no broker"
    yield Row(part="daemon", what="start to ready, best of 3", value=min(took_s), unit="s", hold=MAX_READY_S, note=note)
    yield Row(part="daemon", what="RSS after start", value=fresh_mb, unit="MB", hold=MAX_RSS_MB, note=note)
    yield Row(part="daemon", what=f"RSS after {SCANS} scans", value=loaded_mb, unit="MB", hold=MAX_RSS_MB, note=note)
    yield Row(
        part="daemon",
        what="RSS after start",
        by="+ OpenCV, had the camera no process of its own",
        value=fresh_mb + _import_mb("cv2"),
        unit="MB",
    )


@contextlib.contextmanager
def _serial_lines(count: int) -> Iterator[list[tuple[int, str]]]:
    pairs = [pty.openpty() for _ in range(count)]
    for master, _ in pairs:
        tty.setraw(master)
    try:
        yield [(master, os.ttyname(slave)) for master, slave in pairs]
    finally:
        for end in (end for pair in pairs for end in pair):
            os.close(end)


def _config(folder: Path, devices: list[str]) -> tuple[Path, str]:
    ports = [_free_port() for _ in range(3)]
    text = f'[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\nstate_dir = "{folder}/state"\n'
    text += '[stations.kiosk-1]\n[stations.till-1]\nkind = "till"\nkey = "a-key-for-the-bench-only"\n'
    for name, port in zip(("guest", "shop", "admin"), ports, strict=True):
        text += f'[listen.{name}]\nhost = "127.0.0.1"\nport = {port}\n'
    for number, device in enumerate(devices):
        text += f'[[scanners]]\nid = "s{number}"\ntransport = "serial"\nstation = "kiosk-1"\ndevice = "{device}"\n'
    path = folder / "gateway.toml"
    path.write_text(text, "utf-8")
    return path, f"http://127.0.0.1:{ports[2]}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _started(config: Path, admin: str) -> tuple[subprocess.Popen[bytes], float]:
    began = time.monotonic()
    command = [sys.executable, "-m", "edge", "run", "--config", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while time.monotonic() - began < 30:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{admin}/readyz", timeout=2) as answer:
            if answer.status == 200:
                return process, time.monotonic() - began
        time.sleep(0.01)
    raise RuntimeError("the daemon was not ready in 30 s")


def _load(line: int, admin: str) -> None:
    for _ in range(SCANS):
        os.write(line, CODE)
        time.sleep(0.001)
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        with urllib.request.urlopen(f"{admin}/api/v1/status", timeout=5) as answer:
            depth = json.load(answer)["outbox"]["depth"]
        if sum(depth.values()) >= SCANS:
            return
        time.sleep(0.2)


def _rss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _import_mb(module: str) -> float:
    code = f"import resource, {module}; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    bare = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    kib = [int(subprocess.check_output([sys.executable, "-c", text])) for text in (code, bare)]
    return (kib[0] - kib[1]) / 1024
