"""How every command speaks: options they share, JSON or words, errors with their next step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from edge.checked import masked
from edge.errors import MistakesError, StoregateError

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="gateway.toml; else $STOREGATE_CONFIG, else /etc/storegate/gateway.toml."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Facts as JSON on stdout, for programs.")]


class Told(SystemExit):
    """The end of a command that has said why, on stdout too where --json was asked for."""


err = Console(stderr=True)
"""Progress, warnings and errors: stdout holds only the facts that were asked for."""


def show(facts: Any, *, as_json: bool, human: Callable[[], None]) -> None:
    """Prints facts: one JSON document, or words."""
    if as_json:
        sys.stdout.write(encoded(facts).decode() + "\n")
    else:
        human()


def encoded(facts: Any) -> bytes:
    """JSON, secrets masked, always UTF-8: what is none, in the name of a file, is spelled out."""
    plain = masked(facts)
    try:
        return msgspec.json.encode(plain)
    except UnicodeEncodeError:
        return msgspec.json.encode(_utf8(plain))


def visible(text: str) -> str:
    """Control characters spelled out: what a device or a file said must not move the cursor of the one who reads it."""
    return "".join(char if char.isprintable() else f"<{ord(char):02X}>" for char in text)


def utf8(text: str) -> str:
    """Callback of an argument that goes into JSON or SQL."""
    if not text.isascii() and text != _utf8(text):
        raise typer.BadParameter(f"{_utf8(text)} is not UTF-8 text")
    return text


def fail(error: StoregateError) -> NoReturn:
    """Prints what is wrong and the next step; ends the command with the error's exit code.

    Where --json was asked for, of whatever command, stdout gets {"error": …} too.
    """
    if "--json" in sys.argv:
        sys.stdout.write(encoded({"error": fault(error)}).decode() + "\n")
    err.print(Text.assemble(("error: ", "red"), _lines(str(error))), soft_wrap=True)
    if error.hint:
        err.print(Text.assemble(("next: ", "dim"), _lines(error.hint)), soft_wrap=True)
    raise Told(error.exit_code)


def warn(text: str) -> None:
    err.print(Text.assemble(("warning: ", "yellow"), _lines(text)), soft_wrap=True)


def fault(error: StoregateError) -> dict[str, object]:
    """An error for programs."""
    facts: dict[str, object] = {"message": str(error), "hint": error.hint}
    if isinstance(error, MistakesError):
        facts["mistakes"] = [mistake._asdict() for mistake in error.mistakes]
    return facts


def _lines(text: str) -> str:
    return "\n".join(visible(line) for line in text.split("\n"))


def _utf8(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_utf8(key): _utf8(item) for key, item in value.items()}
    return [_utf8(item) for item in value] if isinstance(value, list | tuple) else value
