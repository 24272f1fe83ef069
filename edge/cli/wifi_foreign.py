"""What `storegate doctor` looks at of programs beside the guest Wi-Fi: which dnsmasq is ours, whose firewall it is.

Several programs bring a dnsmasq of their own (libvirt, LXD, NetworkManager), and several a firewall whose chain for
forwarded packets drops what it does not know (Docker, ufw, firewalld): a packet that one chain accepts is still looked
at by the others.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.config import Config

OWN_TABLE = "storegate"
MAIN = "etc/dnsmasq.conf"
RUN_S = 10.0
MAX_FILE = 1024 * 1024

Run = Callable[[list[str]], str | None]
"""A command → what it prints; None: it could not be run, or failed."""


# --- which process is ours ------------------------------------------------------------------------------------


def began_s(root: Path, program: str, file: Path) -> tuple[list[float], bool]:
    """When each process that reads our file began (seconds since 1970), and whether others of that name run."""
    booted = [line.split()[1] for line in _text(root / "proc/stat").splitlines() if line.startswith("btime ")]
    found, others = list[float](), False
    for comm in root.glob("proc/[0-9]*/comm"):
        if _text(comm).strip() != program or not booted:
            continue
        arguments = _text(comm.with_name("cmdline")).split("\0")
        if not (_dnsmasq_reads if program == "dnsmasq" else _names)(arguments, file, root):
            others = True
            continue
        fields = _text(comm.with_name("stat")).rpartition(")")[2].split()
        if len(fields) > 19 and fields[19].isdecimal():
            found.append(float(booted[0]) + int(fields[19]) / os.sysconf("SC_CLK_TCK"))
    return found, others


def _names(arguments: list[str], file: Path, root: Path) -> bool:
    return any(_here(each, root) == file for each in arguments if each)


def _dnsmasq_reads(arguments: list[str], file: Path, root: Path) -> bool:
    """By its options; without --conf-file it reads its main file, which may name others."""
    files, folders = list[str](), list[str]()
    for number, each in enumerate(arguments):
        following = arguments[number + 1] if number + 1 < len(arguments) else ""
        if each in {"-C", "--conf-file"}:
            files.append(following)
        elif each in {"-7", "--conf-dir"}:
            folders.append(following)
        elif each.startswith("--conf-file="):
            files.append(each.partition("=")[2])
        elif each.startswith("--conf-dir="):
            folders.append(each.partition("=")[2])
        elif each.startswith(("-C", "-7")) and not each.startswith("--"):
            (files if each[1] == "C" else folders).append(each[2:])
    for line in () if files else _text(root / MAIN).splitlines():
        key, _, value = line.partition("#")[0].partition("=")
        {"conf-file": files, "conf-dir": folders}.get(key.strip(), []).append(value.strip())
    mains = {_here(each, root) for each in files if each} | (set() if files else {root / MAIN})
    return file in mains or file.parent in {_here(each.partition(",")[0], root) for each in folders if each}


def _here(path: str, root: Path) -> Path:
    return root / path.lstrip("/")


# --- other firewalls ------------------------------------------------------------------------------------------


def closed_chains(config: Config, run: Run) -> Iterator[tuple[str, str]]:
    """Chains of others that drop what is forwarded, without a rule that names the guests' interface; what to add."""
    listed = _listed(run(["nft", "-j", "list", "chains"]))
    for chain in (each["chain"] for each in listed if isinstance(each.get("chain"), dict)):
        family, table, name = (str(chain.get(key, "")) for key in ("family", "table", "name"))
        drops = chain.get("hook") == "forward" and chain.get("policy") == "drop"
        if drops and table != OWN_TABLE and family in {"ip", "ip6", "inet"}:
            if family == "ip6" and not config.gate.address6:
                continue
            rules = run(["nft", "-j", "list", "table", family, table])
            if f'"{config.gate.interface}"' not in (rules or ""):
                yield f"{family} {table} {name}", _add(config, run, family, table, name)
    legacy = run(["iptables-legacy", "-S"]) or ""
    if "-P FORWARD DROP" in legacy.splitlines() and f" {config.gate.interface} " not in legacy:
        yield "iptables-legacy FORWARD", _iptables(config, "iptables-legacy", "FORWARD")


def _listed(printed: str | None) -> list[dict[str, Any]]:
    try:
        found = json.loads(printed or "{}").get("nftables", [])
    except (ValueError, AttributeError, RecursionError):
        return []
    return [each for each in found if isinstance(each, dict)]


def _add(config: Config, run: Run, family: str, table: str, name: str) -> str:
    """By the program whose chain it seems to be."""
    gate = config.gate
    if table == "filter" and name == "FORWARD":
        if run(["nft", "-j", "list", "chain", family, table, "DOCKER-USER"]) is not None:
            return _iptables(config, "ip6tables" if family == "ip6" else "iptables", "DOCKER-USER")
        if run(["nft", "-j", "list", "chain", family, table, f"ufw{'6' if family == 'ip6' else ''}-user-forward"]):
            return f"sudo ufw route allow in on {gate.interface} out on {gate.uplink}"
        return _iptables(config, "ip6tables" if family == "ip6" else "iptables", "FORWARD")
    if table == "firewalld":
        return f"sudo firewall-cmd --permanent --zone=trusted --add-interface={gate.interface}, and --reload"
    back = f"iifname {gate.uplink} oifname {gate.interface} ct state established,related accept"
    insert = f"nft insert rule {family} {table} {name}"
    return f"sudo {insert} iifname {gate.interface} oifname {gate.uplink} accept; sudo {insert} {back}"


def _iptables(config: Config, program: str, chain: str) -> str:
    gate = config.gate
    back = f"-i {gate.uplink} -o {gate.interface} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
    there = f"-i {gate.interface} -o {gate.uplink} -j ACCEPT"
    return f"sudo {program} -I {chain} {there}; sudo {program} -I {chain} {back}; and for good: docs/wifi.md"


def ran(path: str) -> Run:
    """`path`: where programs are looked for."""

    def run(command: list[str]) -> str | None:
        program = shutil.which(command[0], path=path)
        if program is None:
            return None
        try:
            done = subprocess.run([program, *command[1:]], capture_output=True, timeout=RUN_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return None if done.returncode else done.stdout.decode("utf-8", "replace")

    return run


def _text(path: Path) -> str:
    """Empty where it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE).decode("utf-8", "replace")
    except OSError:
        return ""
