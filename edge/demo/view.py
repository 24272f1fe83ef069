"""The live view on a terminal, and the account in words at the end. Everything shown came through the real daemon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge.demo.account import Account
from edge.demo.play import Line, Play
from edge.demo.stage import SCAN_PIPE

SHOWN_TYPES = 9


def live(play: Play) -> RenderableType:
    """One frame."""
    scene, found = play.scene, play.scene.account
    status: dict[str, Any] = msgspec.json.decode(scene.status)
    head = Text.assemble(
        ("storegate demo  ", "bold"),
        ("shop clock ", "dim"),
        (scene.shop_clock or "--:--", "bold cyan"),
        ("   line to the cloud ", "dim"),
        ("up", "bold green") if scene.line is Line.UP else ("CUT: everything goes on, events wait", "bold red"),
    )
    tries = Group(*(Text(line, style="dim") for line in hints(play)))
    return Group(head, addresses(play), tries, _shop(play, found, status), Text("Ctrl-C ends it all.", style="dim"))


def addresses(play: Play) -> RenderableType:
    """Where a person can look."""
    table = Table.grid(padding=(0, 2))
    for what, url in urls(play):
        table.add_row(Text(what, style="dim"), Text(url, style="underline"))
    return table


def urls(play: Play) -> Iterator[tuple[str, str]]:
    at = "http://127.0.0.1"
    yield "kiosk, in use by shoppers", f"{at}:{play.ports.shop}/kiosk/kiosk-1"
    yield "kiosk, free for you", f"{at}:{play.ports.shop}/kiosk/kiosk-2"
    yield "guest Wi-Fi's portal", f"{at}:{play.ports.guest}/"
    yield "shake (on the Wi-Fi)", f"{at}:{play.ports.guest}/shake"
    yield "wallet (a shopper's phone)", f"{at}:{play.ports.guest}/wallet"
    yield "status page", f"{at}:{play.ports.admin}/"
    yield "till API", f"{at}:{play.ports.shop}/till/v1/openapi.json"


def hints(play: Play) -> Iterator[str]:
    """How to try what needs more than a browser."""
    folder = play.options.folder
    config = f"--config {folder / 'gateway.toml'}"
    yield f"try a voucher:     storegate voucher make --count 2 {config}, then type one into the portal"
    yield (
        "try a member code: on the portal press “Show a code”, then hold a screenshot to kiosk-1's scanner: "
        f"storegate scan image shot.png | grep -o 'SGM1[A-Z2-7]*' > {folder / SCAN_PIPE}"
    )


def _shop(play: Play, found: Account, status: dict[str, Any]) -> RenderableType:
    acted = Table(title="People did", title_justify="left", box=None, show_header=False)
    for what, count in play.actors.done.most_common():
        acted.add_row(what, str(count))
    for what, count in play.actors.refused.most_common(3):
        acted.add_row(Text(f"refused: {what}", style="yellow"), str(count))
    outbox = status.get("outbox") or {}
    depth = sum(outbox.get("depth", {}).values()) if isinstance(outbox.get("depth"), dict) else outbox.get("depth", 0)
    cloud = Table(title="The cloud has", title_justify="left", box=None, show_header=False)
    cloud.add_row(Text("waiting in the outbox", style="dim"), str(depth))
    for name, count in list(found.by_type.items())[:SHOWN_TYPES]:
        cloud.add_row(name, str(count))
    both = Table.grid(padding=(0, 4))
    both.add_row(acted, cloud)
    return Panel(Group(both, Text(""), Text(line_of(found))), title=f"{found.received} events received")


def line_of(found: Account) -> str:
    """The account in one line."""
    return (
        f"produced {found.produced}, received {found.received}, lost {found.lost}, missing {found.missing}, "
        f"doubled {found.doubled} (sent again and recognised: {found.resent}); "
        f"coupons used {found.redeemed}, used twice {found.redeemed_twice}"
    )


def report(play: Play) -> Iterator[str]:
    """What is printed at the end."""
    found, door = play.scene.account, play.scene.account.door
    for what, count in play.actors.done.most_common():
        yield f"people: {what}: {count}"
    for what, count in play.actors.refused.most_common():
        yield f"refused: {what}: {count}"
    for name, count in found.by_type.items():
        yield f"cloud: {name}: {count}"
    yield (
        f"door: counted {door.entered} in, {door.exited} out; truly {door.true_entered} in, {door.true_exited} out "
        f"in the {door.watched_s:.0f} s of film that were told"
    )
    yield line_of(found)
    yield "every event is accounted for" if found.good else "NOT every event is accounted for"
