"""Documents can't go stale: commands, settings, events, links and make targets are held to the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from edge import telemetry
from edge.cli.root import build

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL_TEXT = "\n".join(page.read_text("utf-8") for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text("utf-8"))
    missing = [link for link in links if not re.match(r"https?:|mailto:", link) and not (page.parent / link).exists()]
    assert missing == []


def test_every_command_is_documented() -> None:
    group = typer.main.get_command(build())
    names: list[str] = []
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        names += [f"{name} {sub}" for sub in inner] if inner else [name]
    assert [name for name in names if f"storegate {name}" not in ALL_TEXT] == []


def test_every_event_is_documented() -> None:
    assert [kind.TYPE for kind in telemetry.all_types() if kind.TYPE not in ALL_TEXT] == []


def test_make_targets_of_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"`(?:sudo )?make ([a-z]+)", ALL_TEXT)) | set(
        re.findall(r"^(?:sudo )?make ([a-z]+)", ALL_TEXT, re.MULTILINE)
    )
    assert named <= targets


def test_ci_runs_what_the_readme_says() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    commands = [line for line in (ROOT / ".ci" / "run").read_text("utf-8").splitlines() if line.startswith("make ")]
    assert commands == ["make check", "make test"]
    assert all(command in readme for command in commands)
