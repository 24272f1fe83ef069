"""A shop's network of namespaces: phones on the guest bridge, the gateway, the shop's own LAN, the internet.

phone, phone … ──veth── [ guest0 │ gateway │ wan0 ] ──veth── [ lan0 │ router, behind it the internet and its resolver ]
                         10.64.0.1/20        shop0             └──veth── office (public addresses, the uplink's network)
                         2001:db8:77::1/64    └──veth── shop (a server)
Neither office nor shop is ever reached by a guest.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.peers.wifi.given_namespaces import Namespace, ours, sweep, until

GUEST4, GUEST6 = "10.64.0.1", "2001:db8:77::1"
GUEST4_LONG, GUEST6_LONG = f"{GUEST4}/20", f"{GUEST6}/64"
NET4, NET6 = "93.184.216.80", "2606:2800:ffff::80"
"""Where every name of the internet leads. No network of documentation: dnsmasq takes those for rebinding."""
GARDEN4, GARDEN6 = "93.184.216.81", "2606:2800:ffff::81"
"""But `GARDEN` leads here."""
GARDEN = "pay.example.com"
WAN4, WAN6 = "93.184.217.2", "2606:2800:fffe::2"
ROUTER4, ROUTER6 = "93.184.217.1", "2606:2800:fffe::1"
"""The uplink's own network has public addresses: the internet begins behind this router of it."""
OFFICE4, OFFICE6 = "93.184.217.9", "2606:2800:fffe::9"
"""A machine in there that guests must never reach, though no list of networks covers it."""
BEHIND4 = "192.168.77.1"
"""A private host behind the uplink: the modem's own pages, say."""
SHOP4, SHOP6 = "192.168.9.2", "fd00:9::2"
SHOP_PUBLIC4 = "203.0.113.9"
"""The shop's server has a public address too: no list of private networks covers it."""
BOX_SHOP4, BOX_SHOP6 = "192.168.9.1", "fd00:9::1"
INTERNET = Path(__file__).with_name("internet.py")


class Network:
    """Everything but the gate, the daemon and dnsmasq of the gateway."""

    def __init__(self, folder: Path) -> None:
        sweep()
        self.folder = folder
        self.name = ours()
        self.ports: dict[str, bool] = {}
        """Ports of the guest bridge → isolated."""
        self._made: list[Namespace] = []
        try:
            self.gateway = self.namespace("gw", resolver=NET4)
            self.internet = self.namespace("net")
            self.shop = self.namespace("shop")
            self.office = self.namespace("office")
            self._uplink()
            self._shop_lan()
            self.guest_bridge()
            self._serve()
        except BaseException:
            self.close()
            raise

    def namespace(self, what: str, *, resolver: str = "") -> Namespace:
        made = Namespace(f"{self.name}-{what}", resolver=resolver)
        self._made.append(made)
        return made

    def release(self, made: Namespace) -> None:
        made.close()
        self._made.remove(made)

    def close(self) -> None:
        while self._made:
            self._made.pop().close()

    def guest_bridge(self) -> None:
        """As at the start, and as after somebody pulled and put back the access point's interface."""
        self.gateway.ip(
            "link add guest0 type bridge",
            f"addr add {GUEST4_LONG} dev guest0",
            f"addr add {GUEST6_LONG} dev guest0 nodad",
            "link set guest0 up",
        )
        for port, isolated in self.ports.items():
            self.plug(port, isolated=isolated)

    def pull_guest_bridge(self) -> None:
        self.gateway.ip("link del guest0")

    def plug(self, port: str, *, isolated: bool) -> None:
        """Isolated: what an access point does to its stations."""
        self.ports[port] = isolated
        self.gateway.ip(f"link set {port} master guest0 up")
        if isolated:
            self.gateway.run("bridge", "link", "set", "dev", port, "isolated", "on")

    def cut_uplink(self) -> None:
        """The line behind the modem: the interface stays up, nothing answers any more."""
        self.internet.ip("link set lan0 down")

    def mend_uplink(self) -> None:
        self.internet.ip(
            "link set lan0 up",
            f"addr replace {ROUTER6}/64 dev lan0 nodad",
            f"route replace 2001:db8:77::/64 via {WAN6}",
        )

    def _uplink(self) -> None:
        gateway, internet, office = self.gateway, self.internet, self.office
        gateway.ip(f"link add wan0 type veth peer name eth0 netns {internet.name}")
        gateway.ip(f"addr add {WAN4}/24 dev wan0", f"addr add {WAN6}/64 dev wan0 nodad", "link set wan0 up")
        internet.ip(
            "link add lan0 type bridge", "link set eth0 master lan0 up",
            f"link add office type veth peer name eth0 netns {office.name}", "link set office master lan0 up",
            *(f"addr add {address}/24 dev lan0" for address in (ROUTER4, BEHIND4)),
            *(f"addr add {address} dev lo" for address in (NET4, GARDEN4)),
            *(f"addr add {address} dev lo nodad" for address in (NET6, GARDEN6)),
        )  # fmt: skip
        self.mend_uplink()
        gateway.ip(f"route add default via {ROUTER4}", f"route add default via {ROUTER6}")
        office.ip(
            f"addr add {OFFICE4}/24 dev eth0", f"addr add {OFFICE6}/64 dev eth0 nodad", "link set eth0 up",
            f"route add default via {ROUTER4}", f"route add default via {ROUTER6}",
            f"route add 2001:db8:77::/64 via {WAN6}",  # so that nothing but the gate keeps guests away
        )  # fmt: skip

    def _shop_lan(self) -> None:
        self.gateway.ip(f"link add shop0 type veth peer name eth0 netns {self.shop.name}")
        self.gateway.ip(
            f"addr add {BOX_SHOP4}/24 dev shop0", f"addr add {BOX_SHOP6}/64 dev shop0 nodad", "link set shop0 up",
            f"route add {SHOP_PUBLIC4}/32 dev shop0",
        )  # fmt: skip
        self.shop.ip(
            f"addr add {SHOP4}/24 dev eth0", f"addr add {SHOP6}/64 dev eth0 nodad",
            f"addr add {SHOP_PUBLIC4}/32 dev eth0", "link set eth0 up",
            f"route add default via {BOX_SHOP4}", f"route add default via {BOX_SHOP6}",
        )  # fmt: skip

    def _serve(self) -> None:
        resolver = [
            "dnsmasq", "--keep-in-foreground", "--user=root", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
            "--pid-file=", f"--listen-address={NET4},{NET6}", "--bind-interfaces",
            *(f"--address=/#/{address}" for address in (NET4, NET6)),
            *(f"--address=/{GARDEN}/{address}" for address in (GARDEN4, GARDEN6)),
        ]  # fmt: skip
        self.internet.start(*resolver, log=self.folder / "internet-dns.log")
        hosts = {"internet": self.internet, "shop": self.shop, "office": self.office}
        for name, where in hosts.items():
            ports = ("80", "443", "853", "8080")
            where.start(sys.executable, str(INTERNET), name, *ports, log=self.folder / f"{name}.log")
        until(
            lambda: self.internet.listens(53) and all(where.listens(8080) for where in hosts.values()),
            within_s=20, what="the internet serves",
        )  # fmt: skip
