"""Configuration → the files of dnsmasq and hostapd. Pure.

dnsmasq gives addresses and answers members' DNS; who is not let in never reaches it, the gate leads their queries to
the captive DNS. It is not asked to fill the gate's sets (`nftset`): it adds without a timeout, for forwarded answers
only, and after the answer is out. Neither program writes MAC addresses into the log.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator

from edge.config import Config
from edge.errors import UsageError

MOST_LEASES = 16_000
"""As many as the gate has room for; dnsmasq's own default is 1000."""
PORTAL_TTL_S = 60
FIVE_GHZ = "5"


def api_url(name: str) -> str:
    """Of RFC 8908, which phones are given with their lease."""
    return f"https://{name}/captive-portal/api"


def dnsmasq(config: Config, *, api: bool) -> str:
    """`api`: the portal's name has a certificate that is good, so phones may be told of it. Raises UsageError."""
    if not config.gate.interface:
        hint = "set gate.interface and gate.uplink in gateway.toml; `storegate config example` shows them"
        raise UsageError("there is no guest Wi-Fi in gateway.toml: gate.interface is empty", hint=hint)
    return _text("dnsmasq", _dnsmasq(config, api=api))


def hostapd(config: Config, *, passphrase: str = "") -> str:
    """`passphrase`: what `access_point.passphrase_file` holds. Raises UsageError."""
    point = config.access_point
    if not point.interface:
        hint = "set access_point.interface to this box's radio, or configure the access point that is somebody else's"
        raise UsageError("there is no access point in gateway.toml: access_point.interface is empty", hint=hint)
    if not config.gate.interface:
        hint = "set gate.interface: the same as access_point.interface, or the bridge it is put into"
        raise UsageError("an access point without a guest network: gate.interface is empty", hint=hint)
    if point.security == "wpa2" and not (
        8 <= len(passphrase) <= 63 and passphrase.isascii() and passphrase.isprintable()
    ):
        hint = "its first line: 8 to 63 characters of ASCII"
        raise UsageError("access_point.passphrase_file holds no passphrase of WPA2", hint=hint)
    return _text("hostapd", _hostapd(config, passphrase))


def _text(program: str, lines: Iterator[str]) -> str:
    head = f"# Made by `storegate render {program}` from gateway.toml: change it there, and make this anew.\n"
    return head + "".join(f"{line}\n" for line in lines)


def _dnsmasq(config: Config, *, api: bool) -> Iterator[str]:
    gate, portal = config.gate, config.portal
    own = ipaddress.IPv4Interface(gate.address4)
    first, last = lease_range(own)
    yield f"interface={gate.interface}"
    yield "except-interface=lo"
    yield "bind-dynamic"
    yield ""
    yield "# addresses"
    yield "dhcp-authoritative"
    yield "no-ping"
    yield f"dhcp-range={first},{last},{own.netmask},{portal.lease_s}"
    yield f"dhcp-lease-max={min(int(last) - int(first) + 1, MOST_LEASES)}"
    yield f"dhcp-leasefile={portal.leases_file}"
    yield f"dhcp-option=option:router,{own.ip}"
    yield f"dhcp-option=option:dns-server,{own.ip}"
    yield "# what a guest's phone calls itself is nobody's business, and no name others could look up"
    yield "dhcp-ignore-names"
    yield "quiet-dhcp"
    if gate.address6:
        own6 = ipaddress.IPv6Interface(gate.address6)
        yield ""
        yield "# IPv6: phones make their own addresses"
        yield "enable-ra"
        yield f"dhcp-range={own6.network.network_address},ra-stateless,{own6.network.prefixlen},{portal.lease_s}"
        yield f"dhcp-option=option6:dns-server,[{own6.ip}]"
        yield "quiet-dhcp6"
        yield "quiet-ra"
    if api and portal.name:
        yield ""
        yield "# where phones ask whether they are captive (RFC 8910)"
        yield f"dhcp-option=114,{api_url(portal.name)}"
        if gate.address6:
            yield f"dhcp-option=option6:103,{api_url(portal.name)}"
    yield ""
    yield "# DNS of members"
    yield "no-hosts"
    yield "domain-needed"
    yield "bogus-priv"
    yield "stop-dns-rebind"
    yield "cache-size=10000"
    yield "dns-forward-max=1000"
    if portal.dns_upstream:
        yield "no-resolv"
        yield from (f"server={address}" for address in portal.dns_upstream)
    if portal.name:
        addresses = [str(own.ip), *([str(ipaddress.IPv6Interface(gate.address6).ip)] if gate.address6 else [])]
        yield f"local=/{portal.name}/"
        yield f"host-record={portal.name},{','.join(addresses)},{PORTAL_TTL_S}"


def lease_range(own: ipaddress.IPv4Interface) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    """The larger part of the network on one side of the box's own address."""
    lowest, highest = own.network.network_address + 1, own.network.broadcast_address - 1
    if int(own.ip) - int(lowest) > int(highest) - int(own.ip):
        return lowest, own.ip - 1
    return own.ip + 1, highest


def _hostapd(config: Config, passphrase: str) -> Iterator[str]:
    point, gate = config.access_point, config.gate
    yield f"interface={point.interface}"
    if gate.interface != point.interface:
        yield f"bridge={gate.interface}"
    yield "driver=nl80211"
    yield "ctrl_interface=/run/hostapd"
    yield "# warnings only: lesser messages name phones"
    yield "logger_syslog=-1"
    yield "logger_syslog_level=4"
    yield "logger_stdout=-1"
    yield "logger_stdout_level=4"
    yield ""
    yield "# the name, in hex: it may be in any script"
    yield f"ssid2={point.ssid.encode().hex()}"
    yield "utf8_ssid=1"
    yield f"country_code={point.country}"
    yield "ieee80211d=1"
    yield f"hw_mode={'a' if point.band == FIVE_GHZ else 'g'}"
    yield f"channel={point.channel}"
    if point.band == FIVE_GHZ:
        yield "ieee80211h=1"
        yield "ieee80211ac=1"
    yield "ieee80211n=1"
    yield "wmm_enabled=1"
    yield ""
    yield "# guests never hear one another"
    yield "ap_isolate=1"
    yield "auth_algs=1"
    if point.security == "owe":
        yield "# encrypted without a password; phones too old for it do not join"
        yield "wpa=2"
        yield "wpa_key_mgmt=OWE"
        yield "rsn_pairwise=CCMP"
        yield "ieee80211w=2"
    elif point.security == "wpa2":
        yield "wpa=2"
        yield "wpa_key_mgmt=WPA-PSK"
        yield "rsn_pairwise=CCMP"
        yield "ieee80211w=1"
        yield f"wpa_psk={_wpa_psk(passphrase, point.ssid)}"


def _wpa_psk(passphrase: str, ssid: str) -> str:
    """IEEE 802.11, annex J.4: a key has no character that a line of this file could stumble over."""
    return hashlib.pbkdf2_hmac("sha1", passphrase.encode("ascii"), ssid.encode(), 4096, 32).hex()
