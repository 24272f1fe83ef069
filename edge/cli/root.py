"""All commands under one name, and how an error leaves the program."""

from __future__ import annotations

import importlib
import io
import os
import sys
from typing import Annotated

import typer

from edge import __version__
from edge.cli import say
from edge.errors import StoregateError, UsageError

app = typer.Typer(
    name="storegate",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="The gateway a shop keeps behind its counter. Start with [bold]storegate demo[/bold], "
    "or [bold]storegate doctor[/bold] on a box that is set up.",
)
GROUPS = {
    "scan": "Read barcodes and QR codes from pictures.",
    "scanner": "Find, pair and watch barcode scanners.",
    "catalogue": "Import products and look them up.",
    "coupon": "Issue, show and redeem coupons.",
    "ledger": "Prove the coupon ledger.",
    "footfall": "Count people in a video.",
    "documents": "What the shop manages: zones, campaigns, beacons, pages …",
    "beacon": "Find, configure and check beacons.",
    "shake": "Print the codes that phones scan to shake.",
    "voucher": "Make, list and void vouchers of the guest Wi-Fi.",
    "wifi": "Who is on the guest Wi-Fi; end sessions, export records.",
    "render": "Write dnsmasq's and hostapd's files for the guest Wi-Fi.",
    "config": "Check, show or print gateway.toml.",
}
"""Group → its one line of help; each is `edge/cli/<group>.py` with an `app`."""
SINGLES = ("doctor", "status", "demo")
"""Commands of one word; each is `edge/cli/<name>.py` with a function of that name."""


def main() -> None:
    """Exit codes: 0 done, 1 failed, 2 wrong usage or configuration."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files need not be UTF-8
    try:
        build()()
    except StoregateError as error:
        say.fail(error)
    except say.Told:
        raise
    except SystemExit as end:
        if end.code == UsageError.exit_code and "--json" in sys.argv:  # typer has told a person
            wrong = UsageError("wrong usage", hint="stderr says what is wrong; see --help")
            sys.stdout.write(say.encoded({"error": say.fault(wrong)}).decode() + "\n")
        raise
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away (`| head`): not an error of ours
        raise SystemExit(0) from None
    except Exception as error:
        if os.environ.get("STOREGATE_DEBUG"):
            raise
        hint = "this is a bug; run with STOREGATE_DEBUG=1 for the traceback"
        say.fail(StoregateError(f"{type(error).__name__}: {error}", hint=hint))


def build() -> typer.Typer:
    """The whole command tree."""
    for group, text in GROUPS.items():
        app.add_typer(importlib.import_module(f"edge.cli.{group}").app, name=group, help=text)
    for name in SINGLES:
        app.command(name)(getattr(importlib.import_module(f"edge.cli.{name}"), name))
    return app


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", is_eager=True)] = False,
) -> None:
    if version:
        sys.stdout.write(f"storegate {__version__}\n")
        raise typer.Exit


@app.command("run", help="Run the gateway (what the systemd unit does): storegate run --config gateway.toml")
def run(config: say.ConfigOption = None) -> None:
    from edge.daemon import main as daemon  # noqa: PLC0415 - the daemon's libraries are not the command line's

    daemon(["--config", str(config)] if config else [])
