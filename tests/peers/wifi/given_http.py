"""HTTP from inside a namespace: one request, one connection, nothing followed, everything timed."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urlsplit

from tests.peers.wifi.given_namespaces import Namespace


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


def connect(space: Namespace, address: str, port: int, *, within_s: float = 3.0) -> socket.socket:
    """Raises ConnectionRefusedError, TimeoutError. `fe80::1%eth0` is meant as the namespace names its interfaces."""
    sock = space.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(within_s)
    host, _, zone = address.partition("%")
    try:
        index = space.inside(lambda: socket.if_nametoindex(zone)) if zone else 0
        sock.connect((host, port, 0, index) if ":" in address else (host, port))
    except BaseException:
        sock.close()
        raise
    return sock


def fetch(
    space: Namespace,
    url: str,
    *,
    at: str = "",
    data: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    method: str = "",
    within_s: float = 5.0,
    began: float | None = None,
) -> Answer:
    """`at`: the address; else the URL has one."""
    began = time.monotonic() if began is None else began
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    address = at or parts.hostname or ""
    head = dict(headers or {})
    body = None
    if data is not None:
        body = urlencode(data)
        head.setdefault("Content-Type", "application/x-www-form-urlencoded")
    asked = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    client = http.client.HTTPConnection(parts.netloc, timeout=within_s)
    with contextlib.closing(client):
        sock = connect(space, address, parts.port or (443 if secure else 80), within_s=within_s)
        client.sock = _trusting().wrap_socket(sock, server_hostname=parts.hostname) if secure else sock
        client.request(method or ("GET" if body is None else "POST"), asked, body, head)
        said = client.getresponse()
        return Answer(said.status, said.headers, said.read(), time.monotonic() - began)


def _trusting() -> ssl.SSLContext:
    """Whatever certificate: what it is, is another test's question."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        had = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(action=had.get("action", ""), method=had.get("method", "get").lower()))
            self._inside = True
        elif self._inside and tag in {"input", "button"} and "name" in had:
            self.found[-1].fields[had["name"]] = had.get("value", "on" if had.get("type") == "checkbox" else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def forms(page: str) -> list[Form]:
    reader = _Forms()
    reader.feed(page)
    return reader.found
