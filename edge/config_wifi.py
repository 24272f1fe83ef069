"""Sections of gateway.toml for the guest Wi-Fi: the network and its gate, the portal, the access point.

`[gate]` is read by `storegate-gate` too, which runs with CAP_NET_ADMIN and imports nothing of this package: it checks
the few keys it uses itself, and a test holds both to the same names and defaults.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from edge.checked import Secret
from edge.config_base import Port, Section
from edge.ids import Name

PRIVATE = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
    "ff00::/8",
)
"""Where guests never get to: the shop's own networks, wherever they hang."""
Interface = Annotated[
    str,
    Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,14})?\Z", extra={"wanted": "an interface like wlan0 or br-guest"}),
]


class GateSection(Section, frozen=True, kw_only=True):
    """The guest network on this box, and the small process that lets guests through."""

    driver: Literal["gate", "fake"] = "gate"
    """fake: no kernel is touched, and every address of loopback is a guest (the demo, tests)."""
    interface: Interface = ""
    """The guest network's side; empty: there is no guest Wi-Fi here."""
    uplink: Interface = ""
    """The way to the internet; guests are let through to nothing else."""
    address4: str = "10.64.0.1/20"
    """Of this box in the guest network, with its length."""
    address6: str = ""
    """Likewise; empty: guests have no IPv6, and none is forwarded."""
    masquerade6: bool = False
    """Where `address6` is not routed from outside (a ULA)."""
    socket: str = "/run/storegate-gate/gate.sock"
    user: str = "storegate"
    """Beside root, the only user whose orders the gate takes."""
    dns_port: Port = 8053
    """Captive DNS of the daemon; guests who are not let in are led there from 53."""
    tls_port: Port = 8443
    """The guest pages over TLS; led there from 443 of this box."""
    idle_s: Annotated[int, Meta(ge=60, le=86_400)] = 1800
    """A guest who sends nothing for so long is out."""
    portal_connections: Annotated[int, Meta(ge=4, le=256)] = 16
    """Of one guest to the portal at once."""
    guest_connections: Annotated[int, Meta(ge=32, le=65_535)] = 512
    """Of one guest to the internet at once."""
    blocked: tuple[str, ...] = PRIVATE
    """Networks that guests never reach, wherever they hang; beside those that this box is in itself."""
    reachable: tuple[str, ...] = ()
    """Networks and addresses by the uplink that members reach all the same."""
    down_mbit: Annotated[float, Meta(ge=0, le=100_000)] = 0.0
    """What the line brings: shared fairly among guests; 0: no shaping."""
    up_mbit: Annotated[float, Meta(ge=0, le=100_000)] = 0.0


class WechatSection(Section, frozen=True, kw_only=True):
    """微信连Wi-Fi, device type 31 (portal). Empty `app_id`: not offered."""

    app_id: str = ""
    shop_id: str = ""
    ssid: str = ""
    secret_key: Secret = Secret("")
    pass_s: Annotated[int, Meta(ge=30, le=300)] = 120
    """The temporary pass in which the phone reaches WeChat."""


class SmsSection(Section, frozen=True, kw_only=True):
    """Codes by SMS, sent by the cloud. `per_shop_day` 0: not offered."""

    per_shop_day: Annotated[int, Meta(ge=0, le=100_000)] = 0
    per_number_day: Annotated[int, Meta(ge=1, le=100)] = 5
    country_code: Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,2}\Z", extra={"wanted": "digits like 86"})] = "86"


class PortalSection(Section, frozen=True, kw_only=True):
    """What guests meet before the internet. What it looks like and offers is in the document `portals`."""

    policy: str = "none"
    """What is asked, logged and kept how long: cn, eu, none, or the path of a file like those."""
    name: str = ""
    """Public name of the portal, which the certificate is for: s042.portal.example.net; empty: plain HTTP only."""
    cert_file: str = ""
    """PEM, full chain; read again when it changes."""
    key_file: str = ""
    leases_file: str = "/var/lib/misc/dnsmasq.leases"
    lease_s: Annotated[int, Meta(ge=120, le=86_400)] = 3600
    dns_upstream: tuple[str, ...] = ()
    """Resolvers for the walled garden; empty: those of /etc/resolv.conf."""
    offline_answers: bool = False
    """Without an uplink, tell members' phones that all is well, so that they stay."""
    devices: Annotated[int, Meta(ge=1, le=100)] = 3
    """Of one member at once, where the portal's document and the voucher say nothing."""
    most_guests: Annotated[int, Meta(ge=1, le=16_000)] = 2000
    staff: dict[Name, Secret] = {}
    """Who of the staff → their code, 12 characters or more: no limit of time or bytes."""
    wechat: WechatSection = WechatSection()
    sms: SmsSection = SmsSection()


class AccessPointSection(Section, frozen=True, kw_only=True):
    """For `storegate render hostapd`: this box's own radio as access point. Empty `interface`: somebody else's."""

    interface: Interface = ""
    ssid: Annotated[str, Meta(max_length=32)] = "Free Wi-Fi"
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z", extra={"wanted": "two letters like CN"})] = "CN"
    band: Literal["2.4", "5"] = "2.4"
    channel: Annotated[int, Meta(ge=0, le=196)] = 6
    """0: the driver chooses, where it can."""
    security: Literal["open", "owe", "wpa2"] = "open"
    passphrase_file: str = ""
    """wpa2: its first line, 8 to 63 characters."""
