"""A catalogue from the cloud: fetched with a cap and a deadline, its sha256 checked, imported, swapped in."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import urlsplit

import aiohttp

from edge.catalogue import CatalogueInfo, import_file
from edge.errors import CommandError

MAX_BYTES = 512 * 1024 * 1024
"""Of a catalogue file: a million products have 150 MB."""
CHUNK_BYTES = 256 * 1024
CONNECT_S = 15.0
STALL_S = 60.0
"""Without a byte: a slow line may take hours, a dead one must not."""
TOTAL_S = 3600.0
REDIRECTS = 3
SUFFIXES = (".csv", ".jsonl")


class Import(Protocol):
    """edge.catalogue.import_file, without its progress."""

    def __call__(self, source: Path, target: Path, /) -> CatalogueInfo: ...


def _import(source: Path, target: Path, /) -> CatalogueInfo:
    return import_file(source, target, progress=lambda _done, _total: None)


async def fetch(
    *, url: str, sha256: str, target: Path, import_: Import = _import, max_bytes: int = MAX_BYTES
) -> CatalogueInfo:
    """The catalogue at `target` is the one at `url`, or unchanged.

    Raises CommandError (download | rejected), CatalogueError with the file's mistakes.
    """
    try:
        suffix = Path(urlsplit(url).path).suffix.lower()
    except ValueError as error:
        raise CommandError("rejected", f"that is no URL: {error}") from error
    if suffix not in SUFFIXES:
        raise CommandError("rejected", f"a catalogue's URL ends in {' or '.join(SUFFIXES)}, this one in {suffix!r}")
    kept = await asyncio.to_thread(_temporary, target.parent, suffix)
    try:
        got = await _download(url, kept, max_bytes=max_bytes)
        if got != sha256:
            raise CommandError("download", f"the file's sha256 is {got}, wanted {sha256}; nothing was changed")
        return await asyncio.to_thread(import_, Path(kept.name), target)
    finally:
        await asyncio.to_thread(_remove, kept)


async def _download(url: str, into: IO[bytes], *, max_bytes: int) -> str:
    """The sha256 of what came."""
    digest = hashlib.sha256()
    timeout = aiohttp.ClientTimeout(total=TOTAL_S, sock_connect=CONNECT_S, sock_read=STALL_S)
    got = 0

    def keep(chunk: bytes) -> None:
        digest.update(chunk)
        into.write(chunk)

    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as http,
            http.get(url, max_redirects=REDIRECTS, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            if answer.status != 200:
                raise CommandError("download", f"the server answered {answer.status} {answer.reason}")
            async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
                got += len(chunk)
                if got > max_bytes:
                    raise CommandError("download", f"the file is larger than {max_bytes} bytes")
                await asyncio.to_thread(keep, chunk)
        await asyncio.to_thread(into.flush)
    except TimeoutError as error:
        raise CommandError("download", "the download took too long") from error
    except (aiohttp.ClientError, ValueError) as error:
        raise CommandError("download", f"the download failed: {error}") from error
    except OSError as error:
        raise CommandError("failed", f"the download can't be kept: {error.strerror}") from error
    return digest.hexdigest()


def _temporary(folder: Path, suffix: str) -> IO[bytes]:
    """Beside the catalogue: the same disk, whose free space is what counts."""
    return tempfile.NamedTemporaryFile(dir=folder, prefix="catalogue-fetch-", suffix=suffix, delete=False)


def _remove(kept: IO[bytes]) -> None:
    with suppress(OSError):
        kept.close()
    Path(kept.name).unlink(missing_ok=True)
