"""A guest network of network namespaces, and the real gate in its box: real nft, real kernel."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]
GUEST = "02:00:00:00:77:01"
SECOND = "02:00:00:00:77:02"
WAN4, WAN6 = "203.0.113.1", "2001:db8:fffe::1"
ROUTER4, ROUTER6 = "203.0.113.80", "2001:db8:fffe::80"
_names = count()


def why_not() -> str:
    """Why there can be no network of our own here; empty: there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("nft") or not shutil.which("ip"):
        return "needs nft and ip (apt install nftables iproute2)"
    tried = subprocess.run(
        ["unshare", "-n", "nft", "-c", "-f", "-"],
        input=b"table inet a { set b { type ether_addr; size 9; flags dynamic,timeout; timeout 1s; counter; }\n}\n",
        capture_output=True,
    )
    return "" if tried.returncode == 0 else "no network namespace with nf_tables here"


WHY_NOT = why_not()
needs_network = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


def until(true: Callable[[], Any], *, timeout_s: float = 8) -> Any:
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        if found := true():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come to pass")


class Space:
    """One network namespace."""

    def __init__(self, name: str) -> None:
        self.name = name
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.ip("link set lo up")

    def argv(self, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *command]

    def run(self, *command: str, check: bool = True, text: str | None = None) -> str:
        done = subprocess.run(self.argv(*command), capture_output=True, text=True, input=text, timeout=30)
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def python(self, code: str) -> str:
        return self.run(sys.executable, "-c", code).strip()

    def ip(self, command: str) -> None:
        subprocess.run(["ip", "-n", self.name, *command.split()], check=True, capture_output=True)

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(self.argv(*command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def remove(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], check=False)


class Caller:
    """Somebody at the gate's socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        try:
            self.socket.connect(str(path))
        except OSError:
            self.socket.close()
            raise
        self._read = self.socket.makefile("rb")
        self._number = 0

    def send(self, line: bytes) -> None:
        self.socket.sendall(line + b"\n")

    def heard(self) -> dict[str, Any]:
        line = self._read.readline()
        if not line:
            raise EOFError
        return dict(json.loads(line))

    def ask(self, verb: str, **given: Any) -> dict[str, Any]:
        self._number += 1
        self.send(json.dumps({"id": self._number, "verb": verb, **given}).encode())
        answer = self.heard()
        assert answer.pop("id") == self._number
        return answer

    def do(self, verb: str, **given: Any) -> dict[str, Any]:
        answer = self.ask(verb, **given)
        assert answer.pop("ok") is True, answer
        return answer

    def close(self) -> None:
        self._read.close()
        self.socket.close()


class Box:
    """The shop's box between two guests on a bridge and an internet of one host, and the gate on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._spaces: list[Space] = []
        self._started: list[subprocess.Popen[str]] = []
        self._caller: Caller | None = None
        self.gate: subprocess.Popen[str] | None = None
        self.log = folder / "gate.log"
        self.config = folder / "gateway.toml"
        self.socket = folder / "gate.sock"
        number = f"sgt{os.getpid()}-{next(_names)}"
        self.box, self.internet = self._space(f"{number}b"), self._space(f"{number}i")
        self.first, self.second = self._space(f"{number}1"), self._space(f"{number}2")
        self._uplink()
        self._guests()
        self.configure()

    def configure(self, **keys: Any) -> None:
        keys = {
            "interface": "guest0",
            "uplink": "wan0",
            "address4": "10.77.0.1/24",
            "address6": "2001:db8:77::1/64",
            "socket": str(self.socket),
            "user": "nobody",
            **keys,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in keys.items()]
        self.config.write_text("[gate]\n" + "\n".join(lines) + "\n[listen.guest]\nport = 8080\n")

    def start_gate(self, *before: str, path: str | None = None) -> None:
        environ = {**os.environ, "PYTHONPATH": str(ROOT)} | ({"PATH": path} if path else {})
        with self.log.open("a") as log:
            self.gate = subprocess.Popen(
                self.box.argv(*before, sys.executable, "-m", "devices.access.gate", "--config", str(self.config)),
                stderr=log,
                env=environ,
                cwd=ROOT,
            )
        until(self.answers)

    def answers(self) -> bool:
        with contextlib.suppress(OSError, EOFError):
            caller = Caller(self.socket)
            try:
                return caller.ask("status")["rules"] != "starting"
            finally:
                caller.close()
        return False

    def stop_gate(self, number: int = signal.SIGTERM) -> None:
        assert self.gate is not None
        self._hang_up()
        self.gate.send_signal(number)
        self.gate.wait(10)

    def caller(self) -> Caller:
        """One for all that is asked of this gate."""
        if self._caller is None:
            self._caller = Caller(self.socket)
        return self._caller

    def _hang_up(self) -> None:
        if self._caller is not None:
            self._caller.close()
            self._caller = None

    def start(self, space: Space, *command: str) -> subprocess.Popen[str]:
        self._started.append(space.start(*command))
        return self._started[-1]

    def serve(self, space: Space, port: int, word: str) -> None:
        """Answers HTTP with one word, over both families."""
        code = f"""
import http.server, socket
class S(http.server.ThreadingHTTPServer):
    address_family, request_queue_size = socket.AF_INET6, 256
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "{len(word)}"); self.end_headers()
        self.wfile.write(b"{word}")
    def log_message(self, *a): pass
S(("::", {port}), H).serve_forever()
"""
        self.start(space, sys.executable, "-c", code)
        until(lambda: space.run("ss", "-Hltn", f"sport = :{port}"))

    def listed(self, name: str, kind: str = "set") -> list[Any]:
        """Elements of a set as nft shows them."""
        tree = json.loads(self.box.run("nft", "-j", "list", kind, "inet", "storegate", name))
        return next(part[kind].get("elem", []) for part in tree["nftables"] if kind in part)

    def members(self) -> dict[str, int]:
        """MAC → mark, as the kernel has them."""
        found = {}
        for key, value in self.listed("members", "map"):
            found[key["elem"]["val"]] = int(value)
        return found

    def close(self) -> None:
        self._hang_up()
        if self.gate is not None and self.gate.poll() is None:
            self.stop_gate()
        for process in self._started:
            process.kill()
            process.communicate()
        for space in self._spaces:
            space.remove()

    def _space(self, name: str) -> Space:
        self._spaces.append(Space(name))
        return self._spaces[-1]

    def _uplink(self) -> None:
        _cable(self.box, "wan0", self.internet, "eth0")
        """Its own network has public addresses; what is on the other side's loopback lies behind a router."""
        self.box.ip(f"addr add {WAN4}/24 dev wan0")
        self.box.ip(f"addr add {WAN6}/64 dev wan0 nodad")
        for address in (f"{ROUTER4}/24", "192.168.9.9/24"):
            self.internet.ip(f"addr add {address} dev eth0")
        self.internet.ip(f"addr add {ROUTER6}/64 dev eth0 nodad")
        for last in (80, 81):
            self.internet.ip(f"addr add 198.51.100.{last} dev lo")
            self.internet.ip(f"addr add 2001:db8:ffff::{last} dev lo nodad")
        self.internet.ip(f"-6 route add 2001:db8:77::/64 via {WAN6}")
        self.box.ip("route add 192.168.9.0/24 dev wan0")
        self.box.ip(f"route add default via {ROUTER4}")
        self.box.ip(f"-6 route add default via {ROUTER6}")

    def _guests(self) -> None:
        self.box.ip("link add guest0 type bridge")
        self.box.ip("addr add 10.77.0.1/24 dev guest0")
        self.box.ip("addr add 2001:db8:77::1/64 dev guest0 nodad")
        self.box.ip("link set guest0 up")
        for at, (space, mac) in enumerate(((self.first, GUEST), (self.second, SECOND)), 1):
            space.ip("link set lo up")
            _cable(self.box, f"port{at}", space, "eth0")
            self.box.ip(f"link set port{at} master guest0")
            space.run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_ra=0")
            space.ip(f"link set eth0 address {mac}")
            space.ip(f"addr add 10.77.0.{at + 10}/24 dev eth0")
            space.ip(f"addr add 2001:db8:77::{at + 10}/64 dev eth0 nodad")
            space.ip("route add default via 10.77.0.1")
            space.ip("-6 route add default via 2001:db8:77::1")


def _cable(one: Space, name: str, other: Space, its: str) -> None:
    subprocess.run(
        ["ip", "link", "add", name, "netns", one.name, "type", "veth", "peer", "name", its, "netns", other.name],
        check=True,
    )
    one.ip(f"link set {name} up")
    other.ip(f"link set {its} up")


@contextlib.contextmanager
def made() -> Iterator[Box]:
    """A folder of its own, which any user may look into: the socket is in it."""
    folder = Path(tempfile.mkdtemp(prefix="storegate-gate-"))
    folder.chmod(0o777)
    box = Box(folder)
    try:
        yield box
    finally:
        box.close()
        shutil.rmtree(folder)


@pytest.fixture(name="box")
def box() -> Iterator[Box]:
    with made() as a_box:
        yield a_box


def macs(number: int) -> list[dict[str, Any]]:
    """Members, as many as are asked for."""
    return [{"mac": f"02:00:00:01:{at >> 8:02x}:{at & 255:02x}", "mark": at + 1, "end_s": 3600} for at in range(number)]
