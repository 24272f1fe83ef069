"""What the daemon may ask of the gate, looked at before anything is done: JSON lines, at most 2 MiB each."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

MOST_BYTES: Final = 2 << 20
"""Of one request: 16,000 members fit twice."""
MOST_MEMBERS: Final = 16_000
_MOST_ADDRESSES: Final = 256
_MOST_END_S: Final = 10 * 366 * 86_400
_MOST_LET_S: Final = 86_400
_MAC: Final = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}")


class OrderError(Exception):
    """The request can't be done as it is; nothing changed. Says no MAC: callers may log it."""


@dataclass(frozen=True, kw_only=True)
class Allow:
    mac: bytes
    mark: int
    end_s: float


@dataclass(frozen=True, kw_only=True)
class Revoke:
    mac: bytes


@dataclass(frozen=True, kw_only=True)
class Reset:
    members: dict[bytes, Allow]
    """By MAC."""
    refused: tuple[tuple[int, str], ...] = ()
    """Which of those asked for can't be members, by their place in the list, and why; nobody else pays for it."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Whether this phone, and nobody else in its name, opened that connection to the portal."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int
    mac: bytes


@dataclass(frozen=True, kw_only=True)
class List:
    pass


@dataclass(frozen=True, kw_only=True)
class Count:
    pass


@dataclass(frozen=True, kw_only=True)
class Let:
    addresses: tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, ...]
    for_s: float


@dataclass(frozen=True, kw_only=True)
class Capture:
    members: bool


@dataclass(frozen=True, kw_only=True)
class Status:
    pass


Order = Allow | Revoke | Reset | List | Count | Let | Capture | Sent | Status


def read(line: bytes) -> tuple[int | None, Order | OrderError]:
    """The request's id (None: it has none that could be answered to), and the order or what is wrong with it."""
    number: int | None = None
    try:
        tree = _tree(line)
        number = _number(tree.pop("id", None))
        return number, _order(tree)
    except OrderError as error:
        return number, error


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 53:
        raise OrderError("id: wants a whole number from 0 to 2^53 - 1")
    return value


def _tree(line: bytes) -> dict[str, Any]:
    try:
        tree = json.loads(line.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise OrderError("not a JSON object on one line") from error
    if not isinstance(tree, dict):
        raise OrderError("not a JSON object on one line")
    return tree


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _order(tree: dict[str, Any]) -> Order:  # noqa: C901, PLR0911 - one return a verb
    verb = tree.pop("verb", None)
    match verb:
        case "allow":
            return _allow(tree)
        case "revoke":
            return Revoke(mac=_mac(_only(tree, "mac")["mac"]))
        case "reset":
            return _reset(_only(tree, "members")["members"])
        case "list":
            _only(tree)
            return List()
        case "count":
            _only(tree)
            return Count()
        case "let":
            return _let(_only(tree, "addresses", "for_s"))
        case "capture":
            members = _only(tree, "members")["members"]
            if not isinstance(members, bool):
                raise OrderError("members: wants true or false")
            return Capture(members=members)
        case "sent":
            return _sent(_only(tree, "address", "port", "mac"))
        case "status":
            _only(tree)
            return Status()
        case _:
            raise OrderError("verb: wants allow, revoke, reset, list, count, let, capture, sent or status")


def _only(tree: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        if name not in tree:
            raise OrderError(f"{name}: is missing")
    if len(tree) != len(names):
        raise OrderError(f"wants {', '.join(names) or 'nothing'} beside id and verb, and no more")
    return tree


def _allow(tree: object) -> Allow:
    if not isinstance(tree, dict):
        raise OrderError("members: wants objects of mac, mark and end_s")
    _only(tree, "mac", "mark", "end_s")
    mark = tree["mark"]
    if isinstance(mark, bool) or not isinstance(mark, int) or not 1 <= mark < 1 << 31:
        raise OrderError("mark: wants a whole number from 1 to 2^31 - 1")
    return Allow(mac=_mac(tree["mac"]), mark=mark, end_s=_seconds(tree["end_s"], "end_s", _MOST_END_S))


def _reset(members: object) -> Reset:
    if not isinstance(members, list) or len(members) > MOST_MEMBERS:
        raise OrderError(f"members: wants a list of at most {MOST_MEMBERS}")
    found: dict[bytes, Allow] = {}
    marks: set[int] = set()
    refused: list[tuple[int, str]] = []
    for at, one in enumerate(members):
        try:
            allowed = _allow(one)
        except OrderError as error:
            refused.append((at, str(error)))
            continue
        if allowed.mac in found or allowed.mark in marks:
            refused.append((at, "its mac or its mark is there already"))
        else:
            found[allowed.mac] = allowed
            marks.add(allowed.mark)
    return Reset(members=found, refused=tuple(refused))


def _sent(tree: Mapping[str, Any]) -> Sent:
    port = tree["port"]
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65_535:
        raise OrderError("port: wants a whole number from 1 to 65535")
    return Sent(address=_address(tree["address"], "address"), port=port, mac=_mac(tree["mac"]))


def _let(tree: Mapping[str, Any]) -> Let:
    addresses = tree["addresses"]
    if not isinstance(addresses, list) or not 1 <= len(addresses) <= _MOST_ADDRESSES:
        raise OrderError(f"addresses: wants a list of 1 to {_MOST_ADDRESSES}")
    found = tuple(_address(one, "addresses") for one in addresses)
    return Let(addresses=tuple(dict.fromkeys(found)), for_s=_seconds(tree["for_s"], "for_s", _MOST_LET_S))


def _address(value: object, name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        found = ipaddress.ip_address(value if isinstance(value, str) else _no_number(""))
    except ValueError as error:
        raise OrderError(f"{name}: wants IPv4 and IPv6 addresses") from error
    if isinstance(found, ipaddress.IPv6Address) and found.scope_id:
        raise OrderError(f"{name}: wants addresses without a zone")
    return found


def _mac(value: object) -> bytes:
    """Of one phone: a group address or nobody's would open the gate to more than one."""
    if not isinstance(value, str) or not _MAC.fullmatch(value):
        raise OrderError("mac: wants six bytes with colons")
    mac = bytes.fromhex(value.replace(":", ""))
    if mac[0] & 1 or mac == bytes(6):
        raise OrderError("mac: wants the address of one phone")
    return mac


def _seconds(value: object, name: str, most: int) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise OrderError(f"{name}: wants more than 0 and at most {most} seconds")
    return max(float(value), 0.001)
