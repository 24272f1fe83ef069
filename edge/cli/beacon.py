"""`storegate beacon`: find the shop's beacons, give them their settings, prove that they took them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli import say
from edge.errors import StoregateError, UsageError

if TYPE_CHECKING:
    from devices.beacons.provisioning.job import Step
    from edge.cli.beacon_books import Books
    from edge.cli.beacon_one import One
    from edge.cli.beacon_words import Row

app = typer.Typer(no_args_is_help=True)
AdapterOption = Annotated[str, typer.Option(help="hci0 …; else the first of \\[[radios]].")]
PasswordsOption = Annotated[
    Path | None,
    typer.Option("--passwords", help='TOML, mode 600: beacon id = "password", default = "…"; else passwords_file.'),
]
SecondsOption = Annotated[float, typer.Option(min=0.1, help="Listen so long.")]
Who = Annotated[str, typer.Argument(help="A beacon's id, or an address as scan shows it.", metavar="ID|ADDRESS")]
ProfileOption = Annotated[str, typer.Option(help="Of firmware_profiles/beacons; else the document's, or a guess.")]
IdsArgument = Annotated[list[str] | None, typer.Argument(help="Ids of beacons.", metavar="ID…")]
AllOption = Annotated[bool, typer.Option("--all", help="All documents with a profile that is set by radio.")]
UnverifiedOption = Annotated[
    bool, typer.Option("--unverified", help="Also what the profile is not sure of; checked, and undone if wrong.")
]

_PROVISION = """Give beacons the settings of their documents, and prove that they took them.

Each one is connected to, unlocked, read, written, read back, and heard with its new frame; whatever fails, it gets its
old settings back. Its password is changed last. The gateway pauses its scan meanwhile.

Passwords stand in a file, never on the command line: --passwords has the NEW ones; --current those that the beacons
have now (without it: as they left the factory). --report remembers what is done: run the same command again, and only
the others are tried.

Exit code: 0 when all are done, 1 when one failed, 2 for wrong usage.

[bold]Examples[/bold]

  storegate beacon provision door-1

  storegate beacon provision --all --passwords beacons.toml --report monday.jsonl

  storegate beacon provision hm-1 --line /dev/serial/by-id/usb-FTDI…
"""


@app.command("scan")
def scan(
    *,
    seconds: SecondsOption = 10.0,
    everything: Annotated[bool, typer.Option("--everything", help="Also what is no beacon: phones, watches.")] = False,
    adapter: AdapterOption = "",
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """Listen, and list what is on the air: whose it is, what it sends, which profile fits and how surely.

    Example: storegate beacon scan --seconds 20
    """
    from edge.cli import beacon_air, beacon_listen, beacon_words  # noqa: PLC0415

    with _told():
        books = _books(config)
        say.err.print(f"listening for {seconds:g} s", highlight=False)
        rows = beacon_air.run(beacon_listen.rows(books, adapter or books.adapter, seconds))
    shown = [row for row in rows if everything or beacon_words.is_beacon(row)]
    say.show(shown, as_json=as_json, human=lambda: _listed(shown, len(rows)))


@app.command("watch")
def watch(
    *,
    seconds: SecondsOption = 3600.0,
    adapter: AdapterOption = "",
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """The list of scan, live, until Ctrl-C: walk through the shop with it. With --json a list a second.

    Example: storegate beacon watch
    """
    from edge.cli import beacon_air, beacon_listen  # noqa: PLC0415

    with _told():
        books = _books(config)
        beacon_air.run(beacon_listen.live(books, adapter or books.adapter, seconds, as_json=as_json))


@app.command("show")
def show(
    who: Who,
    *,
    profile: ProfileOption = "",
    passwords: PasswordsOption = None,
    adapter: AdapterOption = "",
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """Connect to one beacon and read its settings. Nothing is written.

    Example: storegate beacon show door-1
    """
    from edge.cli import beacon_air, beacon_one, beacon_words  # noqa: PLC0415

    with _told():
        told = beacon_air.run(beacon_one.read(_one(_books(config), who, profile, passwords, adapter)))
    say.show(
        {"profile": told.profile, "settings": dict(told.settings)},
        as_json=as_json,
        human=lambda: beacon_words.settings(told.profile, told.settings),
    )


@app.command("provision", help=_PROVISION)
def provision(
    ids: IdsArgument = None,
    *,
    all_of_them: AllOption = False,
    passwords: PasswordsOption = None,
    current: Annotated[Path | None, typer.Option(help="A file like that of --passwords: what they have now.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="A line a beacon; what it says is done is not done again.")
    ] = None,
    unverified: UnverifiedOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be set; no radio is used.")] = False,
    line: Annotated[Path | None, typer.Option(help="The serial line of one AT module (HM-10).")] = None,
    url: Annotated[str, typer.Option(help="For beacons that send a web address; else their page's.")] = "",
    adapter: AdapterOption = "",
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    from edge.cli import beacon_air, beacon_bulk  # noqa: PLC0415

    with _told():
        books = _books(config)
        chosen = books.chosen(ids or [], all_of_them=all_of_them)
        if line is not None and len(chosen) != 1:
            raise UsageError("--line leads to one beacon", hint="give one id")
        asked = beacon_bulk.Asked(
            books=books, adapter=adapter or books.adapter, new=books.passwords(passwords),
            current=beacon_bulk.current_of(current), unverified=unverified, line=line, url=url, report=report,
        )  # fmt: skip
        if dry_run:
            plan = beacon_bulk.plan(asked, chosen)
            say.show(plan, as_json=as_json, human=lambda: beacon_bulk.told_plan(plan))
            raise typer.Exit(1 if any(one.problem for one in plan) else 0)
        lines = beacon_air.run(beacon_bulk.provisioned(asked, chosen, quiet=as_json))
    say.show(lines, as_json=as_json, human=lambda: None)
    raise typer.Exit(0 if all(one.ok for one in lines) else 1)


@app.command("verify")
def verify(
    ids: IdsArgument = None,
    *,
    all_of_them: AllOption = False,
    passwords: PasswordsOption = None,
    unverified: UnverifiedOption = False,
    adapter: AdapterOption = "",
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """Hear beacons and read them back: are they as their documents say? Nothing is written. Exit code 1: one is not.

    Example: storegate beacon verify --all
    """
    from edge.cli import beacon_air, beacon_one  # noqa: PLC0415

    with _told():
        books = _books(config)
        chosen = books.chosen(ids or [], all_of_them=all_of_them)
        words = books.passwords(passwords)
        found = beacon_air.run(
            beacon_one.verified(
                books, adapter or books.adapter, chosen, passwords=words, unverified=unverified, progress=_step
            )
        )
    say.show(found, as_json=as_json, human=lambda: beacon_one.told(found))
    raise typer.Exit(0 if all(one.ok for one in found) else 1)


@app.command("identify")
def identify(
    who: Who,
    *,
    profile: ProfileOption = "",
    passwords: PasswordsOption = None,
    adapter: AdapterOption = "",
    config: say.ConfigOption = None,
) -> None:
    """Let one beacon blink or beep, if its model can.

    Example: storegate beacon identify door-1
    """
    from edge.cli import beacon_air, beacon_one  # noqa: PLC0415

    with _told():
        beacon_air.run(beacon_one.identified(_one(_books(config), who, profile, passwords, adapter)))
    print("it was told to show itself")


@app.command("render")
def render(ids: IdsArgument = None, *, config: say.ConfigOption = None) -> None:
    """Print the YAML of beacons that ESPHome makes: put it into the device's file and flash it.

    Example: storegate beacon render shelf-3 >> shelf-3.yaml
    """
    from edge.cli import beacon_one  # noqa: PLC0415

    with _told():
        books = _books(config)
        chosen = books.chosen(ids or [], all_of_them=False)
        sys.stdout.write("".join(beacon_one.rendered(books, one) for one in chosen))


def _books(config: Path | None) -> Books:
    from edge.cli import beacon_books  # noqa: PLC0415

    return beacon_books.Books.open(config)


def _one(books: Books, who: str, profile: str, passwords: Path | None, adapter: str) -> One:
    from edge.cli.beacon_one import One  # noqa: PLC0415

    return One(books, adapter or books.adapter, who, profile, books.passwords(passwords), _step)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except StoregateError as error:
        say.fail(error)


def _step(step: Step) -> None:
    if say.err.is_terminal:
        say.err.print(f"[dim]{step.replace('_', ' ')}[/dim]", highlight=False)


def _listed(shown: list[Row], heard: int) -> None:
    from edge.cli import beacon_words  # noqa: PLC0415

    if shown:
        out = beacon_words.wide()
        out.print(beacon_words.table(shown, out.width))
        return
    hint = "nearer? battery in? --everything lists all that sends" if heard else "storegate doctor looks at Bluetooth"
    say.err.print(f"no beacon heard ({heard} other senders); {hint}", highlight=False)
