"""A line that is too small for two guests, one of whom opens eight connections: in equal halves, down and up."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from devices.access.gate import fairness
from devices.access.gate.settings import Settings
from tests.peers.wifi.given_namespaces import Namespace

pytestmark = pytest.mark.vm
MBIT = 1
LINE = Settings(interface="guest0", uplink="wan0", down_mbit=MBIT, up_mbit=MBIT)
MASQUERADE = 'table ip t { chain c { type nat hook postrouting priority 100; oifname "wan0" masquerade; }; }'
FAR, PORT = "203.0.113.80", 9000
GREEDY = 8
LOOK_S = 8.0
SIZE = 1200
UDP = (socket.AF_INET, socket.SOCK_DGRAM)


class Shop:
    """The box in a namespace, two guests, one server behind the line."""

    def __init__(self) -> None:
        self.box = Namespace("fair-box")
        self.far = Namespace("fair-far")
        self.guests = [Namespace("fair-one"), Namespace("fair-two")]
        box, far = self.box, self.far
        box.ip("link add guest0 type bridge", "addr add 10.64.0.1/24 dev guest0", "link set guest0 up")
        box.ip(f"link add wan0 type veth peer name eth0 netns {far.name}")
        box.ip("addr add 203.0.113.1/24 dev wan0", "link set wan0 up")
        far.ip(f"addr add {FAR}/24 dev eth0", "link set eth0 up")
        for number, guest in enumerate(self.guests):
            box.ip(
                f"link add p{number} type veth peer name eth0 netns {guest.name}",
                f"link set p{number} master guest0 up",
            )
            guest.ip(
                f"addr add 10.64.0.{10 + number}/24 dev eth0", "link set eth0 up", "route add default via 10.64.0.1"
            )
        box.sysctl(net__ipv4__ip_forward=1)
        box.run("nft", "-f", "-", given=MASQUERADE)
        self.far_end = far.socket(*UDP)
        self.far_end.bind((FAR, PORT))

    def share(self) -> str:
        kind, _ = self.box.inside(lambda: fairness.share(LINE))
        return kind

    def shares(self, direction: str) -> list[int]:
        """Datagrams that came through, of the guest with many connections and of the one with one.

        Each connection alone would fill the line, and no loss slows it down: so the line's queue decides.
        """
        guests = [(which, self.guests[which].socket(*UDP)) for which in [0] * GREEDY + [1]]
        for which, sock in guests:
            sock.connect((FAR, PORT))
            sock.send(bytes([which]) * SIZE)
        self.far_end.settimeout(5)
        doors = [self.far_end.recvfrom(SIZE) for _ in guests]
        to = [(sock, None) for _, sock in guests] if direction == "up" else [(self.far_end, at) for _, at in doors]
        which_of = [which for which, _ in guests] if direction == "up" else [data[0] for data, _ in doors]
        ends_s = time.monotonic() + LOOK_S
        paced = threading.Thread(target=self._send, args=(list(zip(which_of, to, strict=True)), ends_s))
        paced.start()
        counts = [0, 0]
        ears = [self.far_end] if direction == "up" else [sock for _, sock in guests]
        while time.monotonic() < ends_s:
            for ear in select.select(ears, [], [], 0.1)[0]:
                counts[ear.recv(SIZE)[0]] += 1
        paced.join()
        for _, sock in guests:
            sock.close()
        return counts

    @staticmethod
    def _send(all_of_them: list[tuple[int, tuple[socket.socket, Any]]], ends_s: float) -> None:
        while time.monotonic() < ends_s:
            for which, (sock, at) in all_of_them:
                sock.sendto(bytes([which]) * SIZE, at) if at else sock.send(bytes([which]) * SIZE)
            time.sleep(SIZE * 8 / (MBIT * 1_000_000))

    def close(self) -> None:
        self.far_end.close()
        for space in (*self.guests, self.far, self.box):
            space.close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.close()


@pytest.fixture
def lacks(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Words of tc that this kernel is to refuse."""
    real, lacking = fairness._tc, set[str]()
    monkeypatch.setattr(fairness, "_tc", lambda tc, words: None if lacking & {*words} else real(tc, words))
    return lacking


@pytest.mark.parametrize("direction", ["down", "up"])
@pytest.mark.parametrize(("without", "kind"), [("", "cake"), ("cake", "fq_codel")])
def test_each_guest_has_half(shop: Shop, lacks: set[str], without: str, kind: str, direction: str) -> None:
    lacks.add(without)
    assert shop.share() == kind
    greedy, modest = shop.shares(direction)
    assert 0.5 < modest / greedy < 2, (greedy, modest)


def test_where_guests_can_not_be_told_apart_it_is_said(shop: Shop, lacks: set[str]) -> None:
    """And so these tests see a difference."""
    lacks |= {"cake", "flow"}
    assert shop.share() == fairness.PER_CONNECTION
    greedy, modest = shop.shares("down")
    assert modest / greedy < 0.3, (greedy, modest)


def test_what_is_no_longer_wanted_goes_and_what_is_not_ours_stays(shop: Shop) -> None:
    def kinds() -> dict[str, str]:
        words = [line.split() for line in shop.box.run("tc", "qdisc", "show").splitlines() if " root " in line]
        return {word[4]: word[1] for word in words}

    before = kinds()
    shop.share()
    assert {kinds()["guest0"], kinds()["wan0"]} == {"cake"}
    assert shop.box.inside(lambda: fairness.share(Settings(interface="guest0", uplink="wan0", up_mbit=4)))[0] == "cake"
    assert (kinds()["guest0"], kinds()["wan0"]) == (before["guest0"], "cake")
    assert shop.box.inside(lambda: fairness.share(Settings(interface="guest0", uplink="wan0"))) == ("none", None)
    assert kinds() == before
    shop.box.run("tc", "qdisc", "add", "dev", "guest0", "root", "handle", "7:", "htb")
    kind, wrong = shop.box.inside(lambda: fairness.share(LINE))
    assert kind == "none"
    assert wrong is not None
    assert "somebody else" in wrong[0]
    shop.box.inside(lambda: fairness.share(Settings(interface="guest0", uplink="wan0")))
    assert (kinds()["guest0"], kinds()["wan0"]) == ("htb", before["wan0"])
