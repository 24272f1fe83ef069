"""The gateway's own programs in its namespace: the gate, the daemon and dnsmasq as processes on one gateway.toml."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.peers.wifi.given_http import Answer, fetch
from tests.peers.wifi.given_namespaces import until
from tests.peers.wifi.given_network import GARDEN, GUEST4, GUEST4_LONG, GUEST6_LONG, Network

PORTAL_PORT = 8080
SHOP_PORT = 8081
ADMIN_PORT = 8082
TOKEN = "a-token-of-these-tests-only"
STAFF = "staff-code-of-these-tests"
START_S = 30.0
PORTAL = {
    "id": "main",
    "name_zh": "测试小店",
    "name_en": "The Test Shop",
    "ways": ["click", "voucher", "staff"],
    "limit": {"minutes": 60, "devices": 100},
    "garden": [GARDEN],
}


class Gateway:
    """`more`: lines of gateway.toml after `[gate]` and before `[portal]`'s own are done, by section."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.folder = network.folder
        self.space = network.gateway
        self.config = self.folder / "gateway.toml"
        self.socket = self.folder / "gate.sock"
        self.gate: subprocess.Popen[bytes] | None = None
        self.daemon: subprocess.Popen[bytes] | None = None
        self.dnsmasq: subprocess.Popen[bytes] | None = None
        self.configure()

    def configure(self, *, gate: str = "", portal: str = "", more: str = "") -> None:
        """Everything listens everywhere: what guests do not reach, they do not reach for the gate's sake."""
        self.config.write_text(
            f"""
[gateway]
tenant = "t"
store = "s"
id = "g"
state_dir = "{self.folder}/state"
language = "zh-CN"
[listen]
admin_token = "{TOKEN}"
[listen.guest]
host = "::"
port = {PORTAL_PORT}
[listen.shop]
host = "0.0.0.0"
port = {SHOP_PORT}
[listen.admin]
host = "0.0.0.0"
port = {ADMIN_PORT}
[stations.kiosk-1]
[outbox]
free_floor_mb = 1
[gate]
interface = "guest0"
uplink = "wan0"
address4 = "{GUEST4_LONG}"
address6 = "{GUEST6_LONG}"
socket = "{self.socket}"
user = "root"
{gate}
[portal]
leases_file = "{self.folder}/leases"
{portal}
[portal.staff]
anna = "{STAFF}"
{more}
""",
            "utf-8",
        )

    def start(self) -> None:
        self.start_gate()
        self.start_dnsmasq()
        self.put("portals", [PORTAL])
        self.start_daemon()

    # the gate

    def start_gate(self) -> None:
        self.gate = self._module("devices.access.gate", "--config", str(self.config), log="gate")
        until(lambda: self._alive(self.gate, "gate") and self.gate_says() == "in_place", within_s=START_S,
              what="the gate's rules are in place")  # fmt: skip

    def gate_says(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            return str(self.ask("status").get("rules", ""))
        return ""

    def ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        """One order to the gate, on a connection of its own."""
        with self.orders() as order:
            answer: dict[str, Any] = order(verb, **fields)
            return answer

    @contextlib.contextmanager
    def orders(self) -> Iterator[Any]:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(str(self.socket))
            told = sock.makefile("rb")

            def order(verb: str, **fields: Any) -> dict[str, Any]:
                sock.sendall(json.dumps({"id": 1, "verb": verb, **fields}).encode() + b"\n")
                line = told.readline()
                if not line:
                    raise ConnectionError("the gate closed")
                answer: dict[str, Any] = json.loads(line)
                return answer

            with told:
                yield order

    def members(self) -> set[str]:
        """MACs, as the kernel has them now: also while the gate is dead."""
        return set(self._macs("list", "map", "inet", "storegate", "members"))

    # the daemon

    def start_daemon(self) -> None:
        self.daemon = self._module("edge", "run", "--config", str(self.config), log="daemon")
        until(lambda: self._alive(self.daemon, "daemon") and self.ready(), within_s=START_S, what="the daemon is ready")

    def ready(self) -> bool:
        with contextlib.suppress(OSError):
            return self.admin("/readyz").status == 200
        return False

    def gate_up(self) -> bool:
        """As the daemon sees it."""
        return self.status().get("gate") == "up"

    def status(self) -> dict[str, Any]:
        told = self.admin("/api/v1/status")
        assert told.status == 200, told.text
        found: dict[str, Any] = json.loads(told.text).get("wifi") or {}
        return found

    def admin(self, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        """As somebody on the box, with the token."""
        head = {"Authorization": f"Bearer {TOKEN}", **(headers or {})}
        return fetch(self.space, f"http://127.0.0.1:{ADMIN_PORT}{path}", headers=head, **more)

    def put(self, kind: str, documents: Sequence[Mapping[str, Any]]) -> None:
        file = self.folder / f"{kind}.json"
        file.write_text(json.dumps(documents), "utf-8")
        self.storegate("documents", "put", kind, str(file))

    def storegate(self, *arguments: str, check: bool = True) -> str:
        command = [sys.executable, "-m", "edge", *arguments, "--config", str(self.config)]
        return self.space.run(*command, check=check, within_s=60)

    # dnsmasq

    def start_dnsmasq(self) -> None:
        file = self.folder / "dnsmasq.conf"
        file.write_text(self.storegate("render", "dnsmasq"), "utf-8")
        command = ["dnsmasq", "--keep-in-foreground", "--user=root", "--pid-file=", f"--conf-file={file}"]
        self.dnsmasq = self.space.start(*command, log=self.folder / "dnsmasq.log")
        until(lambda: self._alive(self.dnsmasq, "dnsmasq") and self.space.listens(53, "u"), within_s=10, what="dnsmasq")

    # the cloud

    def start_cloud(self) -> None:
        """A broker on the box's loopback and who answers there: SMS are in its log."""
        file = self.folder / "mosquitto.conf"
        file.write_text("user root\npersistence false\nlistener 1883 127.0.0.1\nallow_anonymous true\n", "ascii")
        self.space.start("mosquitto", "-c", str(file), log=self.folder / "mosquitto.log")
        until(lambda: self.space.listens(1883), within_s=10, what="mosquitto")
        more = {"PYTHONPATH": str(Path(__file__).parents[3])}
        cloud = str(Path(__file__).with_name("cloud.py"))
        self.space.start(sys.executable, cloud, log=self.folder / "cloud.log", more=more)

    # all

    def kill(self, name: str, sign: signal.Signals = signal.SIGKILL) -> None:
        process = getattr(self, name)
        if process is not None:
            process.send_signal(sign)
            process.wait(20)
            setattr(self, name, None)

    def stop(self) -> None:
        for name in ("daemon", "gate", "dnsmasq"):
            self.kill(name)

    def forget(self) -> None:
        """The box as it comes out of its carton: nobody was ever let in."""
        self.stop()
        self.lose_rules()
        shutil.rmtree(self.folder / "state", ignore_errors=True)
        (self.folder / "leases").unlink(missing_ok=True)

    def lose_rules(self) -> None:
        """As a reboot does."""
        self.space.run("nft", "flush", "ruleset")
        self.space.sysctl(net__ipv4__ip_forward=0, net__ipv6__conf__all__forwarding=0)

    def logs(self) -> str:
        return "".join(
            f"--- {name}\n{(self.folder / f'{name}.log').read_text('utf-8', 'replace')[-4000:]}"
            for name in ("gate", "daemon", "dnsmasq")
            if (self.folder / f"{name}.log").exists()
        )

    @property
    def url(self) -> str:
        return f"http://{GUEST4}"

    def _module(self, *command: str, log: str) -> subprocess.Popen[bytes]:
        more = {"PYTHONPATH": str(Path(__file__).parents[3]), "PYTHONDONTWRITEBYTECODE": "1"}
        return self.space.start(sys.executable, "-m", *command, log=self.folder / f"{log}.log", more=more)

    def _alive(self, process: subprocess.Popen[bytes] | None, name: str) -> bool:
        assert process is not None
        assert process.poll() is None, f"{name} ended\n{self.logs()}"
        return True

    def _macs(self, *command: str) -> Iterator[str]:
        told = json.loads(self.space.run("nft", "-j", *command) or "{}")
        for found in told.get("nftables", ()):
            for element in next(iter(found.values())).get("elem", ()):
                key = element[0] if isinstance(element, list) else element
                yield key["elem"]["val"] if isinstance(key, dict) else key
