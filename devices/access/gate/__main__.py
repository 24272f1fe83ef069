"""`storegate-gate`: lets guests of the Wi-Fi through, and does nothing else."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import sys
import time
from importlib import metadata
from pathlib import Path
from types import FrameType

from devices.access.gate import links, nft, onlink, rules, settings
from devices.access.gate.gate import Gate
from devices.access.gate.server import BusyError, Server

DEFAULT = "/etc/storegate/gateway.toml"
_HELP = """\
Guards the guest Wi-Fi of this box: loads the rules of the guest network into the kernel (nftables: table inet
storegate), takes orders from the storegate daemon on a UNIX socket, and puts the rules back when something else
changed them. It needs CAP_NET_ADMIN and the program nft, and reads [gate] and listen.guest.port of gateway.toml.

When the daemon dies, guests who are in stay in. When the gate dies, too; nobody new gets in, and at the next start
everybody is still there. The rules stay in the kernel when it ends: to take them away, on purpose,
  nft delete table inet storegate
"""
_MORE = """\
examples:
  storegate-gate --check                      show the rules that gateway.toml asks for, and whether nft takes them
  storegate-gate --config ./gateway.toml      run in the foreground, as root
  systemctl status storegate-gate             how the one of this box is
  nft list table inet storegate               what is in the kernel: rules, members, counters
exit codes: 0 ended by a signal, or no guest network is set · 1 it can't run here · 2 gateway.toml is wrong
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="storegate-gate",
        description=_HELP,
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", type=Path, help=f"gateway.toml; else $STOREGATE_CONFIG, else {DEFAULT}", metavar="FILE"
    )
    parser.add_argument("--check", action="store_true", help="print the rules and end; changes nothing")
    parser.add_argument("--version", action="version", version=_version())
    given = parser.parse_args(arguments)
    try:
        found = settings.read(given.config or Path(os.environ.get("STOREGATE_CONFIG") or DEFAULT))
    except settings.SettingsError as error:
        _fail(str(error), "storegate config check says more")
        return 2
    if given.check:
        return _check(found)
    if not found.interface or found.driver != "gate":
        _say("no guest network here: gate.interface in gateway.toml is empty, or gate.driver is not gate")
        _notify("READY=1", "STATUS=no guest network is set in gateway.toml")
        return 0
    return _run(found)


def _check(found: settings.Settings) -> int:
    if not found.interface:
        _say("gate.interface is empty: there is no guest network, and no rules")
        return 0
    try:
        networks = onlink.read(found.interface)
    except links.LinksError as error:
        _fail(str(error), error.hint)
        return 1
    text = rules.text(found, rules.Contents(run=1, onlink=networks, others_route=links.others_route()))
    try:
        print(text, flush=True)  # noqa: T201 - what was asked for
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    try:
        nft.check(text)
    except nft.NftError as error:
        _fail(str(error), error.hint)
        return 1
    _say("nft takes these rules; nothing was changed")
    return 0


def _run(found: settings.Settings) -> int:
    stop: list[int] = []

    def stopping(number: int, _frame: FrameType | None) -> None:
        stop.append(number)

    signal.signal(signal.SIGTERM, stopping)
    signal.signal(signal.SIGINT, stopping)
    gate = Gate(found, version=_version(), say=_say)
    try:
        server = Server(gate, path=Path(found.socket), user=found.user, say=_say)
    except BusyError as error:
        _fail(str(error))
        return 1
    except OSError as error:
        _fail(f"{found.socket}: {error.strerror}", "see gate.socket in gateway.toml; its folder must be there")
        return 1
    told: list[str] = []

    alive = _Alive()

    def tell() -> None:
        """What `systemctl status` shows; the first word also says that the rules are in (or why they are not)."""
        status = gate.problem[0] or "the rules are in place"
        if told != [status]:
            told[:] = [status]
            _notify("READY=1", f"STATUS={status}")
        alive.tell()

    try:
        server.run(lambda: bool(stop), after_tick=tell)
    finally:
        _notify("STOPPING=1")
        server.close()
        gate.close()
    return 0


class _Alive:
    """Tells systemd, where it wants to know (`WatchdogSec=`), that the loop still turns."""

    def __init__(self) -> None:
        told = os.environ.get("WATCHDOG_USEC", "")
        self._each_s = int(told) / 3e6 if told.isascii() and told.isdecimal() else 0.0
        self._next_s = 0.0

    def tell(self) -> None:
        now_s = time.monotonic()
        if self._each_s and now_s >= self._next_s:
            self._next_s = now_s + self._each_s
            _notify("WATCHDOG=1")


def _fail(text: str, hint: str = "") -> None:
    """As `storegate` says it."""
    _say(f"error: {text}" + (f"\nnext: {hint}" if hint else ""))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the journal


def _notify(*lines: str) -> None:
    """sd_notify(3)."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.connect("\0" + address[1:] if address.startswith("@") else address)
            told.send("\n".join(line.replace("\n", " ") for line in lines).encode())


def _version() -> str:
    try:
        return metadata.version("storegate")
    except metadata.PackageNotFoundError:
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
