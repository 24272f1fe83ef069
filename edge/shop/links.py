"""Addresses that a page names: what phones can open, written as a header takes them. Pure.

They are kept byte for byte: a signature in a query is good for one spelling only.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import quote, urlsplit

_HOST = re.compile(r"[A-Za-z0-9_.-]+")
_PARTS = re.compile(r"(https?://)([^/?#]*)(.*)")


def wrong(url: str) -> str:
    """Why phones could not open it; empty: they can, or there is no address."""
    if not url.isprintable() or " " in url or "\\" in url:
        return "has characters that no address has"
    if not url or (url.startswith("/") and not url.startswith("//")):
        return ""
    found = _PARTS.fullmatch(url)
    if found is None:
        return "wanted an http:// or https:// address, or a path of ours"
    try:
        fits = _fits(found[1] + found[2])
    except ValueError:
        fits = False
    return "" if fits else "names no host that phones could reach"


def _fits(origin: str) -> bool:
    """Raises ValueError for ports, brackets and letters that are none."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if parts.port == 0:
        return False
    if "[" in parts.netloc:
        return ipaddress.IPv6Address(host).scope_id is None
    return _HOST.fullmatch(_ascii_host(host)) is not None


def with_ticket(url: str, ticket: str) -> str:
    """Beside what the address asks already, before its fragment. Empty stays empty."""
    if not url:
        return ""
    before, mark, fragment = url.partition("#")
    joint = "" if before.endswith(("?", "&")) else "&" if "?" in before else "?"
    return f"{before}{joint}ticket={ticket}{mark}{fragment}"


def ascii_of(url: str) -> str:
    """As browsers write it, where it has letters beyond ASCII; whatever `wrong` lets pass can be written."""
    if url.isascii():
        return url
    found = _PARTS.fullmatch(url)
    scheme, origin, rest = found.groups() if found else ("", "", url)
    user, at, place = origin.rpartition("@")
    host, colon, port = place.partition(":") if not place.startswith("[") else (place, "", "")
    return f"{scheme}{_quoted(user)}{at}{_ascii_host(host)}{colon}{port}{_quoted(rest)}"


def _ascii_host(host: str) -> str:
    return host if host.startswith("[") else host.encode("idna").decode("ascii")


def _quoted(text: str) -> str:
    return "".join(letter if letter.isascii() else quote(letter) for letter in text)
