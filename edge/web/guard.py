"""What every answer and every request of the three listeners is held to."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import socket
from collections.abc import Collection

from aiohttp import web, web_response
from aiohttp.typedefs import Handler, Middleware

from edge.web.faults import WebError

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    # not no-referrer: that makes browsers send `Origin: null` with a form, and the check below could not tell it
    # from a stranger's. Nothing of ours goes to another site either way.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
}
web_response.SERVER_SOFTWARE = "storegate"  # type: ignore[attr-defined]
"""Whom to attack how is nobody's business; also on answers that the server gives before any of ours sees a request."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_S = 20.0
"""A handler, with the body it reads, gets this long; a WebSocket is not bounded by it."""


@web.middleware
async def headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Security headers, and no copy in any cache unless the page says so."""
    try:
        response = await handler(request)
    except web.HTTPException as redirect:
        _protect(redirect)
        raise
    if not response.prepared:
        _protect(response)
    return response


def _protect(response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")


@web.middleware
async def same_site_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses what another site makes a shopper's browser send: changes, and WebSockets, which have no CORS.

    A browser always sends Origin with both. A program (a till) sends none and has its own key.
    """
    changes = request.method not in SAFE_METHODS or request.headers.get("Upgrade", "").lower() == "websocket"
    if changes and not from_here(request):
        raise WebError(403, "other_site", "This may only be asked from our own pages.")
    return await handler(request)


def from_here(request: web.Request) -> bool:
    """Whether the page that asks is ours, as far as the browser says."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if site not in {None, "same-origin", "none"}:
        return False
    if origin is None:
        return True
    if origin == "null":
        return site == "same-origin"
    return _same_host(origin, request)


def stepped_here(request: web.Request) -> bool:
    """Whether a GET that changes what is shown was meant: not a picture or a link in another site's page.

    Browsers tell where a request comes from only on HTTPS and loopback; elsewhere the referring page has to do.
    """
    referrer = request.headers.get("Referer")
    return (
        from_here(request)
        and request.headers.get("Sec-Fetch-Dest") in {None, "document", "empty"}
        and (not referrer or _same_host(referrer, request))
    )


def _same_host(url: str, request: web.Request) -> bool:
    scheme, _, rest = url.partition("://")
    return scheme.lower() in {"http", "https"} and rest.partition("/")[0].lower() == request.host.lower()


def same_secret(given: str, known: str) -> bool:
    """In constant time. What was given may be any letters, and any bytes: a header's come as lone surrogates."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), known.encode("utf-8", "surrogatepass"))


def only_named(names: Collection[str] | None, *, changes: Collection[str] | None = None) -> Middleware:
    """Refuses a Host that is neither an address, nor localhost, nor this machine, nor in `names` (None: any).

    `changes` are those under which something may be changed where `names` is None: a name that somebody lets point
    here makes their page one of ours, and it must not shake for who looks at it.
    """
    known = {"localhost", *(name.lower() for name in names or changes or ())}
    machine = socket.gethostname().lower()
    known |= {machine, f"{machine}.local"}

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = names is not None or (changes is not None and request.method not in SAFE_METHODS)
        if asked and (host := _host(request.host)) not in known and not _is_address(host):
            hint = "Call it by its address, or add the name to listen.public_url."
            raise WebError(421, "wrong_host", "This gateway does not go by that name.", hint=hint)
        return await handler(request)

    return check


@web.middleware
async def bounded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A body that trickles in, or a handler that hangs, ends with 408."""
    if request.method == "GET" and request.headers.get("Upgrade", "").lower() == "websocket":
        return await handler(request)
    try:
        async with asyncio.timeout(BODY_S):
            return await handler(request)
    except TimeoutError as error:
        raise WebError(408, "too_slow", "This took too long.", hint="Please try again.") from error


def _host(host: str) -> str:
    """`Host` without its port: `[::1]:80` → `::1`."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
