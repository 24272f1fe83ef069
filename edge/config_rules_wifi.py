"""Rules of gateway.toml for the guest Wi-Fi that a single value can't break. See `edge.config_rules`."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from edge.checked import nearest
from edge.cloud_asks import is_loopback
from edge.config_wifi import PRIVATE
from edge.errors import Mistake, MistakesError, StoregateError

if TYPE_CHECKING:
    from edge.config import Config
    from edge.config_wifi import AccessPointSection, GateSection, PortalSection

POLICIES = ("none", "cn", "eu")
MIN_STAFF_CODE = 12
MAX_SOCKET_BYTES = 107
"""sockaddr_un, less its zero byte."""
MAX_SSID_BYTES = 32
SLAAC = 64
DNS = 53
PREFIXES4 = range(8, 30)
MAX_NETWORKS = 1000
CHANNELS = {
    "2.4": frozenset(range(15)),
    "5": frozenset({0, *range(36, 65, 4), *range(100, 145, 4), *range(149, 178, 4)}),
}
JAPANS, USUAL5, RADAR = 14, 165, range(52, 145)
_HOST = re.compile(r"(?=.{4,200}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_PATH = re.compile(r"/[!-~]+")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,31}")
_KEY = re.compile(r"[!-~]*")


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Broken(NamedTuple):
    path: str
    problem: str
    needs: tuple[str, ...] = ()
    """Keys it looked at besides."""


def broken(config: Config) -> Iterator[Broken]:
    yield from _gate(config.gate)
    yield from _networks(config.gate)
    yield from _ports(config)
    yield from _listeners(config)
    yield from _portal(config.portal, config.gate)
    yield from _wechat(config.portal)
    yield from _staff(config.portal)
    yield from _access_point(config.access_point, config.gate)


def _gate(gate: GateSection) -> Iterator[Broken]:
    both = ("gate.interface", "gate.uplink", "gate.driver")
    if gate.driver == "gate" and bool(gate.interface) != bool(gate.uplink):
        missing, there = ("uplink", "interface") if gate.interface else ("interface", "uplink")
        yield Broken(f"gate.{missing}", f"is missing: gate.{there} alone leads nowhere", both)
    if gate.interface and gate.interface == gate.uplink:
        yield Broken("gate.uplink", "is gate.interface too: guests need a network of their own", both)
    if not _PATH.fullmatch(gate.socket) or len(gate.socket) > MAX_SOCKET_BYTES:
        yield Broken("gate.socket", f"got {gate.socket!r}, wanted a path like /run/storegate-gate/gate.sock")
    if not _USER.fullmatch(gate.user):
        yield Broken("gate.user", f"got {gate.user!r}, wanted a user's name")


def _networks(gate: GateSection) -> Iterator[Broken]:
    own4, own6 = address4(gate), address6(gate)
    if own4 is None or not _is_host(own4):
        yield Broken(
            "gate.address4",
            f"got {gate.address4!r}, wanted this box's address in the guest network with its length, "
            f"{PREFIXES4.start} to {PREFIXES4.stop - 1}: 10.64.0.1/20",
        )
    if gate.address6 and (own6 is None or not _is_host(own6)):
        text = (
            f"got {gate.address6!r}, wanted this box's address in the guest network with /{SLAAC}: fd12:3456:789a::1/64"
        )
        yield Broken("gate.address6", text)
    yield from _list("gate.blocked", gate.blocked, "guests would reach nothing at all")
    yield from _list("gate.reachable", gate.reachable, "guests would reach all that the shop has")


def _list(path: str, networks: Sequence[str], everything: str) -> Iterator[Broken]:
    if len(networks) > MAX_NETWORKS:
        yield Broken(path, f"has more than {MAX_NETWORKS} networks")
        return
    for index, text in enumerate(networks):
        try:
            net = ipaddress.ip_network(text)
        except ValueError:
            hint = _meant_network(text)
            yield Broken(f"{path}[{index}]", f"got {text!r}, wanted a network like {hint or '192.168.0.0/16'}")
            continue
        if not net.prefixlen:
            yield Broken(f"{path}[{index}]", f"got {text!r}: {everything}")


def _meant_network(text: str) -> str:
    """Of 192.168.1.5/16, where the bits beyond the length are set."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return ""


def address4(gate: GateSection) -> ipaddress.IPv4Interface | None:
    try:
        found = ipaddress.IPv4Interface(gate.address4)
    except ValueError:
        return None
    return found if "/" in gate.address4 and found.network.prefixlen in PREFIXES4 else None


def address6(gate: GateSection) -> ipaddress.IPv6Interface | None:
    try:
        found = ipaddress.IPv6Interface(gate.address6)
    except ValueError:
        return None
    return found if found.network.prefixlen == SLAAC and found.ip.scope_id is None else None


def _is_host(own: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> bool:
    """One box's, that may be routed."""
    ip, net = own.ip, own.network
    ends = {net.network_address, net.broadcast_address} if own.version == 4 else {net.network_address}
    strange = ip.is_multicast or ip.is_loopback or ip.is_link_local or ip.is_unspecified
    return not strange and ip not in ends and not (own.version == 4 and int(ip) >> 24 in {0, *range(240, 256)})


def _ports(config: Config) -> Iterator[Broken]:
    """Guests are led to them by number, and each does something else."""
    gate, listen = config.gate, config.listen
    if not gate.interface or gate.driver != "gate":
        return
    led = {
        "listen.guest.port": listen.guest.port,
        "gate.tls_port": gate.tls_port,
        "gate.dns_port": gate.dns_port,
    }
    needs = ("gate.interface", "gate.driver")
    for path, port in led.items():
        if port == 0:
            yield Broken(path, "is 0: guests are led to it, so it can't be left to the system", needs)
        if port == DNS:
            yield Broken(path, f"is {DNS}, where dnsmasq answers members", needs)
    every = {"listen.shop.port": listen.shop.port, "listen.admin.port": listen.admin.port, **led}
    for path in ("gate.tls_port", "gate.dns_port"):
        port = every.pop(path)
        others = [other for other, its in every.items() if port and its == port]
        if others:
            yield Broken(path, f"{port} is the port of {others[0]} too", (*needs, others[0]))


def _listeners(config: Config) -> Iterator[Broken]:
    gate, listen = config.gate, config.listen
    own4, own6 = address4(gate), address6(gate)
    if not gate.interface or gate.driver != "gate" or own4 is None or not _is_host(own4):
        return
    if gate.address6 and own6 is None:
        return
    needs = ("gate.interface", "gate.address4", "gate.address6", "gate.driver")
    fits = {"::", *(() if gate.address6 else ("0.0.0.0", str(own4.ip)))}  # noqa: S104 - compared, not bound
    if listen.guest.host not in fits:
        wanted = '"::"' if gate.address6 else f'"::" or "{own4.ip}"'
        yield Broken("listen.guest.host", f"got {listen.guest.host!r}, wanted {wanted}: guests are led there", needs)
    guests = {str(own4.ip), *([str(own6.ip)] if own6 else [])}
    for name, host in (("shop", listen.shop.host), ("admin", listen.admin.host)):
        if host in guests:
            yield Broken(f"listen.{name}.host", f"{host} is this box's address among the guests", needs)


def _portal(portal: PortalSection, gate: GateSection) -> Iterator[Broken]:
    three = ("portal.name", "portal.cert_file", "portal.key_file")
    missing = [key for key in three if not getattr(portal, key.partition(".")[2])]
    if missing and len(missing) < len(three):
        yield Broken(missing[0], "is missing: name, cert_file and key_file go together", three)
    if portal.name and not _HOST.fullmatch(portal.name):
        text = f"got {portal.name!r}, wanted a public name in lower case like s042.portal.example.net"
        yield Broken("portal.name", text)
    for name in ("cert_file", "key_file"):
        if "\0" in getattr(portal, name):
            yield Broken(f"portal.{name}", "has a zero byte in it")
    if not _PATH.fullmatch(portal.leases_file):
        text = f"got {portal.leases_file!r}, wanted a path like /var/lib/misc/dnsmasq.leases"
        yield Broken("portal.leases_file", text)
    if portal.policy not in POLICIES and not _PATH.fullmatch(portal.policy):
        text = f"got {portal.policy!r}, wanted one of {', '.join(POLICIES)}, or the path of a file like those"
        meant = nearest(portal.policy, POLICIES)
        yield Broken("portal.policy", text + (f" — did you mean {meant!r}?" if meant else ""))
    own = {str(each.ip) for each in (address4(gate), address6(gate)) if each is not None and gate.interface}
    for index, text in enumerate(portal.dns_upstream):
        path = f"portal.dns_upstream[{index}]"
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            yield Broken(path, f"got {text!r}, wanted the address of a resolver like 223.5.5.5")
            continue
        if str(address) in own:
            needs = ("gate.address4", "gate.address6", "gate.interface")
            yield Broken(path, f"{text} is this box itself: it would ask itself for ever", needs)


def _wechat(portal: PortalSection) -> Iterator[Broken]:
    wechat = portal.wechat
    four = ("app_id", "shop_id", "ssid", "secret_key")
    missing = [key for key in four if not getattr(wechat, key)]
    if missing and len(missing) < len(four):
        needs = tuple(f"portal.wechat.{key}" for key in four)
        yield Broken(f"portal.wechat.{missing[0]}", f"is missing: {', '.join(four)} go together", needs)
    for key in ("app_id", "shop_id"):
        if not _KEY.fullmatch(getattr(wechat, key)):
            yield Broken(f"portal.wechat.{key}", "has characters that WeChat does not give")
    if not _KEY.fullmatch(wechat.secret_key.reveal()):
        yield Broken("portal.wechat.secret_key", "has characters beyond ASCII, or spaces")


def _staff(portal: PortalSection) -> Iterator[Broken]:
    seen: dict[str, str] = {}
    for name, secret in portal.staff.items():
        path, code = f"portal.staff.{name}", secret.reveal()
        if len(code) < MIN_STAFF_CODE or not _KEY.fullmatch(code):
            text = (
                f"wanted {MIN_STAFF_CODE} characters or more of ASCII without spaces; `openssl rand -hex 8` makes one"
            )
            yield Broken(path, text)
        elif seen.setdefault(code, name) != name:
            yield Broken(path, f"is the code of {seen[code]!r} too", (f"portal.staff.{seen[code]}",))


def _access_point(point: AccessPointSection, gate: GateSection) -> Iterator[Broken]:
    if not 1 <= len(point.ssid.encode("utf-8", "replace")) <= MAX_SSID_BYTES or not point.ssid.isprintable():
        text = f"wanted 1 to {MAX_SSID_BYTES} bytes that can be seen; a Chinese character takes three"
        yield Broken("access_point.ssid", f"got {point.ssid!r}, {text}")
    if point.channel not in CHANNELS[point.band]:
        wanted = ", ".join(map(str, sorted(CHANNELS[point.band])))
        text = f"{point.channel} is no channel of {point.band} GHz: wanted one of {wanted}"
        yield Broken("access_point.channel", text, ("access_point.band",))
    if not point.interface:
        return
    if not gate.interface:
        text = "is missing: the access point's own interface, or the bridge it is put into"
        yield Broken("gate.interface", text, ("access_point.interface",))
    if point.interface == gate.uplink:
        yield Broken("access_point.interface", "is gate.uplink too", ("gate.uplink",))
    if point.security == "wpa2" and not point.passphrase_file:
        yield Broken("access_point.passphrase_file", "is missing: wpa2 needs one", ("access_point.security",))


def doubts(config: Config) -> Iterator[Mistake]:
    gate, portal = config.gate, config.portal
    if not gate.interface:
        return
    if gate.driver == "fake":
        yield Mistake("gate.driver", "is fake: no guest gets to the internet, and none is kept from it")
    own4, own6 = address4(gate), address6(gate)
    if own4 is not None and not own4.ip.is_private:
        yield Mistake("gate.address4", f"{own4.ip} is no private address: somebody else's hosts can't be reached")
    if own4 is not None and own4.network.num_addresses - 3 < portal.most_guests:
        count = own4.network.num_addresses - 3
        yield Mistake("portal.most_guests", f"is {portal.most_guests}, but gate.address4 has room for {count} phones")
    if own6 is not None and own6.ip in ipaddress.ip_network("fc00::/7") and not gate.masquerade6:
        yield Mistake("gate.masquerade6", "is off: from a ULA (fc00::/7) guests get no answer from the IPv6 internet")
    if lacking := [net for net in PRIVATE if not _is_blocked(net, gate.blocked)]:
        yield Mistake("gate.blocked", f"lacks {', '.join(lacking)}: guests reach what is there")
    if gate.masquerade6 and not gate.address6:
        yield Mistake("gate.masquerade6", "is on, but without gate.address6 guests have no IPv6")
    if bool(gate.down_mbit) != bool(gate.up_mbit):
        lacks, has = ("up_mbit", "down_mbit") if gate.down_mbit else ("down_mbit", "up_mbit")
        yield Mistake(f"gate.{lacks}", f"is 0, but gate.{has} is set: that way the line is not shared fairly")
    yield from _cloud_doubts(config)
    yield from _air_doubts(config.access_point)


def _cloud_doubts(config: Config) -> Iterator[Mistake]:
    mqtt, portal = config.mqtt, config.portal
    asking = {"portal.sms.per_shop_day": portal.sms.per_shop_day, "portal.wechat.app_id": portal.wechat.app_id}
    for path in (path for path, value in asking.items() if value):
        if not mqtt.host:
            what = "nobody sends the codes" if "sms" in path else "nobody asks WeChat who a guest is"
            yield Mistake(path, f"is set, but without mqtt.host {what}")
        elif not mqtt.tls and not is_loopback(mqtt.host):
            yield Mistake(
                path, "is set, but the broker is beyond this box and mqtt.tls is off: guests never see the way"
            )


def _air_doubts(point: AccessPointSection) -> Iterator[Mistake]:
    if not point.interface:
        if point != type(point)():
            yield Mistake("access_point.interface", "is empty, so nothing of [access_point] is used")
    elif point.band == "2.4" and point.channel == JAPANS:
        yield Mistake("access_point.channel", f"{point.channel} is for Japan and 802.11b alone: 1, 6 or 11 are usual")
    elif point.band == "5" and point.channel > USUAL5:
        yield Mistake("access_point.channel", f"{point.channel} is forbidden in most countries: 36 or 149 are usual")
    elif point.band == "5" and point.channel in RADAR:
        text = f"{point.channel} is shared with radar: the access point listens a minute before it sends, and may move"
        yield Mistake("access_point.channel", text)


def _is_blocked(net: str, blocked: Iterable[str]) -> bool:
    wanted = ipaddress.ip_network(net)
    return any(_within(wanted, ipaddress.ip_network(text)) for text in blocked)


def _within(net: Network, other: Network) -> bool:
    if isinstance(net, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and net.subnet_of(other)
    return isinstance(other, ipaddress.IPv6Network) and net.subnet_of(other)


def files(config: Config) -> Iterator[Mistake]:
    """Files that are not there, or not for this user. Looks at the disk."""
    portal, point = config.portal, config.access_point
    wanted = {"portal.cert_file": portal.cert_file, "portal.key_file": portal.key_file}
    if portal.policy not in POLICIES:
        yield from _policy(portal.policy)
    if point.interface and point.security == "wpa2":
        wanted["access_point.passphrase_file"] = point.passphrase_file
    for path, name in wanted.items():
        try:
            if name:
                with Path(name).open("rb"):
                    pass
        except OSError as error:
            yield Mistake(path, f"can't read {name}: {error.strerror}")


def _policy(name: str) -> Iterator[Mistake]:
    """What is wrong with it is a mistake: see `policy_mistakes`."""
    from edge import policies  # noqa: PLC0415 - read from the disk when imported

    try:
        found = policies.load(name)
    except MistakesError:
        return
    except StoregateError as error:
        yield Mistake("portal.policy", str(error))
        return
    for doubt in policies.doubts(name, found):
        yield Mistake("portal.policy", f"{name}: {doubt}")


def policy_mistakes(config: Config) -> list[Mistake]:
    """Of a policy file that can be read: the daemon would keep the portal closed. Looks at the disk."""
    from edge import policies  # noqa: PLC0415 - read from the disk when imported

    try:
        policies.load(config.portal.policy)
    except MistakesError as error:
        return [Mistake("portal.policy", f"{config.portal.policy}: {mistake}") for mistake in error.mistakes]
    except StoregateError:
        pass  # it can't be read from here: a doubt
    return []
