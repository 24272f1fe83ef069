"""docs/wifi.md is held to the code: its gateway.toml parts are taken, its document passes, its policies are ours."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
import typer.main

from edge.cli.root import build
from edge.config import Config, parse
from edge.documents import check
from edge.policies import load
from edge.shop.portals import OFFERED

TEXT = (Path(__file__).parents[1] / "docs/wifi.md").read_text("utf-8")
BOX = '[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\n'


def blocks(language: str) -> list[str]:
    """Without the indentation that a block in a list has."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", TEXT, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]


def merged(*parts: str) -> Config:
    """A later part's sections take the place of an earlier one's."""
    cut = [re.findall(r"^(\[.*?\])\n(.*?)(?=^\[|\Z)", part, re.MULTILINE | re.DOTALL) for part in parts]
    sections = {name: body for found in cut for name, body in found}
    return parse(BOX + "".join(name + "\n" + body for name, body in sections.items()), where="docs/wifi.md")


def test_its_gateway_toml_is_taken() -> None:
    with_vlan, own_radio, certificate = blocks("toml")
    assert merged(with_vlan).gate.interface == "eth0.20"
    assert merged(with_vlan, own_radio).access_point.interface == "wlan0"
    assert merged(with_vlan, certificate).portal.name == "s042.portal.example.net"


def test_its_document_passes() -> None:
    (document,) = blocks("json")
    assert len(check("portals", msgspec.json.decode(document))) == 1


def test_each_way_has_its_row() -> None:
    section = TEXT.split("## Ways in")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == {way.value for way in OFFERED}


@pytest.mark.parametrize("name", ["none", "eu", "cn"])
def test_policies_are_told_as_they_are(name: str) -> None:
    policy = load(name)
    (row,) = re.findall(rf"^\| `{name}` \| (.*)$", TEXT, re.MULTILINE)
    ways, _, keeps = (cell.strip() for cell in row.strip(" |").split("|"))
    assert set(re.findall(r"`(\w+)`", ways)) == {way.value for way in policy.ways}
    assert (f"{policy.log_days} days" in keeps) is bool(policy.log_days)


def test_its_commands_and_their_options_exist() -> None:
    group = typer.main.get_command(build())
    for line in re.findall(r"^ *(?:sudo )?storegate (.*?)(?:\s+#.*)?$", "\n".join(blocks("sh")), re.MULTILINE):
        command, words = group, re.split(r"\s+", line.strip())
        while words and hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line
