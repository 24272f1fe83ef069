"""`python -m bench [PART…]`: runs the benches, prints one table, writes out/bench.json with the machine named."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sqlite3
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from bench.row import Row
from edge import __version__

HERE = Path(__file__).parent
OUT = Path("out") / "bench.json"
NOT_PARTS = {"__init__", "__main__", "row"}


class Machine(msgspec.Struct, kw_only=True):
    """Where it was measured: ratios count, not absolutes."""

    cpu: str
    cores: int
    kernel: str
    python: str
    sqlite: str
    load_1min: float
    """Above the number of cores, rates are lower bounds."""


class Report(msgspec.Struct, kw_only=True):
    version: str
    at: datetime
    machine: Machine
    rows: list[Row]
    failed: dict[str, str]
    """Part → why it could not run."""


def main() -> int:
    known = parts()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"which: {', '.join(known)} (default: all)")
    parser.add_argument("--output", type=Path, default=OUT, help="the JSON file (default: %(default)s)")
    arguments = parser.parse_args()
    if unknown := set(arguments.part) - set(known):
        parser.error(f"there is no bench of {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    OUT.parent.mkdir(exist_ok=True)
    report = Report(version=__version__, at=datetime.now(UTC), machine=machine(), rows=[], failed={})
    for part in arguments.part or known:
        try:
            report.rows.extend(importlib.import_module(f"bench.{part}").rows())
        except Exception as error:  # noqa: BLE001 - one part that can't run here (no camera, no broker) costs only itself
            report.failed[part] = f"{type(error).__name__}: {error}"
            sys.stderr.write(f"{part} could not run: {report.failed[part]}\n")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
    show(report)
    return 1 if report.failed else 0


def parts() -> list[str]:
    """Modules here that have `rows`."""
    names = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_PARTS)
    return [name for name in names if "def rows(" in (HERE / f"{name}.py").read_text("utf-8")]


def machine() -> Machine:
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        kernel=platform.release(),
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        load_1min=os.getloadavg()[0],
    )


def show(report: Report) -> None:
    box = report.machine
    title = f"{box.cpu}, {box.cores} cores, Linux {box.kernel}, Python {box.python}, SQLite {box.sqlite}"
    table = Table(title=f"{title}, load {box.load_1min:.1f}")
    for name in ("part", "what", "by"):
        table.add_column(name)
    for name in ("value", "held to"):
        table.add_column(name, justify="right")
    table.add_column("note")
    for row in _grouped(report.rows):
        value = f"{number(row.value)} {row.unit}"
        colour = {None: "", True: "green", False: "red"}[row.kept]
        hold = "" if row.hold is None else f"{'≥' if row.at_least else '≤'} {number(row.hold)} {row.unit}"
        table.add_row(row.part, row.what, row.by, f"[{colour}]{value}[/]" if colour else value, hold, row.note)
    Console().print(table)


def number(value: float) -> str:
    """Three digits that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _grouped(rows: Iterable[Row]) -> list[Row]:
    """Alternatives below what they are alternatives to."""
    first: dict[tuple[str, str], int] = {}
    for index, row in enumerate(rows):
        first.setdefault((row.part, row.what), index)
    return sorted(rows, key=lambda row: (first[row.part, row.what], row.by != "storegate"))


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    raise SystemExit(main())
