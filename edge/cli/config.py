"""`storegate config`: is gateway.toml right, what does it amount to, and one to start from."""

from __future__ import annotations

import sys

import msgspec
import typer

from edge.cli import say
from edge.errors import ConfigError, StoregateError

app = typer.Typer(no_args_is_help=True)


@app.command("check")
def check(config: say.ConfigOption = None, as_json: say.JsonOption = False) -> None:
    """Find every mistake in gateway.toml at once: storegate config check --config gateway.toml"""
    from edge import config as configuration  # noqa: PLC0415

    path = configuration.find(config)
    try:
        settings = configuration.load(path)
    except ConfigError as error:
        if not as_json:
            say.fail(error)
        mistakes = [mistake._asdict() for mistake in error.mistakes]
        say.show({"file": str(path), "ok": False, "mistakes": mistakes}, as_json=True, human=lambda: None)
        raise SystemExit(error.exit_code) from error
    except StoregateError as error:
        say.fail(error)
    warnings = configuration.doubts(settings)
    for doubt in () if as_json else warnings:
        say.err.print(f"[yellow]warning:[/yellow] {doubt}", highlight=False, soft_wrap=True)
    say.show(
        {"file": str(path), "ok": True, "mistakes": [], "warnings": [str(doubt) for doubt in warnings]},
        as_json=as_json,
        human=lambda: print(f"{path}: no mistakes"),
    )


@app.command("show")
def show(config: say.ConfigOption = None, as_json: say.JsonOption = False) -> None:
    """Every setting in force, defaults included, secrets masked: storegate config show"""
    from edge import config as configuration  # noqa: PLC0415
    from edge.checked import masked  # noqa: PLC0415

    try:
        settings = configuration.load(configuration.find(config))
    except StoregateError as error:
        say.fail(error)
    text = msgspec.json.format(msgspec.json.encode(masked(settings)), indent=2).decode()
    say.show(settings, as_json=as_json, human=lambda: print(text))


@app.command("example")
def example() -> None:
    """Print a gateway.toml with every key and its meaning: storegate config example > gateway.toml"""
    from importlib.resources import files  # noqa: PLC0415

    sys.stdout.write(files("edge").joinpath("gateway.example.toml").read_text("utf-8"))
