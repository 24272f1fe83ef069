"""Documents at the admin listener: what `storegate documents` asks a running daemon."""

from __future__ import annotations

import msgspec
from aiohttp import web

from edge.checked import nearest
from edge.documents_desk import DocumentsDesk
from edge.errors import DocumentError
from edge.shop import KINDS
from edge.web.faults import WebError


def routes(desk: DocumentsDesk) -> list[web.AbstractRouteDef]:
    api = DocumentsApi(desk)
    return [web.get("/api/v1/documents/{kind}", api.get), web.put("/api/v1/documents/{kind}", api.put)]


class DocumentsApi:
    def __init__(self, desk: DocumentsDesk) -> None:
        self._desk = desk

    async def get(self, request: web.Request) -> web.Response:
        return _json(await self._desk.documents.get(_kind(request)))

    async def put(self, request: web.Request) -> web.Response:
        """A JSON list replaces the whole set; 422 with every mistake when one is wrong, and nothing changed."""
        kind = _kind(request)
        try:
            items = msgspec.json.decode(await request.read(), type=list[object])
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
            raise WebError(400, "bad_request", f"The body is not a JSON list: {error}") from error
        try:
            return _json(await self._desk.put(kind, items, by="admin"))
        except DocumentError as error:
            told = [str(mistake) for mistake in error.mistakes]
            raise WebError(422, "wrong_document", str(error), extra={"mistakes": told}) from error


def _kind(request: web.Request) -> str:
    kind = request.match_info["kind"]
    if kind not in KINDS:
        near = nearest(kind, KINDS)
        hint = f"Did you mean {near}?" if near else f"There are {', '.join(KINDS)}."
        raise WebError(404, "no_such_kind", f"There are no documents called {kind!r}.", hint=hint)
    return kind


def _json(facts: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(facts), content_type="application/json")
