"""Help texts of the whole program: what stands in brackets is shown, not taken for a colour."""

from __future__ import annotations

from collections.abc import Iterator

import click
from rich.text import Text
from typer.main import get_command

from edge.cli.root import build


def texts(command: click.Command) -> Iterator[str]:
    yield command.help or ""
    yield from (getattr(one, "help", None) or "" for one in command.params)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from texts(inner)


def test_no_bracket_of_a_help_text_is_eaten() -> None:
    for text in texts(get_command(build())):
        meant = text.replace("[bold]", "").replace("[/bold]", "").replace("\\[", "[")
        assert Text.from_markup(text).plain == meant
