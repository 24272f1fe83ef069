"""How every command speaks: options they share, JSON or words, errors with their next step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.console import Console

from edge.checked import masked
from edge.errors import StoregateError

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="gateway.toml; else $STOREGATE_CONFIG, else /etc/storegate/gateway.toml."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Facts as JSON on stdout, for programs.")]

err = Console(stderr=True)
"""Progress, warnings and errors: stdout holds only the facts that were asked for."""


def show(facts: Any, *, as_json: bool, human: Callable[[], None]) -> None:
    """Prints facts: one JSON document, or words."""
    if as_json:
        sys.stdout.write(msgspec.json.encode(masked(facts)).decode() + "\n")
    else:
        human()


def fail(error: StoregateError) -> NoReturn:
    """Prints what is wrong and the next step; ends the command with the error's exit code."""
    err.print(f"[red]error:[/red] {_plain(str(error))}", highlight=False, soft_wrap=True)
    if error.hint:
        err.print(f"[dim]next:[/dim] {_plain(error.hint)}", highlight=False, soft_wrap=True)
    raise SystemExit(error.exit_code)


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
