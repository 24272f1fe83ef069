"""Imports a catalogue file in a process of its own: pinyin stays out of the daemon, and a crash there hurts nobody.

The new file is built beside the old one, synced, renamed over it, and the folder synced: at any moment, also after a
power cut, there is one whole catalogue. Kiosks keep reading the old file until they see the new one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from edge.catalogue.product import CatalogueInfo
from edge.errors import CatalogueError, Mistake, StoregateError

Progress = Callable[[int, int], None]
"""(products done, products in all)"""


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the importer's process: how far it is, or how it ended."""

    done: int = 0
    total: int = 0
    info: CatalogueInfo | None = None
    mistakes: tuple[Mistake, ...] = ()
    problem: str = ""
    hint: str = ""


def import_file(
    source: Path,
    target: Path,
    *,
    progress: Progress,
    skip_bad: bool = False,
    update: bool = False,
    priced_at_ms: int | None = None,
) -> CatalogueInfo:
    """Blocking. `target` is the catalogue's own file. Raises CatalogueError (mistakes with lines), StoregateError.

    `update` puts the rows into the catalogue that is there; without it they replace it. `priced_at_ms`: when the shop's
    system wrote the prices, by default the time of the file.
    """
    command = [sys.executable, "-P", "-m", "edge.catalogue.worker", str(source.absolute()), str(target.absolute())]
    command += ["--skip-bad"] * skip_bad + ["--update"] * update
    command += [f"--priced-at-ms={priced_at_ms}"] if priced_at_ms is not None else []
    # a session of its own: Ctrl-C reaches us, and we end it tidily, instead of both at once
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        if process.stdout is None:
            raise StoregateError("the importer can't be heard")
        try:
            last = Said()
            for line in process.stdout:
                last = msgspec.json.decode(line, type=Said)
                if last.total:
                    progress(last.done, last.total)
        except BaseException:
            process.terminate()  # whoever asked went away (Ctrl-C): nothing was changed yet
            raise
    return _result(last, source, process.returncode)


def _result(last: Said, source: Path, code: int) -> CatalogueInfo:
    if last.mistakes:
        raise CatalogueError(source.name, last.mistakes, hint=last.hint)
    if last.problem:
        raise StoregateError(last.problem, hint=last.hint)
    if last.info is None:
        raise StoregateError(
            f"the import of {source.name} was cut off (exit code {code})", hint="the catalogue in use is unchanged"
        )
    return last.info
