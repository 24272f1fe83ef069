"""The house rules a machine can see: room sizes, names, doors, broad excepts, words that do not belong."""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for top in ("edge", "devices", "cloud_bridge") for path in (ROOT / top).rglob("*.py"))
DOORS = {
    "bleak", "dbus_fast", "cv2", "zxingcpp", "pyzbar", "evdev", "tinydb", "aiomqtt", "paho", "biip", "pypinyin",
    "psycopg", "segno", "bumble", "dns",
}  # fmt: skip
"""Libraries that come in through one file each (aiomqtt and paho share theirs)."""
NO_NAMES = re.compile(r"(utils?|helpers?|common|misc|manager|const)\.py$")
NO_CLASSES = re.compile(r"(Manager|Service|Handler|Controller)$")
ALLOWED_CLASSES = {"edge/board.py:Service"}


def test_no_room_is_crowded() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {str(path): length for path, length in lengths.items() if length > 400} == {}
    assert statistics.median(length for length in lengths.values() if length > 3) <= 180


def test_names_say_something() -> None:
    assert [str(path) for path in SOURCES if NO_NAMES.search(path.name)] == []
    classes = {
        f"{path.relative_to(ROOT)}:{node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and NO_CLASSES.search(node.name)
    }
    assert classes - ALLOWED_CLASSES == set()


@pytest.mark.parametrize("library", sorted(DOORS))
def test_one_door(library: str) -> None:
    doors = [str(path.relative_to(ROOT)) for path in SOURCES if path.name != "fake.py" and library in _imported(path)]
    assert len(doors) <= 1, f"{library} comes in through {doors}"


def test_broad_excepts_are_rare() -> None:
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in SOURCES)
    broad = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    ]
    assert len(broad) <= max(3, lines / 1000), broad


def test_nothing_speaks_of_another_place() -> None:
    wrong = re.compile(r"/(?:root|home/\w+)/\w")  # somebody's own folders; a box's are /opt, /etc and /var
    texts = [path for path in ROOT.rglob("*") if path.suffix in {".py", ".md", ".toml", ".cfg", ".jinja", ".service"}]
    hits = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in texts
        if not {".venv", ".git", "out", ".state"} & set(path.parts) and path != Path(__file__)
        for match in wrong.finditer(path.read_text("utf-8", "replace"))
    ]
    assert hits == []


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found
