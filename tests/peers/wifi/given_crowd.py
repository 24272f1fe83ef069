"""Many guests at once: phones that are no more than a MAC and an address each, and sessions that are only rows."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from edge.access_answers import Admitted, Way
from edge.clock import Clock
from edge.config import load
from edge.documents import Documents
from edge.events import GuestProven
from edge.ids import Mac
from edge.journal import Journal
from edge.shop import Shop
from tests.peers.wifi.given_network import GUEST4, Network


class Crowd:
    """One namespace on the guest bridge with `count` interfaces of IPv4; a socket says which of them it is from."""

    def __init__(self, network: Network, count: int) -> None:
        self.network = network
        self.count = count
        self.space = network.namespace("crowd", resolver=GUEST4)
        network.gateway.ip(f"link add crowd type veth peer name eth0 netns {self.space.name}")
        network.plug("crowd", isolated=True)
        self.space.sysctl(
            net__ipv6__conf__all__disable_ipv6=1, net__ipv6__conf__default__disable_ipv6=1,
            net__ipv4__conf__all__arp_ignore=1, net__ipv4__conf__all__arp_announce=2,
        )  # fmt: skip
        self.space.ip("link set eth0 up")
        lines = []
        for number in range(count):
            lines += [
                f"link add m{number} link eth0 address {self.mac(number)} type macvlan mode private",
                f"addr add {self.address(number)}/20 dev m{number}",
                f"link set m{number} up",
            ]
        self.space.ip(*lines)

    @staticmethod
    def mac(number: int) -> str:
        return f"0a:00:00:00:{number >> 8:02x}:{number & 255:02x}"

    @staticmethod
    def address(number: int) -> str:
        return f"10.64.{8 + number // 250}.{1 + number % 250}"

    def socket(self, number: int, kind: int = socket.SOCK_STREAM) -> socket.socket:
        sock = self.space.socket(socket.AF_INET, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, f"m{number}".encode())
        sock.bind((self.address(number), 0))
        return sock

    def close(self) -> None:
        self.network.ports.pop("crowd", None)
        self.network.gateway.ip("link del crowd", check=False)
        self.network.release(self.space)


def seed(config: Path, count: int) -> None:
    """Sessions of guests who came in while nobody looked: the shop's own rules write them, no daemon may run."""
    asyncio.run(_seed(config, count))


async def _seed(path: Path, count: int) -> None:
    config = load(path)
    documents = Documents.open(config.state_path)
    clock = Clock()
    shop = documents.shop(config)
    journal = Journal.open(config.state_path / "journal.sqlite", shop=shop, clock=clock)
    try:
        outcomes = await asyncio.gather(*(journal.submit(_proven(number, clock, shop)) for number in range(count)))
        assert all(isinstance(outcome.reply, Admitted) for outcome in outcomes), outcomes[0].reply
    finally:
        await journal.close()


def _proven(number: int, clock: Clock, shop: Shop) -> GuestProven:
    return GuestProven(
        at=clock.now(),
        session=f"seed-{number}",
        mac=Mac(f"0e:00:00:01:{number >> 8:02x}:{number & 255:02x}"),
        holder=f"wallet-{number:032x}",
        visitor=f"{number:032x}",
        phone=f"{number:032x}",
        way=Way.CLICK,
        consent=shop.policy,
    )
