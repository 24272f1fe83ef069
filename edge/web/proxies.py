"""Who a request of the guest side is from, where a proxy (TLS) stands in front.

`listen.proxies` names those that are believed: the last entry of their X-Forwarded-For that is none of them is the
client. Whoever sits at the box itself is no guest and is not limited; but a proxy on the box brings guests.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from edge.places import Network, is_in
from edge.web.faults import WebError

HEADER = "X-Forwarded-For"
HEADERS = (HEADER, "Forwarded")
UNTOLD = "guest pages are called through a proxy that the gateway was not told of: all shoppers count as one"
NO_HEADER = f"a proxy of listen.proxies sends no {HEADER}: all shoppers count as one"
HINT = f'put its address into listen.proxies (["127.0.0.1"] on this machine) and let it send {HEADER} and Host'
BROUGHT = web.RequestKey("brought", bool)
"""By a proxy."""
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


def client_of(proxies: Sequence[Network], tell: Callable[[str], None]) -> Middleware:
    """`tell`: once, when a proxy stands in front that does not tell, or that nobody told us of."""
    told = False

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal told
        given = request.headers.getall(HEADER, [])
        believed = is_in(request.remote or "", proxies)
        problem = ""
        if believed and given:
            client = _client(",".join(given), proxies)
            if client is None:
                raise WebError(400, "bad_request", f"The proxy's {HEADER} is not a list of addresses.")
            request = request.clone(remote=client)
        elif _has_any(request) and _is_loopback(request.remote):
            problem = NO_HEADER if believed else UNTOLD
        if believed:
            request[BROUGHT] = True
        if problem and not told:
            told = True
            tell(problem)
        return await handler(request)

    return check


def at_the_box(request: web.Request) -> bool:
    """Whether it is from this machine itself, and no proxy's."""
    return _is_loopback(request.remote) and not request.get(BROUGHT) and not _has_any(request)


def _has_any(request: web.Request) -> bool:
    return any(name in request.headers for name in HEADERS)


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def _client(forwarded: str, proxies: Sequence[Network]) -> str | None:
    """None: malformed as far as it is read. What stands left of the client is the client's own, and not looked at."""
    address = None
    for entry in reversed(forwarded.split(",")):
        address = _address(entry.strip())
        if address is None or not is_in(address, proxies):
            break
    return address


def _address(entry: str) -> str | None:
    found = _WITH_PORT.fullmatch(entry)
    text = (found[1] or found[2]) if found else entry
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return None
    return text.partition("%")[0]
