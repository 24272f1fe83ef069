"""Which names are answered, which are of the walled garden, and which addresses may be let through. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from edge.config_wifi import PRIVATE

LONGEST = 120
"""Characters. Phones' own questions are below 80; what tunnels data fills the 253 there are."""
MOST_LABELS = 10
LONG_LABEL = 30
"""One of that length is a content network's; more are data."""
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")

Network = IPv4Network | IPv6Network
UNICAST6 = IPv6Network("2000::/3")
WRAPPED4 = (IPv6Network("2002::/16"), IPv6Network("2001::/32"))
"""6to4 and Teredo: an IPv4 address inside, which may be a private one."""
PORTAL4, PORTAL6 = IPv4Address("192.0.2.1"), IPv6Address("2001:db8::53")
"""Nobody's: what is asked of them comes to the gate, which leads port 80 to the portal."""


def is_plain(name: str) -> bool:
    """Whether it looks like a name that a phone asks for, and not like data carried out in questions."""
    if len(name) > LONGEST or not _HOST.fullmatch(name):
        return False
    labels = name.split(".")
    return len(labels) <= MOST_LABELS and sum(len(label) >= LONG_LABEL for label in labels) <= 1


class Garden:
    """Patterns: a name, or `*.` and a name for all below it."""

    def __init__(self, patterns: Collection[str] = ()) -> None:
        self._names = frozenset(each.lower() for each in patterns if not each.startswith("*."))
        self._below = frozenset(each.lower().removeprefix("*.") for each in patterns if each.startswith("*."))

    def __contains__(self, name: str) -> bool:
        if name in self._names:
            return True
        if not self._below:
            return False
        above = name
        while above := above.partition(".")[2]:
            if above in self._below:
                return True
        return False


class Reachable:
    """Which addresses a name of the garden may have: the internet's, never the shop's own (DNS rebinding)."""

    def __init__(self, blocked: Sequence[str]) -> None:
        """`blocked`: networks beside the private ones; those that are none are left out, they are told elsewhere."""
        given = [found for found in map(_network, (*PRIVATE, *blocked)) if found is not None]
        self._closed: tuple[Network, ...] = (ip_network(PORTAL4), ip_network(PORTAL6), *WRAPPED4, *given)

    def __contains__(self, address: object) -> bool:
        if not isinstance(address, IPv4Address | IPv6Address):
            return False
        if isinstance(address, IPv6Address) and address not in UNICAST6:
            return False
        return not any(address in network for network in self._closed)


def _network(text: str) -> Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
