"""material/add: icons of pages. Checked, kept in the state folder, shown to phones by the guest listener."""

from __future__ import annotations

import asyncio

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from edge.web.admin.shakearound.call import Answer, data
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.admin.shakearound.shelf import Shelf
from edge.web.admin.shakearound.tokens import Tokens
from edge.web.icons import MAX_BYTES, PATH, Icons, IconsFullError, NotAnIconError, WrongSizeError

MAX_PARTS = 5
BROKEN = (ValueError, RuntimeError, AssertionError, HttpProcessingError, web.HTTPException)
"""What aiohttp raises for forms that are none."""


class MaterialApi:
    def __init__(self, shelf: Shelf, tokens: Tokens, icons: Icons, public_url: str) -> None:
        self._shelf = shelf
        self._tokens = tokens
        self._icons = icons
        self._public_url = public_url.rstrip("/")
        self._keeping = asyncio.Lock()

    async def add(self, request: web.Request) -> Answer:
        await self._tokens.check(request)
        if request.query.get("type", "icon") != "icon":
            raise CallError(Code.UPLOAD_FAILED, "type: only icon; the shop's own gateway asks for no licences")
        media = await _media(request)
        used = {page.icon_url.rpartition("/")[2] for page in self._shelf.shop.pages.values()}
        try:
            async with self._keeping:
                name = await asyncio.to_thread(self._icons.keep, media, used)
        except NotAnIconError as error:
            raise CallError(Code.UPLOAD_KIND, str(error)) from error
        except WrongSizeError as error:
            raise CallError(Code.UPLOAD_SIZE, str(error)) from error
        except (IconsFullError, OSError) as error:
            raise CallError(Code.UPLOAD_FAILED, f"the picture could not be kept: {error}") from error
        return data(pic_url=f"{self._public_url}{PATH}/{name}")


async def _media(request: web.Request) -> bytes:
    """The file of the form. Raises CallError for any other body."""
    if not request.content_type.startswith("multipart/"):
        raise CallError(Code.UPLOAD_MISSING, "wanted a form (multipart/form-data) with the file as `media`")
    try:
        reader = await request.multipart()
        for _ in range(MAX_PARTS):
            part = await reader.next()
            if not isinstance(part, BodyPartReader):
                break
            body = await _bytes(part)
            if part.name == "media":
                return body
    except BROKEN as error:
        raise CallError(Code.UPLOAD_MISSING, "the form can't be read") from error
    raise CallError(Code.UPLOAD_MISSING, "the form has no file called media")


async def _bytes(part: BodyPartReader) -> bytes:
    body = bytearray()
    while chunk := await part.read_chunk(64 * 1024):
        body += chunk
        if len(body) > MAX_BYTES:
            raise CallError(Code.UPLOAD_SIZE, f"the picture is larger than {MAX_BYTES // 1024} kB")
    return bytes(body)
