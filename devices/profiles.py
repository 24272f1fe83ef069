"""`firmware_profiles/<family>/*.toml` → frozen structs: what a device model is, as data, never how to drive it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.checked import check, nearest
from edge.errors import Mistake, ProfileError, UsageError

ROOT = Path(__file__).parents[1] / "firmware_profiles"
"""Beside this package in a checkout and in an installed wheel. (importlib.resources of Python 3.11 fails on a folder
without Python files when the project is installed to be edited.)
"""
EXAMPLE = "example.toml"
"""Shows every key; is no device."""
P = TypeVar("P", bound=msgspec.Struct)


def all_of(family: str, kind: type[P]) -> dict[str, P]:
    """Name → profile of a family. Reads files: not in the event loop.

    Raises ProfileError with every mistake of the first wrong file.
    """
    return {file.stem: read(file, kind) for file in _files(family) if file.name != EXAMPLE}


def one(family: str, name: str, kind: type[P]) -> P:
    """A profile by name. Raises UsageError where there is none, with what was probably meant."""
    files = {file.stem: file for file in _files(family) if file.name != EXAMPLE}
    if name not in files:
        near = nearest(name, files)
        hint = f"did you mean {near!r}?" if near else f"see firmware_profiles/{family}/"
        raise UsageError(f"there is no profile {name!r} of {family}", hint=hint)
    return read(files[name], kind)


def read(file: Path, kind: type[P]) -> P:
    try:
        data = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProfileError(file.name, [Mistake("(TOML)", str(error))]) from error
    profile, mistakes = check(data, kind)
    if profile is None:
        raise ProfileError(file.name, mistakes)
    return profile


def _files(family: str) -> Iterator[Path]:
    yield from sorted((ROOT / family).glob("*.toml"))
