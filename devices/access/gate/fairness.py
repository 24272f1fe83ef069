"""The line shared fairly among guests, whoever opens how many connections: `tc`, by address inside the guest network.

Only when the line's rates are set: without them nothing waits here, and so nothing can be shared here. A queue of ours
is known by its handle; whoever put another one there for a purpose keeps it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from devices.access.gate.settings import Settings

HANDLE: Final = "5719:"
"""Of our queues, so that we never take away another's."""
_KINDS: Final = ("cake", "htb")
_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/bin"
_PATIENCE_S: Final = 10.0
_QUEUES: Final = "1024"
"""Of fq_codel: as many as it makes by itself."""
PER_CONNECTION: Final = "fq_codel, per connection"
Wrong = tuple[str, str]
Root = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Way:
    """Out by one interface."""

    interface: str
    mbit: float
    hosts: tuple[str, ...]
    """How cake tells guests apart. Outwards by their address from before the masquerade (nat); inwards as the packet
    has it: there nat would look at the box's own address, and all guests would be one."""
    key: str
    """How tc's flow classifier does the same."""


def share(settings: Settings) -> tuple[str, Wrong | None]:
    """cake, fq_codel (by guest; `PER_CONNECTION`: only that) or none; and what is in the way."""
    ways = [
        way
        for way in (
            _Way(settings.interface, settings.down_mbit, ("dual-dsthost",), "dst"),
            _Way(settings.uplink, settings.up_mbit, ("dual-srchost", "nat"), "nfct-src"),
        )
        if way.interface and way.mbit
    ]
    program = shutil.which("tc", path=_PATH) or shutil.which("tc")
    if program is None:
        missing = ("the program tc is not on this box: the line is not shared fairly", "apt install iproute2")
        return "none", missing if ways else None
    wanted = {way.interface for way in ways}
    roots = _roots(program)
    _remove_ours(
        program
    )  # all of them: a rate may be gone, an interface another, and one kind does not turn into another
    for name in sorted(wanted & roots.keys()):
        if not _is_free(roots[name]):
            kind = roots[name].get("kind")
            return "none", (
                f"{name} has a queue of somebody else's ({kind}): the line is not shared fairly",
                f"tc qdisc delete dev {name} root, then systemctl restart storegate-gate",
            )
    if not ways:
        return "none", None
    for kind in ("cake", "fq_codel"):
        if all(_tc(program, line) is not None for way in ways for line in _lines(kind, way)):
            if kind == "cake" or all(_tc(program, _by_guest(way)) is not None for way in ways):
                return kind, None
            return PER_CONNECTION, (
                "this kernel has neither cake nor cls_flow: who opens more connections gets more of the line",
                "use a kernel with sch_cake or cls_flow",
            )
        _remove_ours(program)  # half of it would be a limit without fairness
    return "none", (
        "this kernel has neither cake nor fq_codel: the line is not shared fairly",
        "set gate.down_mbit and gate.up_mbit to 0, or use a kernel with sch_cake",
    )


def _lines(kind: str, way: _Way) -> list[list[str]]:
    rate = f"{max(round(way.mbit * 1000), 8)}kbit"
    root = ["qdisc", "replace", "dev", way.interface, "root", "handle", HANDLE]
    if kind == "cake":
        return [[*root, "cake", "bandwidth", rate, *way.hosts]]
    only = f"{HANDLE}1"
    return [
        [*root, "htb", "default", "1"],
        ["class", "replace", "dev", way.interface, "parent", HANDLE, "classid", only, "htb", "rate", rate],
        ["qdisc", "replace", "dev", way.interface, "parent", only, "handle", "1:", "fq_codel", "flows", _QUEUES],
    ]


def _by_guest(way: _Way) -> list[str]:
    """A guest's connections share one of fq_codel's queues."""
    place = ["filter", "replace", "dev", way.interface, "parent", "1:", "protocol", "all", "prio", "1", "handle", "1"]
    return [*place, "flow", "hash", "keys", way.key, "divisor", _QUEUES]


def _is_ours(root: Root) -> bool:
    return root.get("handle") == HANDLE and root.get("kind") in _KINDS


def _is_free(root: Root) -> bool:
    """Ours, or the kernel's own."""
    return _is_ours(root) or root.get("handle") == "0:"


def _roots(program: str) -> dict[str, Root]:
    """Interface → its root queue."""
    try:
        told = json.loads(_tc(program, ["-j", "qdisc", "show"]) or "[]")
        return {str(one["dev"]): one for one in told if one.get("root")}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def _remove_ours(program: str) -> None:
    for name, root in sorted(_roots(program).items()):
        if _is_ours(root):
            _tc(program, ["qdisc", "delete", "dev", name, "root"])


def _tc(program: str, arguments: list[str]) -> str | None:
    """What it printed; None: it failed."""
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, errors="replace", timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
