"""`storegate config`: is gateway.toml right, what does it amount to, and one to start from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import typer

from edge.cli import say
from edge.errors import ConfigError, Mistake, StoregateError

if TYPE_CHECKING:
    from edge.config import Config

app = typer.Typer(no_args_is_help=True)


@app.command("check")
def check(config: say.ConfigOption = None, as_json: say.JsonOption = False) -> None:
    """Find every mistake in gateway.toml at once: storegate config check --config gateway.toml"""
    from edge import config as configuration  # noqa: PLC0415
    from edge import config_rules  # noqa: PLC0415

    path = configuration.find(config)
    try:
        settings = configuration.load(path)
        _hold_to_files(path, settings)
    except ConfigError as error:
        if not as_json:
            say.fail(error)
        mistakes = [mistake._asdict() for mistake in error.mistakes]
        facts = {"file": str(path), "ok": False, "mistakes": mistakes, "error": say.fault(error)}
        say.show(facts, as_json=True, human=lambda: None)
        raise say.Told(error.exit_code) from error
    except StoregateError as error:
        say.fail(error)
    warnings = (*configuration.doubts(settings), *config_rules.files(settings), *_shut_out(settings))
    for doubt in () if as_json else warnings:
        say.warn(str(doubt))
    say.show(
        {"file": str(path), "ok": True, "mistakes": [], "warnings": [str(doubt) for doubt in warnings]},
        as_json=as_json,
        human=lambda: print(f"{path}: no mistakes"),
    )


def _hold_to_files(path: Path, config: Config) -> None:
    """Raises ConfigError with profiles that do not exist or are wrong themselves, and a wrong policy's mistakes."""
    from devices.scanners.build import profile_of  # noqa: PLC0415
    from edge.config_rules_wifi import policy_mistakes  # noqa: PLC0415

    found: list[Mistake] = []
    for index, scanner in enumerate(config.scanners):
        try:
            if scanner.profile:
                profile_of(scanner)
        except StoregateError as error:
            problem = f"{error}; {error.hint}" if error.hint else str(error)
            found.append(Mistake(f"scanners[{index}].profile", problem))
    found += policy_mistakes(config)
    if found:
        raise ConfigError(str(path), found)


def _shut_out(config: Config) -> Iterator[Mistake]:
    """Ways in that gateway.toml and the policy leave of the portal's document, as it lies on this machine's disk."""
    from edge import documents, policies  # noqa: PLC0415
    from edge.shop import Portal  # noqa: PLC0415
    from edge.status.wifi import here, shut_out  # noqa: PLC0415

    if not here(config):
        return
    try:
        policy = policies.load(config.portal.policy)
        portals = documents.looked_up(config.state_path).get("portals", ())
    except StoregateError:
        return  # said already, or not for this user: the doctor asks the daemon
    portal = next((each for each in portals if isinstance(each, Portal)), None)
    if problem := shut_out(portal, config, policy):
        yield Mistake("portal.policy", problem)


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
