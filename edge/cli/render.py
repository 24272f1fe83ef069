"""`storegate render`: files of other programs, made from gateway.toml."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from edge.cli import say
from edge.errors import StoregateError, UsageError

if TYPE_CHECKING:
    from edge.config import Config
    from edge.web.tls import Tls

app = typer.Typer(no_args_is_help=True)
MAX_PASSPHRASE_FILE = 4096

OutOption = Annotated[
    Path | None,
    typer.Option("--out", help="Write this file, if it is not the same already; without it the text goes to stdout."),
]


class Rendered(NamedTuple):
    file: str
    changed: bool
    next: str


@app.command("dnsmasq")
def dnsmasq(
    out: OutOption = None,
    api: Annotated[
        bool | None,
        typer.Option(
            "--api/--no-api",
            help="Tell phones where the portal's API is (option 114); by default while its certificate is good.",
        ),
    ] = None,
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    r"""DHCP, router advertisements and members' DNS: storegate render dnsmasq --out /etc/dnsmasq.d/storegate.conf

    Debian's dnsmasq reads every *.conf in /etc/dnsmasq.d. Check it with `dnsmasq --test`, then
    `systemctl restart dnsmasq`. Make it anew after each change of \\[gate] or \\[portal], and when the portal's
    certificate was replaced; a run that changes nothing leaves the file alone.
    """
    from devices.access import render as files  # noqa: PLC0415

    try:
        settings = _load(config)
        tls = _certificate(settings) if api is None else None
        text = files.dnsmasq(settings, api=tls.usable if tls else bool(api))
        if tls is not None and not tls.usable:
            say.warn(f"phones are not told of the portal's API: {tls.problem}")
        _give(text, out, 0o644, "dnsmasq --test && systemctl restart dnsmasq", as_json=as_json)
    except StoregateError as error:
        say.fail(error)


@app.command("hostapd")
def hostapd(out: OutOption = None, config: say.ConfigOption = None, as_json: say.JsonOption = False) -> None:
    r"""A box's own radio as access point: storegate render hostapd --out /etc/hostapd/hostapd.conf

    Debian's hostapd reads that file once it is unmasked: `systemctl unmask hostapd`, then
    `systemctl enable --now hostapd`, later `systemctl restart hostapd`. Needed only where \\[access_point] names
    an interface: with access points of your own, put the guests' SSID into a VLAN that ends at gate.interface,
    with client isolation on.
    """
    from devices.access import render as files  # noqa: PLC0415

    try:
        settings = _load(config)
        text = files.hostapd(settings, passphrase=_passphrase(settings))
        _give(text, out, 0o600, "systemctl restart hostapd", as_json=as_json)
    except StoregateError as error:
        say.fail(error)


def _load(config: Path | None) -> Config:
    from edge import config as configuration  # noqa: PLC0415

    return configuration.load(configuration.find(config))


def _passphrase(config: Config) -> str:
    """Raises UsageError."""
    point = config.access_point
    if not point.interface or point.security != "wpa2":
        return ""
    try:
        with Path(point.passphrase_file).open("rb") as file:
            raw = file.read(MAX_PASSPHRASE_FILE)
    except OSError as error:
        text = f"access_point.passphrase_file: can't read {point.passphrase_file}: {error.strerror}"
        raise UsageError(text, hint="run this as root, or give the file to who runs it") from error
    return raw.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "replace")


def _certificate(config: Config) -> Tls | None:
    """As the guest pages would use it now; None: gateway.toml asks for none."""
    from edge.board import Board  # noqa: PLC0415
    from edge.clock import Clock  # noqa: PLC0415
    from edge.web.tls import Tls  # noqa: PLC0415

    portal = config.portal
    if not portal.name:
        return None
    tls = Tls(Path(portal.cert_file), Path(portal.key_file), portal.name, board=Board(), clock=Clock())
    tls.look()
    return tls


def _give(text: str, out: Path | None, mode: int, then: str, *, as_json: bool) -> None:
    if out is None or str(out) == "-":
        say.show({"text": text}, as_json=as_json, human=lambda: print(text, end=""))
        return
    done = Rendered(str(out), _write(text, out, mode), then)

    def human() -> None:
        if done.changed:
            print(f"{out}: written; now `{then}`")
        else:
            print(f"{out}: the same as before")

    say.show(done._asdict(), as_json=as_json, human=human)


def _write(text: str, out: Path, mode: int) -> bool:
    """Whole or not at all; whether anything changed. Raises UsageError."""
    try:
        with suppress(FileNotFoundError):
            if out.read_bytes() == text.encode() and out.stat().st_mode & 0o777 == mode:
                return False
        with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
            try:
                file.write(text.encode())
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
                Path(file.name).replace(out)
            except OSError:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        text = f"can't write {out}: {error.strerror}"
        raise UsageError(text, hint="the folder has to be there; most files of other programs are root's") from error
    return True
