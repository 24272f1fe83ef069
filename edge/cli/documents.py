"""`storegate documents`: all that the shop manages, through the running daemon or, while none runs, on disk."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from edge.cli import say
from edge.cli.document_doubts import doubts_of
from edge.errors import DocumentError, Mistake, StoregateError, UsageError
from edge.shop import KINDS

if TYPE_CHECKING:
    from edge.config import Config
    from edge.documents import Changed
    from edge.shop import Document

app = typer.Typer(no_args_is_help=True)
MAX_FILE = 16 * 1024 * 1024
KINDS_HELP = f"{', '.join([*KINDS][:-1])} or {[*KINDS][-1]}."
KindArgument = Annotated[str, typer.Argument(help=KINDS_HELP, metavar="KIND")]
FileArgument = Annotated[Path, typer.Argument(help="A JSON list of documents; - reads stdin.", metavar="FILE")]


@app.command("put")
def put(
    kind: KindArgument, file: FileArgument, config: say.ConfigOption = None, as_json: say.JsonOption = False
) -> None:
    """Replace all documents of one kind, if every one is right: storegate documents put zones zones.json

    What they name and does not exist (yet) is a warning.
    """
    try:
        settings = _settings(config)
        items, found = _checked(kind, file)
        doubts = doubts_of(kind, found, settings)
        changed = _put(settings, kind, items)
    except StoregateError as error:
        say.fail(error)
    _warn(doubts)
    say.show(
        {**msgspec.to_builtins(changed), "warnings": [doubt._asdict() for doubt in doubts]},
        as_json=as_json,
        human=lambda: print(f"{kind}: {_counted(changed.count)} in force, sha256 {changed.sha256[:12]}…"),
    )


@app.command("get")
def get(kind: KindArgument, config: say.ConfigOption = None) -> None:
    """Print the documents in force as JSON, fit for `put`: storegate documents get campaigns > campaigns.json"""
    from edge.cli import asking  # noqa: PLC0415
    from edge.documents import Documents, known  # noqa: PLC0415

    try:
        settings = _settings(config)
        raw = asking.daemon(settings, "GET", f"/api/v1/documents/{known(kind)}")
        if raw is None:
            documents = Documents.open(settings.state_path)
            if documents.problem:
                say.warn(documents.problem)
            raw = msgspec.json.encode(asyncio.run(documents.get(kind)))
    except StoregateError as error:
        say.fail(error)
    sys.stdout.write(msgspec.json.format(raw, indent=2).decode() + "\n")


@app.command("check")
def check(
    kind: KindArgument, file: FileArgument, config: say.ConfigOption = None, as_json: say.JsonOption = False
) -> None:
    """Find every mistake in a file without changing anything: storegate documents check campaigns campaigns.json

    What it names is looked up among the other kinds in force: what does not exist (yet) is a warning.
    """
    try:
        _, found = _checked(kind, file)
        doubts = doubts_of(kind, found, _settings_if_there(config))
    except DocumentError as error:
        if not as_json:
            say.fail(error)
        facts = {
            "ok": False,
            "mistakes": [m._asdict() for m in error.mistakes],
            "warnings": [],
            "error": say.fault(error),
        }
        say.show(facts, as_json=True, human=lambda: None)
        raise say.Told(error.exit_code) from error
    except StoregateError as error:
        say.fail(error)
    _warn(doubts)
    say.show(
        {"ok": True, "count": len(found), "mistakes": [], "warnings": [doubt._asdict() for doubt in doubts]},
        as_json=as_json,
        human=lambda: print(f"{file}: {_counted(len(found), kind)}, no mistakes"),
    )


def _warn(doubts: Iterable[Mistake]) -> None:
    for doubt in doubts:
        say.warn(str(doubt))


def _counted(count: int, kind: str = "documents") -> str:
    return f"1 {kind[:-1]}" if count == 1 else f"{count} {kind}"


def _settings_if_there(config: Path | None) -> Config | StoregateError:
    """A file can be checked anywhere. Raises StoregateError for a configuration that was asked for."""
    try:
        return _settings(config)
    except StoregateError as error:
        if config is not None:
            raise
        return error


def _settings(config: Path | None) -> Config:
    from edge import config as configuration  # noqa: PLC0415

    return configuration.load(configuration.find(config))


def _checked(kind: str, file: Path) -> tuple[list[object], tuple[Document, ...]]:
    """The file's items, once all are right: as they stand there, and as documents."""
    from edge import documents  # noqa: PLC0415

    documents.known(kind)
    raw = _read(file)
    try:
        items = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DocumentError(str(file), [Mistake("(JSON)", str(error))]) from error
    except RecursionError as error:
        raise DocumentError(str(file), [Mistake("(JSON)", "lists in one another, too deep to read")]) from error
    found = documents.check(kind, items, where=str(file))
    return items, found


def _read(file: Path) -> bytes:
    try:
        if str(file) == "-":
            raw = sys.stdin.buffer.read(MAX_FILE + 1)
            if len(raw) > MAX_FILE:
                raise UsageError(f"standard input is larger than {MAX_FILE >> 20} MB")
            return raw
        if file.stat().st_size > MAX_FILE:
            raise UsageError(f"{file} is larger than {MAX_FILE >> 20} MB")
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"can't read {file}: {error.strerror}", hint="storegate documents put --help") from error


def _put(settings: Config, kind: str, items: list[object]) -> Changed:
    from edge.cli import asking  # noqa: PLC0415
    from edge.documents import Changed  # noqa: PLC0415

    raw = asking.daemon(settings, "PUT", f"/api/v1/documents/{kind}", msgspec.json.encode(items))
    if raw is not None:
        return msgspec.json.decode(raw, type=Changed)
    return asyncio.run(_put_here(settings, kind, items))


async def _put_here(settings: Config, kind: str, items: list[object]) -> Changed:
    """No daemon: the journal's lock makes sure of it, and the change is told to the cloud by the next one."""
    from edge.board import Board  # noqa: PLC0415
    from edge.clock import Clock  # noqa: PLC0415
    from edge.documents import Documents  # noqa: PLC0415
    from edge.documents_desk import DocumentsDesk  # noqa: PLC0415
    from edge.journal import Journal  # noqa: PLC0415
    from edge.pump import Pump  # noqa: PLC0415

    clock = Clock()
    documents = await asyncio.to_thread(Documents.open, settings.state_path)
    path = settings.state_path / "journal.sqlite"
    journal = await asyncio.to_thread(lambda: Journal.open(path, shop=documents.shop(settings), clock=clock))
    try:
        desk = DocumentsDesk(documents, journal, Pump(journal, Board()), clock, settings)
        return await desk.put(kind, items, by="cli")
    finally:
        await journal.close()
