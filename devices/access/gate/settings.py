"""The keys of gateway.toml that the gate uses: `[gate]` and `listen.guest.port`.

Read here again, and strictly, because this process imports nothing of the daemon; a test holds names and defaults to
the daemon's own.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

Interface4 = ipaddress.IPv4Interface
Interface6 = ipaddress.IPv6Interface
PRIVATE: Final = (
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
_INTERFACE: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,14})?")
_MOST_BLOCKED: Final = 1000


class SettingsError(Exception):
    """gateway.toml can't be used; every mistake is in the text, a line each."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`[gate]` as the daemon reads it too, and the port of the guest pages."""

    driver: str = "gate"
    interface: str = ""
    uplink: str = ""
    address4: str = "10.64.0.1/20"
    address6: str = ""
    masquerade6: bool = False
    socket: str = "/run/storegate-gate/gate.sock"
    user: str = "storegate"
    dns_port: int = 8053
    tls_port: int = 8443
    idle_s: int = 1800
    portal_connections: int = 16
    guest_connections: int = 512
    blocked: tuple[str, ...] = PRIVATE
    reachable: tuple[str, ...] = ()
    down_mbit: float = 0.0
    up_mbit: float = 0.0
    guest_port: int = 8080
    """`listen.guest.port`: who asks for port 80 is led there."""

    @property
    def ours4(self) -> Interface4:
        return Interface4(self.address4)

    @property
    def ours6(self) -> Interface6 | None:
        return Interface6(self.address6) if self.address6 else None


def read(path: Path) -> Settings:
    """Raises SettingsError."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: not UTF-8 text") from error
    return parsed(text, str(path))


def parsed(text: str, where: str = "gateway.toml") -> Settings:
    """Raises SettingsError with all mistakes at once."""
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{where}: {error}") from error
    mistakes: list[str] = []
    gate = _table(tree.get("gate", {}), "gate", mistakes)
    guest = _table(_table(tree.get("listen", {}), "listen", mistakes).get("guest", {}), "listen.guest", mistakes)
    found: dict[str, Any] = {}
    for name, value in gate.items():
        rule = _RULES.get(name)
        if rule is None:
            mistakes.append(f"gate.{name}: no such key")
        else:
            found[name] = _kept(rule, value, f"gate.{name}", mistakes)
    if "port" in guest:
        found["guest_port"] = _kept(_port, guest["port"], "listen.guest.port", mistakes)
    if not mistakes:
        settings = Settings(**found)
        mistakes.extend(_together(settings))
        if not mistakes:
            return settings
    raise SettingsError("\n".join(f"{where}: {mistake}" for mistake in mistakes))


def _table(value: object, name: str, mistakes: list[str]) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    mistakes.append(f"{name}: wants a section")
    return {}


def _kept(rule: Callable[[Any], Any], value: object, name: str, mistakes: list[str]) -> object:
    try:
        return rule(value)
    except ValueError as error:
        mistakes.append(f"{name}: {error}")
        return None


def _together(settings: Settings) -> list[str]:
    """What no key can tell alone."""
    if not settings.interface or settings.driver != "gate":
        return []
    found = []
    if settings.interface == settings.uplink:
        found.append("gate.uplink: the same as gate.interface; guests need a network of their own")
    for name, port in (("gate.dns_port", settings.dns_port), ("gate.tls_port", settings.tls_port)):
        if port == 0:
            found.append(f"{name}: guests are led to this port, so it can't be left to the system")
    if settings.guest_port == 0:
        found.append("listen.guest.port: guests are led to this port, so it can't be left to the system")
    if len({settings.dns_port, settings.tls_port, settings.guest_port, 53}) != 4:
        found.append("gate.dns_port, gate.tls_port, listen.guest.port: each needs a port of its own, and none 53")
    return found


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("wants text")  # noqa: TRY004 - told like every other mistake
    return value


def _one_of(*words: str) -> Callable[[object], str]:
    def rule(value: object) -> str:
        if value not in words:
            raise ValueError(f"wants one of {', '.join(words)}")
        return str(value)

    return rule


def _interface(value: object) -> str:
    if not _INTERFACE.fullmatch(_text(value)):
        raise ValueError("wants an interface like wlan0 or br-guest")
    return str(value)


def _path(value: object) -> str:
    if not re.fullmatch(r"/[^\0]{1,106}", _text(value)):
        raise ValueError("wants a path like /run/storegate-gate/gate.sock, at most 107 characters")
    return str(value)


def _user(value: object) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}", _text(value)):
        raise ValueError("wants a user's name")
    return str(value)


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("wants true or false")  # noqa: TRY004 - told like every other mistake
    return value


def _whole(least: int, most: int) -> Callable[[object], int]:
    def rule(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"wants a whole number from {least} to {most}")
        return value

    return rule


def _mbit(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100_000:
        raise ValueError("wants a number from 0 to 100000")
    return float(value)


def _address4(value: object) -> str:
    try:
        address = Interface4(_text(value))
    except ValueError as error:
        raise ValueError("wants an IPv4 address with its length, like 10.64.0.1/20") from error
    if not 8 <= address.network.prefixlen <= 30 or address.ip in _edges(address):
        raise ValueError("wants an address of a host with a length from /8 to /30, like 10.64.0.1/20")
    return str(value)


def _edges(address: Interface4) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    return address.network.network_address, address.network.broadcast_address


def _address6(value: object) -> str:
    if _text(value) == "":
        return ""
    try:
        address = Interface6(str(value))
    except ValueError as error:
        raise ValueError("wants an IPv6 address with its length, like fd00:64::1/64, or nothing") from error
    if address.scope_id or address.is_link_local or address.is_multicast or not 16 <= address.network.prefixlen <= 126:
        raise ValueError("wants an address that guests can route to, with its length, like fd00:64::1/64")
    return str(value)


def _networks(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MOST_BLOCKED:
        raise ValueError(f"wants a list of at most {_MOST_BLOCKED} networks")
    for network in value:
        try:
            found = ipaddress.ip_network(_text(network))
        except ValueError as error:
            raise ValueError(f"{str(network)[:50]!r} is no network like 192.168.0.0/16 ({error})") from error
        if isinstance(found, ipaddress.IPv6Network) and found.network_address.scope_id:
            raise ValueError(f"{str(network)[:50]!r} is no network like fc00::/7")
    return tuple(value)


def _some_networks(value: object) -> tuple[str, ...]:
    found = _networks(value)
    if any(not ipaddress.ip_network(one).prefixlen for one in found):
        raise ValueError("wants networks and addresses, not everything there is")
    return found


_port: Final = _whole(0, 65_535)
_RULES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "driver": _one_of("gate", "fake"),
    "interface": _interface,
    "uplink": _interface,
    "address4": _address4,
    "address6": _address6,
    "masquerade6": _yes_or_no,
    "socket": _path,
    "user": _user,
    "dns_port": _port,
    "tls_port": _port,
    "idle_s": _whole(60, 86_400),
    "portal_connections": _whole(4, 256),
    "guest_connections": _whole(32, 65_535),
    "blocked": _networks,
    "reachable": _some_networks,
    "down_mbit": _mbit,
    "up_mbit": _mbit,
}
KEYS: Final = tuple(field.name for field in fields(Settings) if field.name != "guest_port")
"""The keys of `[gate]`."""
