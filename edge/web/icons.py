"""Icons of shake pages: small pictures that the shop uploads and phones fetch.

A file is named by what is in it, its type is told from its first bytes and never from what was said, and only the few
types that browsers draw are taken, small and square. The guest listener shows them below `PATH`; nothing else is there.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import struct
from collections.abc import Collection
from pathlib import Path

from aiohttp import web

from edge.config import Config

PATH = "/shake/icons"
FOLDER = "icons"
MAX_BYTES = 256 * 1024
MAX_SIDE = 200
"""Pixels, as WeChat has it; 120 are advised."""
MAX_ICONS = 500
TYPES = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif"}
NAME = re.compile(r"[0-9a-f]{32}\.(png|jpg|gif)")
FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""JPEG segments that tell the size."""


class NotAnIconError(ValueError):
    pass


class WrongSizeError(ValueError):
    pass


class IconsFullError(ValueError):
    pass


class Icons:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of(cls, config: Config) -> Icons:
        return cls(config.state_path / FOLDER)

    def keep(self, picture: bytes, used: Collection[str]) -> str:
        """Its name. Blocking. Raises NotAnIconError, WrongSizeError, IconsFullError, OSError.

        Of more than MAX_ICONS, the oldest that are not in `used` go.
        """
        kind, width, height = looked_at(picture)
        if not 0 < width == height <= MAX_SIDE:
            raise WrongSizeError(f"{width} × {height} pixels; wanted a square of at most {MAX_SIDE}, best 120")
        name = f"{hashlib.sha256(picture).hexdigest()[:32]}.{kind}"
        self._folder.mkdir(mode=0o750, exist_ok=True)
        path = self._folder / name
        if path.exists():
            path.touch()  # young again: its page is about to be made
            return name
        self._make_room(used)
        temp = path.with_suffix(".new")
        with temp.open("wb") as file:
            file.write(picture)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temp, path)  # noqa: PTH105 - named as the system call it is
        return name

    def read(self, name: str) -> bytes | None:
        """Blocking. None: no such icon."""
        if NAME.fullmatch(name) is None:
            return None
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None

    def _make_room(self, used: Collection[str]) -> None:
        there = [path for path in self._folder.iterdir() if NAME.fullmatch(path.name)]
        spare = sorted((path for path in there if path.name not in used), key=lambda path: path.stat().st_mtime)
        over = len(there) - MAX_ICONS + 1
        for path in spare[: max(over, 0)]:
            path.unlink(missing_ok=True)
        if over > len(spare):
            raise IconsFullError(f"{MAX_ICONS} icons are in use; that is all that fit")


def routes(icons: Icons) -> list[web.AbstractRouteDef]:
    """For the guest listener."""

    async def show(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = await asyncio.to_thread(icons.read, name)
        if body is None:
            raise web.HTTPNotFound
        headers = {"Content-Type": TYPES[name.rpartition(".")[2]], "Cache-Control": "public, max-age=604800, immutable"}
        return web.Response(body=body, headers=headers)

    return [web.get(PATH + "/{name}", show)]


def looked_at(picture: bytes) -> tuple[str, int, int]:
    """Its type, width and height, of its first bytes. Raises NotAnIconError."""
    if len(picture) > MAX_BYTES:
        raise WrongSizeError(f"larger than {MAX_BYTES // 1024} kB")
    if picture[:8] == b"\x89PNG\r\n\x1a\n" and picture[12:16] == b"IHDR" and len(picture) >= 24:
        return "png", *struct.unpack_from(">II", picture, 16)
    if picture[:6] in {b"GIF87a", b"GIF89a"} and len(picture) >= 10:
        return "gif", *struct.unpack_from("<HH", picture, 6)
    if picture[:3] == b"\xff\xd8\xff" and (size := _jpeg(picture)):
        return "jpg", *size
    raise NotAnIconError("not a picture of type png, jpg or gif")


def _jpeg(picture: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(picture) and picture[at] == 0xFF:
        kind, length = picture[at + 1], int.from_bytes(picture[at + 2 : at + 4], "big")
        if kind == 0xFF:  # a filler
            at += 1
        elif kind in FRAMES:
            height, width = struct.unpack_from(">HH", picture, at + 5)
            return width, height
        elif length < 2:
            return None
        else:
            at += 2 + length
    return None
