"""docs/documents.md is held to the documents: every key with its range and default, and examples that pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect
from typer.testing import CliRunner

from edge.access_answers import Way
from edge.cli import documents as command
from edge.config import Config, GatewaySection
from edge.documents import check
from edge.documents_mentions import doubts
from edge.shop import KINDS, Document

TEXT = (Path(__file__).parents[1] / "docs/documents.md").read_text("utf-8")
SECTIONS = {title: body for title, _, body in (part.partition("\n") for part in TEXT.split("\n## ")[1:])}
BOX = Config(gateway=GatewaySection(tenant="t", store="s", id="g"))
UNTOLD = {str(Way.PASS)}
"""No shop chooses it."""
WRITTEN = {"empty": "", "none": None, "true": True, "false": False}


def rows(kind: str) -> Iterator[tuple[str, str, str]]:
    """Key, what it is, its default; keys that share a line one by one."""
    for line in re.findall(r"^\| (`.*) \|$", SECTIONS[kind], re.MULTILINE):
        keys, what, default, _ = re.split(r" ?\| ?", line, maxsplit=3)
        for key in keys.split(", "):
            yield key.strip("`"), what, default.strip("`")


def leaves(kind: str) -> dict[str, inspect.Field]:
    def inside(struct: Any, before: str) -> Iterator[tuple[str, inspect.Field]]:
        for field in struct.fields:
            yield before + field.name, field
            items = getattr(field.type, "item_type", None)
            if isinstance(items, inspect.StructType):
                yield from inside(items, f"{before}{field.name}[].")
            elif isinstance(field.type, inspect.StructType):
                yield from inside(field.type, f"{before}{field.name}.")

    return dict(inside(inspect.type_info(KINDS[kind]), ""))


def bounds(kind: Any) -> list[int]:
    """What a person must know to stay within; texts of 1 to 200 characters are told once for all."""
    if isinstance(kind, inspect.UnionType):
        return [each for one in kind.types for each in bounds(one)]
    length = getattr(kind, "max_length", None)
    if getattr(kind, "min_length", None) == 1 and length == 200:
        length = None
    found = [getattr(kind, "ge", None), getattr(kind, "le", None), length]
    return [int(each) for each in found if each is not None]


def by_default(field: inspect.Field) -> bool | str | None:
    """As a person reads it; of keys that have keys of their own, those tell."""
    if isinstance(field.type, inspect.StructType):
        return ""
    plain = None if field.default in ((), msgspec.NODEFAULT) else msgspec.to_builtins(field.default)
    if isinstance(plain, bool | None):
        return plain
    return ", ".join(map(str, plain)) if isinstance(plain, tuple | list) else str(plain)


def example(kind: str) -> str:
    found = re.findall(r"^```json\n(.*?)^```", SECTIONS[kind], re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_every_kind_has_its_part() -> None:
    assert [*SECTIONS] == [*KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_told_with_its_range_and_default(kind: str) -> None:
    told, real = list(rows(kind)), leaves(kind)
    assert sorted(key for key, _, _ in told) == sorted(real)
    for key, what, default in told:
        field = real[key]
        for bound in bounds(field.type):
            assert f"{bound:,}" in what, key
        if isinstance(field.type, inspect.EnumType):
            assert set(re.findall("`(.+?)`", what)) == {str(member) for member in field.type.cls}
        if field.required:
            assert default == "", key
        else:
            assert WRITTEN.get(default, default) == by_default(field), key


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_passes(kind: str) -> None:
    done = CliRunner().invoke(command.app, ["check", kind, "-"], input=example(kind))
    assert (done.exit_code, "no mistakes" in done.stdout) == (0, True), done.stderr


def test_the_examples_are_one_shop() -> None:
    """What one of them names, another one has."""
    sets: dict[str, tuple[Document, ...]] = {kind: check(kind, msgspec.json.decode(example(kind))) for kind in KINDS}
    assert [doubt for kind in KINDS for doubt in doubts(kind, sets[kind], sets, BOX)] == []
