"""A phone of a guest: leases, resolves, fetches; each in its own namespace, with a MAC of its own."""

from __future__ import annotations

import contextlib
import itertools
import socket
import struct
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype

from tests.peers.wifi.given_http import Answer, connect, fetch
from tests.peers.wifi.given_namespaces import until
from tests.peers.wifi.given_network import GUEST4, Network

IPHONE = "CaptiveNetworkSupport-443.0.1 wispr"
SCRIPT = """#!/bin/sh
case "$1" in bound|renew) ;; *) exit 0 ;; esac
ip addr replace "$ip/$mask" dev "$interface"
ip route replace default via "${router%% *}" dev "$interface"
env >"@LEASE@"
"""
_numbers = itertools.count(1)


def udp4(source: str, target: str, source_port: int, port: int, data: bytes) -> bytes:
    """An IPv4 packet, for frames that no socket would send."""
    udp = struct.pack("!HHHH", source_port, port, 8 + len(data), 0) + data
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                       socket.inet_aton(source), socket.inet_aton(target))  # fmt: skip
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return head[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + head[12:] + udp


class Phone:
    def __init__(self, network: Network, *, isolated: bool = True, hostname: str = "", joined: bool = True) -> None:
        number = next(_numbers)
        self.network = network
        self.mac = f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        self.port = f"p{number}"
        self.hostname = hostname
        self.address4 = ""
        self.address6 = ""
        self.lease: dict[str, str] = {}
        self.cookies: dict[str, str] = {}
        self.space = network.namespace(f"p{number}", resolver=GUEST4)
        self._lease_file = network.folder / f"lease-{number}"
        network.gateway.ip(f"link add {self.port} type veth peer name eth0 netns {self.space.name}")
        self.space.sysctl(
            net__ipv6__conf__eth0__router_solicitation_delay=0, net__ipv6__conf__eth0__router_solicitation_interval=1,
            net__ipv6__conf__eth0__use_tempaddr=0,
        )  # fmt: skip
        network.plug(self.port, isolated=isolated)
        self.space.ip(f"link set eth0 address {self.mac} up")
        if joined:
            self.join()

    def close(self) -> None:
        self.network.ports.pop(self.port, None)
        self.network.gateway.ip(f"link del {self.port}", check=False)
        self.network.release(self.space)

    def join(self, *, ipv6: bool = True) -> None:
        """A lease by a real DHCP exchange, an address by router advertisement."""
        script = self._lease_file.with_suffix(".sh")
        script.write_text(SCRIPT.replace("@LEASE@", str(self._lease_file)), "utf-8")
        script.chmod(0o755)
        named = ["-x", f"hostname:{self.hostname}"] if self.hostname else []
        self.space.run("udhcpc", "-i", "eth0", "-n", "-q", "-f", "-t", "8", "-T", "1", "-O", "114", *named,
                       "-s", str(script))  # fmt: skip
        lines = self._lease_file.read_text("utf-8", "replace").splitlines()
        self.lease = dict(line.partition("=")[::2] for line in lines if "=" in line)
        self.address4 = self.lease["ip"]
        if ipv6:
            self.address6 = until(self._global6, within_s=10, what="an IPv6 address by router advertisement")

    def resolve(self, name: str, family: int = 4) -> str:
        """As its own resolver would: the DNS of its lease. Empty: no such address."""
        said = self.ask(name, "A" if family == 4 else "AAAA")
        for answer in said.answer if said else ():
            for record in answer:
                if record.rdtype in {dns.rdatatype.A, dns.rdatatype.AAAA}:
                    return str(record.to_text())
        return ""

    def ask(
        self, name: str, kind: str = "A", *, server: str = GUEST4, tcp: bool = False, within_s: float = 2.0
    ) -> dns.message.Message | None:
        """None: no answer in time, or refused."""
        query = dns.message.make_query(name, kind)
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        with self.space.socket(family, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as sock:
            sock.settimeout(within_s)
            with contextlib.suppress(OSError, EOFError, dns.exception.Timeout):
                sock.connect((server, 53))
                if tcp:
                    return dns.query.tcp(query, server, timeout=within_s, sock=sock)
                sock.send(query.to_wire())
                return dns.message.from_wire(sock.recv(65_535))
        return None

    def connect(self, address: str, port: int, *, within_s: float = 3.0) -> socket.socket:
        """Raises ConnectionRefusedError, TimeoutError."""
        return connect(self.space, address, port, within_s=within_s)

    def refused_s(self, address: str, port: int, *, within_s: float = 3.0) -> float:
        """How long until the connection was refused; fails where it was not."""
        began = time.monotonic()
        try:
            self.connect(address, port, within_s=within_s).close()
        except ConnectionRefusedError:
            return time.monotonic() - began
        raise AssertionError(f"{address} port {port} was not refused")

    def reaches(self, address: str, port: int, *, within_s: float = 1.0) -> bool:
        try:
            self.connect(address, port, within_s=within_s).close()
        except OSError:
            return False
        return True

    def datagram(self, address: str, port: int, *, within_s: float = 1.0) -> bytes | str:
        """What came back, or the name of what went wrong."""
        with self.space.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(within_s)
            try:
                sock.connect((address, port))
                sock.send(b"storegate")
                return sock.recv(2048)
            except OSError as error:
                return type(error).__name__

    def raw(self, address: str, port: int, data: bytes, *, within_s: float = 5.0) -> bytes:
        """What a server says to these bytes until it closes, or to a wait."""
        with self.connect(address, port, within_s=within_s) as sock:
            told = b""
            with contextlib.suppress(OSError):
                sock.sendall(data)
                while more := sock.recv(65_536):
                    told += more
            return told

    def fetch(
        self,
        url: str,
        *,
        family: int = 4,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        at: str = "",
        method: str = "",
        within_s: float = 5.0,
    ) -> Answer:
        """One request as its browser would send it. `at`: no name is looked up."""
        host = urlsplit(url).hostname or ""
        literal = ":" in host or host.replace(".", "").isdigit()
        began = time.monotonic()
        address = at or (host if literal else self.resolve(host, family))
        if not address:
            raise ConnectionError(f"{host} has no address")
        head = {"User-Agent": IPHONE, "Accept-Language": "en", **(headers or {})}
        if self.cookies:
            head.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        answer = fetch(
            self.space, url, at=address, data=data, headers=head, method=method, within_s=within_s, began=began
        )
        for line in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def online(self, family: int = 4) -> bool:
        """Reaches the internet, by name, as itself."""
        try:
            answer = self.fetch("http://www.example.net/who", family=family, within_s=2)
        except OSError:
            return False
        return answer.text.startswith("the internet, you are")

    def captive(self, family: int = 4) -> bool:
        """Its probe is led to the portal."""
        return self.fetch("http://captive.apple.com/hotspot-detect.html", family=family).status == 302

    def download(self, *, family: int = 4) -> socket.socket:
        """One that runs, and would never end."""
        address = self.resolve("www.example.net", family)
        sock = self.connect(address, 80)
        sock.sendall(b"GET /download HTTP/1.1\r\nHost: www.example.net\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 200")
        return sock

    def start(self, *command: str, log: Path) -> subprocess.Popen[bytes]:
        return self.space.start(*command, log=log)

    def frame(self, payload: bytes, *, kind: int, source: str = "", target: str = "") -> None:
        """An Ethernet frame as it is: spoofed, if `source` is somebody else's."""
        with self.space.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind(("eth0", 0))
            macs = [bytes.fromhex(mac.replace(":", "")) for mac in (target or self._gateway_mac(), source or self.mac)]
            sock.send(b"".join(macs) + struct.pack("!H", kind) + payload)

    def _gateway_mac(self) -> str:
        return self.network.gateway.run("cat", "/sys/class/net/guest0/address").strip()

    def _global6(self) -> str:
        for line in self.space.run("ip", "-6", "-o", "addr", "show", "dev", "eth0", "scope", "global").splitlines():
            if "tentative" not in line:
                return line.split("inet6 ")[1].split("/")[0]
        return ""
