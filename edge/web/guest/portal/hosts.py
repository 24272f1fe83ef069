"""Whether a request was meant for us: its Host is a name or an address of this box. Pure.

Not "any address", as the other listeners hold it: a phone that calls http://1.1.1.1/ is to meet the portal too.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

MAX_HOST = 255


class OurHosts:
    def __init__(self, names: Iterable[str], addresses: Iterable[str]) -> None:
        """`addresses` may have a prefix length behind them; empty ones are passed by."""
        self._names = frozenset(name.lower().rstrip(".") for name in names if name)
        bare = (address.partition("/")[0] for address in addresses if address)
        self._addresses = frozenset(found for found in map(address_of, bare) if found)

    def has(self, host: str, *, here: str = "", at_the_box: bool = False) -> bool:
        """`host` is of `host_of`; `here` is where the connection came in; who sits at the box may say localhost."""
        if not host:
            return False
        found = address_of(host)
        if found:
            return found in self._addresses or found == address_of(here)
        return host in self._names or (at_the_box and host == "localhost")


def host_of(header: str) -> str:
    """`Host` in small letters, without port or the dot of the root; empty: it is none."""
    if len(header) > MAX_HOST:
        return ""
    header = header.strip().lower()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].rstrip(".")


def address_of(text: str) -> str:
    """An address in one spelling, without its zone; IPv4 inside IPv6 is what it is. Empty: it is none."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)
