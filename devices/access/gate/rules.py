"""The rules as text for `nft -f`: what a guest may do, and nothing of anybody else's.

One packet's way: `first` drops what is no guest's packet; `capture` leads who is not let in to the portal and to the
captive DNS; `guest_input` shows a guest four doors of this box and no more; `guest_forward` lets members out by the
uplink, to no network of the shop (`blocked`, and every one that this box is in itself), and lets answers back in only
while the session's mark is in `down`. So taking a mark away cuts running downloads. Members are elements of sets: their
number costs nothing per packet.

All of `table inet storegate` is ours and no rule here touches a packet that has nothing to do with the guest network.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from devices.access.gate import barrier
from devices.access.gate.onlink import Network, collapsed
from devices.access.gate.settings import Settings

TABLE = "storegate"
MOST_MEMBERS = 16_384
MOST_MARKS = 32_768
MOST_WALLED = 16_384
MOST_SENT = 65_536
_SENT_S = 120
"""Longer than a connection to the portal is kept that says nothing."""
ANSWERED4, ANSWERED6 = "192.0.2.1", "2001:db8::53"
"""What the captive DNS says of every name; phones go on asking there for seconds after they were let in."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A member as the kernel is told of it."""

    mac: str
    """With colons."""
    mark: int
    end_ms: int
    """To the hard end."""
    idle_ms: int
    """To the idle end; 0: it is over."""
    up: tuple[int, int] = (0, 0)
    """Bytes, packets."""
    down: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What is in the sets."""

    run: int
    """Names the life of the counters."""
    members: tuple[Entry, ...] = ()
    walled: tuple[tuple[str, int], ...] = ()
    """Address, milliseconds left."""
    onlink: tuple[Network, ...] = ()
    """The networks that this box is in itself, without overlaps."""
    capture_members: bool = False
    others_route: bool = True
    """This box forwards for others too, so that what does not concern guests passes as if we were not there."""


def text(settings: Settings, contents: Contents) -> str:
    """Replaces the whole table in one transaction, members and all."""
    return (
        f"{_NO_BARRIER}table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n"
        + _sets(settings, contents)
        + _chains(settings, contents)
        + "}\n"
    )


def isolation(settings: Settings) -> str:
    """Guests on a bridge of this box see the box and not each other: no rogue DHCP, RA or ARP from one to the next."""
    return f"""table bridge {TABLE}
delete table bridge {TABLE}
table bridge {TABLE} {{
  chain between_guests {{
    type filter hook forward priority filter; policy accept;
    meta ibrname "{settings.interface}" drop
  }}
}}
"""


_SENT4 = f"ip saddr . tcp sport . ether saddr timeout {_SENT_S}s"
_SENT6 = f"ip6 saddr . tcp sport . ether saddr timeout {_SENT_S}s"
_NO_BARRIER = f"table inet {barrier.NAME}\ndelete table inet {barrier.NAME}\n"


def _sets(settings: Settings, contents: Contents) -> str:
    members = contents.members
    free = () if contents.capture_members else (f'"{settings.interface}"',)
    walled4 = [f"{at} timeout {ms}ms" for at, ms in contents.walled if ":" not in at]
    walled6 = [f"{at} timeout {ms}ms" for at, ms in contents.walled if ":" in at]
    idle = [
        f"{one.mac} timeout {settings.idle_s}s expires {min(one.idle_ms, settings.idle_s * 1000)}ms"
        for one in members
        if one.idle_ms
    ]
    onlink4 = [str(one) for one in contents.onlink if one.version == 4]
    onlink6 = [str(one) for one in contents.onlink if one.version == 6]
    return f"""\
  # MAC -> mark of the session; the timeout is the hard end
  map members {{ type ether_addr : mark; size {MOST_MEMBERS}; flags timeout;{
        _elements(f"{one.mac} timeout {one.end_ms}ms : {one.mark:#x}" for one in members)
    } }}
  # a member's own packets push it on; without it a member is out
  set idle {{ type ether_addr; size {MOST_MEMBERS}; flags dynamic,timeout; timeout {settings.idle_s}s;{
        _elements(idle)
    } }}
  # bytes by mark; an answer passes only while its mark is in `down`
  set up {{ type mark; size {MOST_MARKS}; counter;{_counted((one.mark, one.up) for one in members)} }}
  set down {{ type mark; size {MOST_MARKS}; counter;{_counted((one.mark, one.down) for one in members)} }}
  set walled4 {{ type ipv4_addr; size {MOST_WALLED}; flags timeout;{_elements(walled4)} }}
  set walled6 {{ type ipv6_addr; size {MOST_WALLED}; flags timeout;{_elements(walled6)} }}
  # the networks that this box is in itself: the shop's, whatever addresses they have; the gate keeps them up to date
  set onlink4 {{ type ipv4_addr; flags interval;{_elements(onlink4)} }}
  set onlink6 {{ type ipv6_addr; flags interval;{_elements(onlink6)} }}
  # while the guest interface is in it, members are not led to the portal
  set free {{ type ifname;{_elements(free)} }}
  # names the life of the counters
  set run {{ type mark;{_elements([f"{contents.run:#x}"])} }}
  # how many connections a guest has, to the portal and to the internet; how fast new ones come
  set at_portal {{ type ether_addr; size {MOST_MARKS}; flags dynamic; }}
  set at_internet {{ type ether_addr; size {MOST_MARKS}; flags dynamic; }}
  set knocks {{ type ether_addr; size {MOST_MARKS}; flags dynamic,timeout; timeout 10s; }}
  # who opened which connection to the portal: what neighbours say of themselves can be forged
  set sent4 {{ type ipv4_addr . inet_service . ether_addr; size {MOST_SENT}; flags dynamic,timeout; }}
  set sent6 {{ type ipv6_addr . inet_service . ether_addr; size {MOST_SENT}; flags dynamic,timeout; }}
  set opens {{ type ether_addr; size {MOST_MARKS}; flags dynamic,timeout; timeout 10s; }}

"""


def _elements(of: Iterable[str]) -> str:
    joined = ",".join(of)
    return f" elements = {{ {joined} }};" if joined else ""


def _counted(marks: Iterable[tuple[int, tuple[int, int]]]) -> str:
    return _elements(f"{mark:#x} counter packets {packets} bytes {octets}" for mark, (octets, packets) in marks)


def _chains(settings: Settings, contents: Contents) -> str:
    guest, ours4, ours6 = f'"{settings.interface}"', settings.ours4, settings.ours6
    web, tls, dns = settings.guest_port, settings.tls_port, settings.dns_port
    ours = [f"ip daddr {ours4.ip}"] + ([f"ip6 daddr {ours6.ip}"] if ours6 else [])
    here = [f"ip daddr {ours4.ip}"] + ([f"ip6 daddr {{ {ours6.ip}, fe80::/10 }}"] if ours6 else [])
    lines = f"""\
  chain first {{
    type filter hook prerouting priority raw; policy accept;
    iifname != {guest} accept
    ip saddr != {{ {ours4.network}, 0.0.0.0 }} drop
"""
    lines += (
        f"    ip6 saddr != {{ {ours6.network}, fe80::/10, :: }} drop\n" if ours6 else "    meta nfproto ipv6 drop\n"
    )
    lines += f"""\
  }}
  chain portal_door {{
    # before ports are rewritten: a reset has to come from the port that was asked
    type filter hook prerouting priority mangle; policy accept;
    iifname != {guest} accept
    meta l4proto != tcp accept
    ct state != new accept
"""
    lines += "".join(f"    {to} tcp dport {{ 80, 443, {web}, {tls} }} goto at_portal\n" for to in here)
    lines += f"    ip daddr {ANSWERED4} tcp dport 80 goto at_portal\n"
    lines += f"    ip6 daddr {ANSWERED6} tcp dport 80 goto at_portal\n" if ours6 else ""
    lines += f"""\
    iifname @free ether saddr @idle ct mark set ether saddr map @members accept
    ip daddr @walled4 accept
    ip6 daddr @walled6 accept
    tcp dport 80 goto at_portal
  }}
  chain at_portal {{
    add @at_portal {{ ether saddr ct count over {settings.portal_connections} }} reject with tcp reset
    accept
  }}
  chain capture {{
    type nat hook prerouting priority dstnat; policy accept;
    iifname != {guest} accept
"""
    for to in ours:  # the portal is at 80 and 443 of this box for everybody
        lines += f"    {to} tcp dport 80 redirect to :{web}\n    {to} tcp dport 443 redirect to :{tls}\n"
    for to in [f"ip daddr {ANSWERED4}"] + ([f"ip6 daddr {ANSWERED6}"] if ours6 else []):
        lines += f"    {to} tcp dport 80 redirect to :{web}\n"
    lines += f"""\
    iifname @free ether saddr @idle ct mark set ether saddr map @members accept
    meta l4proto {{ tcp, udp }} th dport 53 redirect to :{dns}
    ip daddr @walled4 accept
    ip6 daddr @walled6 accept
    tcp dport 80 redirect to :{web}
  }}
  chain guest_input {{
    type filter hook input priority filter; policy accept;
    iifname != {guest} accept
    tcp dport {{ {web}, {
        tls
    } }} ether saddr @idle ct mark set ether saddr map @members update @idle {{ ether saddr timeout {
        settings.idle_s
    }s }}
    tcp dport {{ {web}, {tls} }} ct mark set 0 comment "outlives the session: it brings the answer to a logout"
    tcp dport {{ {web}, {tls} }} ct state established ip saddr . tcp sport . ether saddr @sent4 update @sent4 {{ {
        _SENT4
    } }}
    tcp dport {{ {web}, {tls} }} ct state established ip6 saddr . tcp sport . ether saddr @sent6 update @sent6 {{ {
        _SENT6
    } }}
    meta l4proto {{ tcp, udp }} th dport 53 jump members_dns
    ct state established,related accept
    update @knocks {{ ether saddr timeout 10s limit rate over 200/second burst 400 packets }} drop
    meta nfproto ipv4 udp sport 68 udp dport 67 accept
"""  # noqa: S608 - nft says update and set too
    if ours6:
        lines += """\
    icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld2-listener-report } accept
    icmpv6 type echo-request limit rate 100/second accept
    udp sport 546 udp dport 547 accept
"""  # noqa: E501 - nft reads it on one line
    lines += f"    ip daddr {ours4.ip} icmp type echo-request limit rate 100/second accept\n"
    for to in here:
        lines += f"    {to} meta l4proto {{ tcp, udp }} th dport {{ 53, {dns} }} accept\n"
        lines += f"    {to} tcp dport {{ {web}, {tls} }} goto opened\n"
    lines += f"""\
    meta l4proto tcp reject with tcp reset
    drop
  }}
  chain members_dns {{
    # a captive guest's was redirected; by a connection of before they were out, it would still be answered
    ether saddr @idle ct mark set ether saddr map @members return
    reject
  }}
  chain opened {{
    # only the first packet tells: later ones can be provoked from somebody else
    tcp flags & (fin | syn | rst | ack) != syn accept
    update @opens {{ ether saddr timeout 10s limit rate over 20/second burst 100 packets }} accept
    add @sent4 {{ {_SENT4} }} accept
    add @sent6 {{ {_SENT6} }} accept
    accept
  }}
"""
    return lines + _forward(settings, contents)


def _forward(settings: Settings, contents: Contents) -> str:
    guest, ours4, ours6 = f'"{settings.interface}"', settings.ours4, settings.ours6
    uplink = f'"{settings.uplink}"'
    lines = f"""\
  chain guest_forward {{
    type filter hook forward priority filter; policy accept;
    iifname {guest} goto from_guest
    oifname {guest} goto to_guest
"""
    if settings.uplink and not contents.others_route:
        # forwarding is on for our sake only: nothing else gets a way through this box by it
        lines += f"    iifname {uplink} drop\n" + ("    meta nfproto ipv6 drop\n" if ours6 else "")
    lines += "  }\n  chain from_guest {\n"
    if settings.uplink:
        lines += f"    oifname != {uplink} goto refused\n    ct state invalid drop\n"
        for ip, version in (("ip", 4), ("ip6", 6)):
            blocked, reachable = _listed(settings.blocked, version), _listed(settings.reachable, version)
            but = f"{ip} daddr != {{ {reachable} }} " if reachable else ""
            lines += f"    {but}{ip} daddr {{ {blocked} }} goto refused\n" if blocked else ""
            lines += f"    {but}{ip} daddr @onlink{version} goto refused\n"
        lines += f"    ip daddr {ANSWERED4} goto refused\n"
        lines += f"    ip6 daddr {ANSWERED6} goto refused\n" if ours6 else ""
        lines += """\
    ether saddr @idle ct mark set ether saddr map @members goto passed
    meta l4proto { tcp, udp } th dport { 53, 853 } goto refused
    ip daddr @walled4 tcp dport { 80, 443, 8080 } goto walled
    ip6 daddr @walled6 tcp dport { 80, 443, 8080 } goto walled
    ip daddr @walled4 udp dport 443 goto walled
    ip6 daddr @walled6 udp dport 443 goto walled
"""
    lines += f"""\
    goto refused
  }}
  chain passed {{
    ct state new add @at_internet {{ ether saddr ct count over {settings.guest_connections} }} goto refused
    update @idle {{ ether saddr timeout {settings.idle_s}s }}
    ct mark set ether saddr map @members
    ct mark @up accept
    goto refused
  }}
  chain walled {{
    ct state new add @at_internet {{ ether saddr ct count over {settings.portal_connections} }} goto refused
    ct mark set 0
    accept
  }}
  chain to_guest {{
"""  # noqa: S608 - nft's words, not SQL's
    if settings.uplink:
        # 0: the walled garden's
        lines += f"    iifname {uplink} ct state established,related ct mark {{ 0 }} accept\n"
        lines += f"    iifname {uplink} ct state established,related ct mark @down accept\n"
    lines += """\
    drop
  }
  chain refused {
    meta l4proto tcp reject with tcp reset
    reject
  }
"""
    if settings.uplink:
        lines += f"""\
  chain guest_out {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname {uplink} ip saddr {ours4.network} masquerade
"""
        if ours6 and settings.masquerade6:
            lines += f"    oifname {uplink} ip6 saddr {ours6.network} masquerade\n"
        lines += "  }\n"
    return lines


def _listed(networks: Iterable[str], version: int) -> str:
    return ", ".join(str(one) for one in collapsed(map(ipaddress.ip_network, networks)) if one.version == version)
