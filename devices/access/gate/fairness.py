"""The line shared fairly among guests, whoever opens how many connections: `tc`, by address inside the guest network.

Only when the line's rates are set: without them nothing waits here, and so nothing can be shared here.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import Final

from devices.access.gate.settings import Settings

_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/bin"
_PATIENCE_S: Final = 10.0
Wrong = tuple[str, str]


def share(settings: Settings) -> tuple[str, Wrong | None]:
    """cake, fq_codel or none; and what is in the way."""
    wanted = [
        (name, mbit, hosts)
        for name, mbit, hosts in (
            (settings.interface, settings.down_mbit, "dual-dsthost"),
            (settings.uplink, settings.up_mbit, "dual-srchost"),
        )
        if name and mbit
    ]
    if not wanted:
        return "none", None
    program = shutil.which("tc", path=_PATH) or shutil.which("tc")
    if program is None:
        return "none", ("the program tc is not on this box: the line is not shared fairly", "apt install iproute2")
    for kind in ("cake", "fq_codel"):
        if all(all(_tc(program, line) for line in _lines(kind, *one)) for one in wanted):
            return kind, None
        for name, _, _ in wanted:  # half of it would be a limit without fairness
            _tc(program, ["qdisc", "delete", "dev", name, "root"])
    return "none", (
        "this kernel has neither cake nor fq_codel: the line is not shared fairly",
        "set gate.down_mbit and gate.up_mbit to 0, or use a kernel with sch_cake",
    )


def _lines(kind: str, name: str, mbit: float, hosts: str) -> list[list[str]]:
    rate = f"{max(round(mbit * 1000), 8)}kbit"
    root = ["qdisc", "replace", "dev", name, "root"]
    if kind == "cake":
        # nat: guests are told apart although they leave with one address
        return [[*root, "cake", "bandwidth", rate, hosts, "nat"]]
    return [
        [*root, "handle", "1:", "htb", "default", "1"],
        ["class", "replace", "dev", name, "parent", "1:", "classid", "1:1", "htb", "rate", rate],
        ["qdisc", "replace", "dev", name, "parent", "1:1", "fq_codel"],
    ]


def _tc(program: str, arguments: list[str]) -> bool:
    try:
        done = subprocess.run([program, *arguments], capture_output=True, timeout=_PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
