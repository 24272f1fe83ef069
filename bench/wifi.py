"""The guest Wi-Fi in network namespaces: real HTTP, real nftables, real dnsmasq. Needs root; openNDS where it is."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import dns.message

from bench import opennds, processes
from bench.row import Row
from tests.peers.wifi.given_crowd import Crowd, seed
from tests.peers.wifi.given_gateway import Gateway
from tests.peers.wifi.given_login import leave, let_in
from tests.peers.wifi.given_namespaces import Namespace, missing, until
from tests.peers.wifi.given_network import GUEST4, NET4, Network
from tests.peers.wifi.given_phone import Phone

LOGINS = 250
ROUNDS = 3
MEMBERS = (1, 500, 2000)
MAX_RSS_MB = 80
IPERF_S = 1
IPERF_ROUNDS = 11
LOGOUTS = 7
QUESTIONS_EACH = 20
QUESTIONS_PER_S = 1500
"""Below what all guests together are answered."""


def rows() -> Iterator[Row]:
    if reason := missing():
        sys.stderr.write(f"wifi: nothing measured: {reason}\n")
        return
    with tempfile.TemporaryDirectory(prefix="storegate-bench-") as folder:
        with _shop(Path(folder) / "shop") as gateway:
            yield from _memory(gateway, 0)
            yield from _logins(gateway)
            yield from _logout(gateway)
            gateway.kill("daemon")
            seed(gateway.config, MEMBERS[-1])
            gateway.start_daemon()
            until(lambda: len(gateway.ask("list")["members"]) >= MEMBERS[-1], within_s=30, what="all members are in")
            time.sleep(12)  # one round of counting
            yield from _memory(gateway, MEMBERS[-1])
        with _shop(Path(folder) / "gate", daemon=False) as gateway:
            yield from _throughput(gateway)
        yield from opennds.compared(Path(folder) / "opennds")


@contextlib.contextmanager
def _shop(folder: Path, *, daemon: bool = True) -> Iterator[Gateway]:
    folder.mkdir()
    network = Network(folder)
    try:
        gateway = Gateway(network)
        gateway.configure(portal="most_guests = 5000")
        if daemon:
            gateway.start()
            until(gateway.gate_up, within_s=20, what="the daemon has its gate")
        else:
            gateway.start_gate()
            gateway.start_dnsmasq()
        yield gateway
        gateway.stop()
    finally:
        network.close()


def _logins(gateway: Gateway) -> Iterator[Row]:
    """Splash page and form, each on a new connection; every guest a MAC of its own."""
    crowd = Crowd(gateway.network, LOGINS * (ROUNDS + 1))
    note = "splash page and form, a new connection each, every guest another MAC; 4 at once"
    rates, costs = [], []
    for number in range(ROUNDS):
        before = cpu_s(gateway)
        told = guests(crowd.space, number * LOGINS, LOGINS, 4)
        rates.append(told["in"] / told["seconds"])
        costs.append((cpu_s(gateway) - before) / told["in"] * 1e3)
    lone = guests(crowd.space, ROUNDS * LOGINS, 50, 1)
    yield Row(
        part="wifi",
        what="logins",
        value=statistics.median(rates),
        unit="/s",
        hold=100,
        at_least=True,
        note=note,
    )
    yield Row(part="wifi", what="login: CPU", value=statistics.median(costs), unit="ms", note="daemon and gate")
    yield Row(part="wifi", what="login: one guest's wait", value=lone["median_s"] * 1e3, unit="ms", note=note)
    yield from _dns(gateway, crowd)
    crowd.close()


def guests(space: Namespace, first: int, count: int, threads: int) -> dict[str, float]:
    words = [sys.executable, str(Path(__file__).with_name("guests.py")), *map(str, (first, count, threads))]
    told: dict[str, float] = json.loads(space.run(*words, within_s=300))
    if told["in"] < told["of"]:
        raise RuntimeError(f"only {told['in']} of {told['of']} guests were let in")
    return told


def _dns(gateway: Gateway, crowd: Crowd) -> Iterator[Row]:
    """Guests who are not in: their questions, no more than each is answered."""
    first, count = ROUNDS * LOGINS + 50, LOGINS - 50
    query = dns.message.make_query("connectivitycheck.gstatic.com", "A").to_wire()
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(crowd.socket(number, socket.SOCK_DGRAM)) for number in range(first, first + count)]
        for sock in socks:
            sock.connect((GUEST4, 53))
            sock.setblocking(False)
        asked(socks, query)  # the box learns who they are
        time.sleep(1)
        before, answered = cpu_s(gateway), 0
        for _ in range(QUESTIONS_EACH):
            answered += asked(socks, query)
            time.sleep(count / QUESTIONS_PER_S)
        cost_us = (cpu_s(gateway) - before) / max(1, answered) * 1e6
    note = f"{answered} of {QUESTIONS_EACH * count} answered; bounded to 2,000/s for all, 20/s for each"
    yield Row(part="wifi", what="captive DNS: CPU of a question", value=cost_us, unit="µs", note=note)
    yield Row(part="wifi", what="captive DNS: what one core could", value=1e6 / cost_us, unit="/s", note=note)


def asked(socks: Sequence[socket.socket], query: bytes) -> int:
    """One question of each; how many were answered before nothing came any more."""
    for sock in socks:
        sock.send(query)
    waiting = list(socks)
    while waiting and (ready := select.select(waiting, [], [], 0.1)[0]):
        for sock in ready:
            sock.recv(4096)
            waiting.remove(sock)
    return len(socks) - len(waiting)


def _logout(gateway: Gateway) -> Iterator[Row]:
    """From the tap to the last byte of a running download."""
    took_s = []
    for _ in range(LOGOUTS):
        phone = Phone(gateway.network)
        let_in(phone)
        with phone.download() as running:
            reader = _Reader(running)
            time.sleep(0.2)
            began = time.monotonic()
            leave(phone)
            took_s.append(reader.last_byte() - began)
        phone.close()
    note = f"worst of {LOGOUTS}; median {statistics.median(took_s) * 1e3:.0f} ms"
    yield Row(
        part="wifi", what="logout to a download's last byte", value=max(took_s) * 1e3, unit="ms", hold=1000, note=note
    )


class _Reader:
    """Reads on and remembers when the last byte came."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._last = time.monotonic()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        self._sock.settimeout(1)
        with contextlib.suppress(OSError):
            while self._sock.recv(1 << 18):
                self._last = time.monotonic()

    def last_byte(self) -> float:
        self._thread.join()
        return self._last


def _memory(gateway: Gateway, members: int) -> Iterator[Row]:
    assert gateway.daemon is not None
    assert gateway.gate is not None
    for name, process in (("daemon", gateway.daemon), ("gate", gateway.gate)):
        rss, hold = processes.rss_mb(process.pid), MAX_RSS_MB if name == "daemon" else None
        yield Row(part="wifi", what=f"RSS of the {name}, {members} members", value=rss, unit="MB", hold=hold)


def _throughput(gateway: Gateway) -> Iterator[Row]:
    """Both ways, TCP over veth: the CPU is the limit, so what a member costs would show."""
    phone = Phone(gateway.network)
    gateway.network.internet.start("iperf3", "-s", log=gateway.folder / "iperf3.log")
    until(lambda: gateway.network.internet.listens(5201), within_s=5, what="iperf3")
    gbit: dict[int, list[float]] = {count: [] for count in MEMBERS}
    for _ in range(IPERF_ROUNDS):
        for count in MEMBERS:  # in turns: the machine's other work hits all alike
            crowd = [{"mac": Crowd.mac(number), "mark": 10 + number, "end_s": 3600} for number in range(count - 1)]
            gateway.ask("reset", members=[*crowd, {"mac": phone.mac, "mark": 1, "end_s": 3600}])
            gbit[count].append(iperf(phone))
    alone = statistics.median(gbit[1])
    for count in MEMBERS:
        median = statistics.median(gbit[count])
        spread = f"{min(gbit[count]):.1f} to {max(gbit[count]):.1f}"
        note = f"iperf3 -R, IPv4, {IPERF_ROUNDS} runs of {IPERF_S} s in turns, {spread}"
        yield Row(
            part="wifi", what=f"throughput, {count} member{'s' * (count > 1)}", value=median, unit="Gbit/s", note=note
        )
    loss = (1 - statistics.median(gbit[MEMBERS[-1]]) / alone) * 100
    yield Row(
        part="wifi", what=f"{MEMBERS[-1]} members cost", value=loss, unit="%", hold=5, note="of the throughput of one"
    )


def iperf(phone: Phone) -> float:
    told = json.loads(phone.space.run("iperf3", "-c", NET4, "-R", "-J", "-t", str(IPERF_S), within_s=30))
    return float(told["end"]["sum_received"]["bits_per_second"]) / 1e9


def cpu_s(gateway: Gateway) -> float:
    return sum(processes.cpu_s(process.pid) for process in (gateway.daemon, gateway.gate) if process is not None)
