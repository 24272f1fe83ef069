"""`sqlite:///file` and `postgresql://…` → tables. The one file that imports psycopg."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from cloud_bridge.consumer.sorting import Batch
from cloud_bridge.consumer.tables import Account, Stream, Tables
from edge.errors import CloudError, MissingExtraError, UsageError

T = TypeVar("T")
SQLITE = "sqlite:///"
POSTGRES = ("postgresql://", "postgres://")
BUSY_S = 10
POSTGRES_LOCK = "SELECT pg_advisory_xact_lock(730519)"
"""Until the commit. Any number would do, as long as all readers take the same one."""


def open_tables(url: str) -> Tables:
    """Blocking. Raises UsageError for a URL of another kind, CloudError when the database can't be had."""
    if url.startswith(SQLITE):
        return _sqlite(url.removeprefix(SQLITE))
    if url.startswith(POSTGRES):
        return _postgres(url)
    hint = "sqlite:///events.sqlite (relative), sqlite:////var/lib/events.sqlite, postgresql://user@host/database"
    raise UsageError(f"the database {url.partition('://')[0]!r} is not known", hint=hint)


def _sqlite(path: str) -> Tables:
    try:
        db = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")  # an acknowledged event must survive a power cut here too
        return Tables(db, mark="?", blob="BLOB")
    except sqlite3.Error as error:
        raise CloudError(f"the database {path} can't be used: {error}", hint="does its folder exist?") from error


def _postgres(url: str) -> Tables:
    try:
        import psycopg  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise MissingExtraError("PostgreSQL", "postgres") from error
    try:
        return Tables(psycopg.connect(url, connect_timeout=BUSY_S), mark="%s", blob="BYTEA", lock=POSTGRES_LOCK)
    except psycopg.Error as error:
        raise CloudError(f"the database can't be used: {error}", hint="check --database and the server") from error


class Database:
    """The tables, on one thread of their own. After an error it is opened anew."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._tables: Tables | None = None

    async def open(self) -> None:
        await self._do(lambda tables: tables.streams())

    async def store(self, batch: Batch) -> int:
        return await self._do(lambda tables: tables.store(batch))

    async def streams(self) -> list[Stream]:
        return await self._do(lambda tables: tables.streams())

    async def accounts(self) -> list[Account]:
        return await self._do(lambda tables: [tables.account(stream) for stream in tables.streams()])

    async def dead_count(self) -> int:
        return await self._do(lambda tables: tables.dead_count())

    async def watermarks(self) -> list[tuple[Stream, int]]:
        """Streams whose watermark moved, and where to."""
        return await self._do(_moved)

    async def close(self) -> None:
        await asyncio.to_thread(self._end)

    async def _do(self, fn: Callable[[Tables], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._on_thread, fn)

    def _on_thread(self, fn: Callable[[Tables], T]) -> T:
        if self._tables is None:
            self._tables = open_tables(self._url)
        try:
            return fn(self._tables)
        except Exception as error:
            if not _of_the_database(error):
                raise
            self._tables = None
            raise CloudError(f"the database failed: {error}", hint="it will be opened anew") from error

    def _end(self) -> None:
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    def _close(self) -> None:
        if self._tables is not None:
            self._tables.close()


def _moved(tables: Tables) -> list[tuple[Stream, int]]:
    found = [(stream, tables.advance(stream)) for stream in tables.streams()]
    return [(stream, through) for stream, through in found if through > stream.through]


def _of_the_database(error: Exception) -> Any:
    """Both drivers derive theirs from a class called Error (PEP 249)."""
    return any(kind.__name__ == "Error" for kind in type(error).__mro__)
