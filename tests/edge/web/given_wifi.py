"""A guest Wi-Fi as the status page meets it: well, and unwell in every way."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from edge.access_answers import Admitted, Way
from edge.board import State, Wifi
from edge.config import Config
from edge.config_wifi import GateSection, PortalSection
from edge.events import GuestProven
from edge.ids import Mac
from tests.edge.web.given_admin import Admin, config

PORTAL = {
    "id": "shop",
    "name_zh": "好邻居便利店",
    "name_en": "Good Neighbour",
    "ways": ["click", "voucher"],
}


def wifi_config(state: Path, **portal: object) -> Config:
    """`portal`: keys of its section beside those of a shop with a certificate."""
    wanted = {
        "name": "s1.portal.example.net",
        "cert_file": "/none/cert.pem",
        "key_file": "/none/key.pem",
        "policy": "eu",
    }
    return config(
        state,
        gate=GateSection(interface="br-guest", uplink="eth0"),
        portal=PortalSection(**(wanted | portal)),  # type: ignore[arg-type]
    )


async def furnish(gateway: Admin, **portal: object) -> Wifi:
    """All is well, and people are on. The board's record, to make things worse."""
    await gateway.documents.put("portals", [PORTAL | portal], by="cli")
    wifi = gateway.board.wifi
    wifi.configured, wifi.gate, wifi.interface, wifi.uplink_interface = True, State.UP, "up", "up"
    wifi.fairness, wifi.members, wifi.waiting = "cake", 37, 12
    wifi.uplink, wifi.uplink_since = True, gateway.clock.now()
    wifi.dns_answered, wifi.dns_refused, wifi.dns_per_s = 18_452, 231, 4.2
    wifi.tls_days_left, wifi.tls_life_days = 71.5, 90.0
    wifi.refused = Counter({"voucher_unknown": 7, "stale": 3, "full": 1, "no_consent": 9, "closed": 4})
    return wifi


async def let_in(gateway: Admin, **ways: int) -> None:
    """So many come in, each another phone and person."""
    for way, count in ways.items():
        for number in range(count):
            who = f"{way}-{number}"
            guest = GuestProven(
                at=gateway.clock.now(),
                session=f"{who}-{gateway.clock.now().at_ms}",
                mac=Mac(f"02:00:00:{len(who):02x}:{ord(who[1]):02x}:{number:02x}"),
                holder=f"wallet-{who}",
                visitor=f"v-{who}",
                phone=f"day-{who}",
                way=Way(way),
                consent="eu/1",
            )
            assert isinstance(await gateway.pump.submit(guest), Admitted)


def worsen(gateway: Admin) -> None:
    """Everything at once that can be."""
    wifi = gateway.board.wifi
    wifi.gate, wifi.gate_problem = State.DOWN, "nothing listens at /run/storegate-gate/gate.sock"
    wifi.gate_hint = "sudo systemctl start storegate-gate"
    wifi.repairs, wifi.repaired = 3, gateway.clock.now()
    wifi.uplink, wifi.tls_days_left, wifi.tls_problem = False, None, "the certificate is for s2.portal.example.net"
    wifi.lease_problem = "/var/lib/misc/dnsmasq.leases can't be read"
    wifi.members = 2000
