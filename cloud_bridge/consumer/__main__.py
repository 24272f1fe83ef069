"""`storegate-consumer`: the command line of the reference reader."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import zlib
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec
import typer
from rich.console import Console
from rich.live import Live

from cloud_bridge.consumer import report
from cloud_bridge.consumer.databases import Database
from cloud_bridge.consumer.reader import Reader
from cloud_bridge.endpoint import Endpoint
from edge.checked import Secret
from edge.errors import CloudError, StoregateError, UsageError

QUIET_S = 2.0
"""--once ends after this long without a message."""
REPORT_S = 1.0
RECEIVE_MAXIMUM = 1000
"""Messages without our acknowledgement; the broker may hold less in flight."""
SCHEMES = {"mqtt": 1883, "mqtts": 8883}
EPILOG = """Example: storegate-consumer --broker mqtt://localhost:1883 --database sqlite:///events.sqlite --watermark

Many side by side: --share ingest --database postgresql://… , each with its own --client-id."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
err = Console(stderr=True)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    endpoint: Endpoint
    database: str
    share: str
    watermark: bool
    once: bool
    seconds: float | None
    json: bool
    summary: Path | None


class Files(NamedTuple):
    ca: str = ""
    cert: str = ""
    key: str = ""


@app.command(epilog=EPILOG)
def consume(
    broker: Annotated[str, typer.Option(help="mqtt://user:password@host:1883; mqtts:// for TLS, port 8883.")],
    database: Annotated[str, typer.Option(help="sqlite:///FILE or postgresql://….")] = "sqlite:///storegate.sqlite",
    share: Annotated[str, typer.Option(help="Group of a shared subscription: its members divide the messages.")] = "",
    watermark: Annotated[bool, typer.Option("--watermark", help="Tell gateways what is safe in the database.")] = False,  # noqa: FBT002
    client_id: Annotated[str, typer.Option(help="Stable name: messages wait for it at the broker.")] = "",
    ca_file: Annotated[str, typer.Option(help="PEM; empty: the system's authorities.")] = "",
    cert_file: Annotated[str, typer.Option(help="Client certificate, PEM.")] = "",
    key_file: Annotated[str, typer.Option(help="Its key, PEM.")] = "",
    password_file: Annotated[str, typer.Option(help="Instead of a password in the URL, which others can see.")] = "",
    once: Annotated[bool, typer.Option("--once", help=f"End when nothing came for {QUIET_S:.0f} s.")] = False,  # noqa: FBT002
    seconds: Annotated[float | None, typer.Option(help="End after so long.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The account at the end as JSON on stdout.")] = False,  # noqa: FBT002
    summary: Annotated[Path | None, typer.Option(help="Keep the account in this file, as JSON.")] = None,
) -> None:
    """Reads what gateways say, each event once, and tells what is missing.

    Ends with Ctrl-C; exit code 1 when events are missing, or the broker was never reached.
    """
    try:
        files = Files(ca_file, cert_file, key_file)
        name = client_id or _name(database, share)
        endpoint = endpoint_of(broker, client_id=name, password_file=password_file, files=files)
        options = Options(
            endpoint=endpoint, database=database, share=share, watermark=watermark, once=once, seconds=seconds,
            json=json, summary=summary,
        )  # fmt: skip
        found = asyncio.run(_run(options))
    except StoregateError as error:
        err.print(f"error: {error}", style="red", markup=False)
        if error.hint:
            err.print(f"next: {error.hint}", style="dim", markup=False)
        raise SystemExit(error.exit_code) from error
    if json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        sys.stdout.write("\n".join(report.lines(found)) + "\n")
    raise SystemExit(1 if found.missing else 0)


def endpoint_of(url: str, *, client_id: str, password_file: str, files: Files) -> Endpoint:
    """Raises UsageError for a URL that is not a broker's."""
    hint = "mqtt://localhost:1883 or mqtts://user@broker.example"
    try:
        parts = urlsplit(url)
        port = parts.port or SCHEMES.get(parts.scheme, 0)
    except ValueError as error:
        raise UsageError(f"--broker {url!r}: {error}", hint=hint) from error
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise UsageError(f"--broker {url!r} is not the address of a broker", hint=hint)
    password = unquote(parts.password or "")
    if password_file:
        try:
            password = Path(password_file).read_text("utf-8").partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--password-file {password_file} can't be read: {error}") from error
    return Endpoint(
        host=parts.hostname,
        port=port,
        client_id=client_id,
        username=unquote(parts.username or ""),
        password=Secret(password),
        tls=parts.scheme == "mqtts",
        receive_maximum=RECEIVE_MAXIMUM,
        ca_file=files.ca,
        cert_file=files.cert,
        key_file=files.key,
    )


def _name(database: str, share: str) -> str:
    """One reader per database keeps its session over restarts; members of a group must differ."""
    mark = f"{zlib.crc32(database.encode()):08x}"
    return f"storegate-consumer-{socket.gethostname()}-{mark}" + (f"-{os.getpid()}" if share else "")


async def _run(options: Options) -> report.Summary:
    database = Database(options.database)
    screen = err.is_terminal and not options.json
    reader = Reader(
        endpoint=options.endpoint,
        database=database,
        share=options.share,
        watermark=options.watermark,
        say=(lambda _: None) if screen else (lambda text: err.print(text, markup=False, highlight=False)),
    )
    try:
        await database.open()
        await _account(database, options)  # a --summary that can't be written is told at once
        async with asyncio.TaskGroup() as group:
            works = [group.create_task(reader.run()), group.create_task(_report(reader, database, options, screen))]
            await _end(reader, options)
            for work in works:
                work.cancel()
        if not reader.progress.connections:
            hint = reader.progress.hint
            raise CloudError(f"never connected. {reader.progress.problem or 'No answer yet'}", hint=hint)
        return await _account(database, options)
    finally:
        await database.close()


async def _account(database: Database, options: Options) -> report.Summary:
    found = report.summary(await database.accounts(), await database.dead_count())
    if options.summary is not None:
        await asyncio.to_thread(report.write, options.summary, found)
    return found


async def _end(reader: Reader, options: Options) -> None:
    """Returns at Ctrl-C, SIGTERM, after --seconds, or once it is quiet."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, asked.set)
    ends_at = loop.time() + options.seconds if options.seconds is not None else float("inf")
    while not asked.is_set() and loop.time() < ends_at:
        quiet = reader.progress.connected and loop.time() - reader.progress.heard_at_s > QUIET_S
        if options.once and quiet:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(0.2, max(0.0, ends_at - loop.time()))):
                await asked.wait()


async def _report(reader: Reader, database: Database, options: Options, screen: bool) -> None:  # noqa: FBT001
    live = Live(console=err, auto_refresh=False) if screen else contextlib.nullcontext()
    before = 0
    with live as shown:
        while True:
            await asyncio.sleep(REPORT_S)
            with contextlib.suppress(StoregateError):  # the reader says what is wrong with the database
                if options.summary is not None:
                    await _account(database, options)
                if shown is not None:
                    rate = (reader.progress.events - before) / REPORT_S
                    before = reader.progress.events
                    shown.update(report.table(await database.streams(), reader.progress, rate=rate), refresh=True)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
