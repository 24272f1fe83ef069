"""What all calls share: the token, a bounded body of any shape, an answer in WeChat's form, always HTTP 200."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

import msgspec
from aiohttp import web

from edge.checked import UnreadableError, decoded
from edge.errors import DocumentError, JournalRefusedError, StoregateError
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.admin.shakearound.fields import Body
from edge.web.admin.shakearound.tokens import Tokens
from edge.web.guard import stepped_here

log = logging.getLogger(__name__)
Answer = Mapping[str, object]
Part = Callable[[Body], Awaitable[Answer]]
Whole = Callable[[web.Request], Awaitable[Answer]]
MAX_BYTES = 512 * 1024
"""A thousand devices with uuid, major and minor are below 150 kB."""


def data(**fields: object) -> Answer:
    """Most answers have all they say below `data`."""
    return {"data": fields}


def posted(path: str, part: Part, tokens: Tokens) -> list[web.AbstractRouteDef]:
    async def whole(request: web.Request) -> Answer:
        await tokens.check(request)
        return await part(await _fields(request))

    return [web.post(path, _told(whole))]


def asked(path: str, part: Part, tokens: Tokens, *, post: bool = True) -> list[web.AbstractRouteDef]:
    """A GET with its fields in the query although it may change something; WeChat has such. A POST does as well."""

    async def whole(request: web.Request) -> Answer:
        await tokens.check(request)
        if not stepped_here(request):
            raise CallError(Code.CREDENTIAL, "this may not be asked from another site's page")
        return await part(await _fields(request))

    return [web.get(path, _told(whole), allow_head=False), *(posted(path, part, tokens) if post else ())]


def open_to_all(method: str, path: str, part: Part) -> list[web.AbstractRouteDef]:
    """For what asks for a secret of its own."""

    async def whole(request: web.Request) -> Answer:
        return await part(await _fields(request))

    return [web.route(method, path, _told(whole))]


def raw(path: str, whole: Whole) -> list[web.AbstractRouteDef]:
    """For what reads the request itself, and asks for the token itself."""
    return [web.post(path, _told(whole))]


def unknown(path: str, posts: Collection[str]) -> list[web.AbstractRouteDef]:
    """Everything else below the root, in the shape that who asks understands."""

    async def whole(request: web.Request) -> Answer:
        if request.path in posts:
            raise CallError(Code.NOT_POSTED, "this call wants POST")
        raise CallError(Code.URL, "there is no such call; docs/shakearound.md lists them")

    return [web.route("*", path, _told(whole))]


def _told(whole: Whole) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        try:
            answer = {"errcode": 0, "errmsg": "success.", **await whole(request)}
        except CallError as error:
            answer = _error(error.code, str(error))
        except DocumentError as error:
            answer = _error(Code.BODY, "; ".join(str(mistake) for mistake in error.mistakes[:3]))
        except JournalRefusedError as error:
            answer = _error(Code.REMOTE, str(error))
        except StoregateError as error:
            log.warning("%s could not be done: %s", request.path, error)
            answer = _error(Code.REMOTE, str(error))
        return web.Response(body=msgspec.json.encode(answer), content_type="application/json", charset="utf-8")

    return handler


def _error(code: Code, words: str) -> dict[str, object]:
    return {"data": {}, "errcode": int(code), "errmsg": words}


async def _fields(request: web.Request) -> dict[str, object]:
    """Of the query and the body, which wins."""
    return {**request.query, **(await _body(request) if request.method == "POST" else {})}


async def _body(request: web.Request) -> dict[str, object]:
    """No body is an empty one."""
    raw_bytes = b""
    while len(raw_bytes) <= MAX_BYTES and (part := await request.content.read(MAX_BYTES + 1 - len(raw_bytes))):
        raw_bytes += part
    if len(raw_bytes) > MAX_BYTES:
        raise CallError(Code.BODY, f"the body is larger than {MAX_BYTES} bytes")
    if not raw_bytes.strip():
        return {}
    try:
        return decoded(raw_bytes, dict[str, object])
    except UnreadableError as error:
        raise CallError(Code.BODY, f"the body is not a JSON object: {error}") from error
