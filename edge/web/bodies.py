"""Bodies of requests, bounded: JSON as a checked struct or every mistake in it, and a form's fields."""

from __future__ import annotations

import asyncio
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from edge.checked import check
from edge.web.faults import WebError

T = TypeVar("T")
MAX_BYTES = 4096
"""A till's or an admin's request is a few hundred bytes; a grant is below 1 kB."""
SMALL_S = 5.0
"""A request of that size is one packet or three: who takes longer holds a connection that others wait for."""
MAX_MISTAKES = 20
FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 20


async def body_of(request: web.Request, kind: type[T]) -> T:
    """Raises WebError 413, or 400 with all mistakes under `mistakes`."""
    try:
        data = msgspec.json.decode(await raw_body(request))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WebError(400, "bad_request", f"The body is not JSON: {error}") from error
    value, mistakes = check(data, kind)
    if value is None:
        told = [str(mistake) for mistake in mistakes[:MAX_MISTAKES]]
        raise WebError(400, "bad_request", "The body is wrong: " + "; ".join(told), extra={"mistakes": told})
    return value


async def form_of(request: web.Request) -> dict[str, str]:
    """The fields of a form as our pages send them: UTF-8, no files. Raises WebError 413, or 400 for any other."""
    raw = await raw_body(request)
    if request.headers.get("Content-Type", FORM).partition(";")[0].strip().lower() != FORM:
        raise WebError(400, "bad_request", "The form is not as our page made it.")
    try:
        return dict(parse_qsl(raw.decode("utf-8", "replace"), max_num_fields=MAX_FIELDS, keep_blank_values=True))
    except ValueError as error:
        raise WebError(400, "bad_request", "The form is not as our page made it.") from error


async def raw_body(request: web.Request, *, most: int = MAX_BYTES) -> bytes:
    """At most `most` bytes, whatever the length header says. Raises WebError 413, or 408 when they do not come."""
    raw = b""
    try:
        async with asyncio.timeout(SMALL_S if most <= MAX_BYTES else None):
            while len(raw) <= most and (part := await request.content.read(most + 1 - len(raw))):
                raw += part
    except TimeoutError as error:
        raise WebError(408, "too_slow", "This took too long.", hint="Please try again.") from error
    if len(raw) > most:
        raise WebError(413, "too_large", f"The body is larger than {most} bytes.")
    return raw
