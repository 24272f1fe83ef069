"""Bytes that no browser sends, at the portal and at the captive DNS: one clear answer or none."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.peers.wifi.given_gateway import Gateway
from tests.peers.wifi.given_network import GUEST4
from tests.peers.wifi.given_phone import Phone

Join = Callable[..., Phone]

HERE = b" HTTP/1.1\r\nHost: 10.64.0.1\r\n"
GET, POST, LAST = b"GET /" + HERE, b"POST /portal/accept" + HERE, b"Connection: close\r\n\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
BAD = {
    "no agent": GET + LAST,
    "no host": b"GET / HTTP/1.1\r\n" + LAST,
    "old and no host": b"GET / HTTP/1.0\r\n\r\n",
    "two hosts": GET + b"Host: x.example\r\n" + LAST,
    "empty host": b"GET / HTTP/1.1\r\nHost: \r\n" + LAST,
    "absolute": b"GET http://127.0.0.1:8082/" + HERE + LAST,
    "connect": b"CONNECT 93.184.216.80:443 HTTP/1.1\r\nHost: x\r\n" + LAST,
    "dots": b"GET /../../../etc/passwd" + HERE + LAST,
    "dots in static": b"GET /static/..%2f..%2f..%2fetc%2fpasswd" + HERE + LAST,
    "long line": b"GET /" + b"a" * 100_000 + HERE + LAST,
    "long header": GET + b"X: " + b"a" * 100_000 + b"\r\n" + LAST,
    "long host": b"GET / HTTP/1.1\r\nHost: " + b"a" * 7_000 + b"\r\n" + LAST,
    "many headers": GET + b"X: y\r\n" * 20_000 + LAST,
    "long cookie": GET + b"Cookie: " + b"a=b; " * 1_500 + b"\r\n" + LAST,
    "bad cookie": GET + b'Cookie: storegate_wallet=\xff\xfe; =; ;;; a="\r\n' + LAST,
    "big body": POST + FORM + b"Content-Length: 10000000\r\n" + LAST + b"a=" + b"b" * 1_000_000,
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n" + LAST + b"abcdef",
    "no length": POST + b"Content-Length: -1\r\n" + LAST,
    "smuggled": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n" + LAST,
    "bad chunks": POST + FORM + b"Transfer-Encoding: chunked\r\n" + LAST + b"ffffffffffffffff\r\nabc",
    "many fields": POST + FORM + b"Content-Length: 4000\r\n" + LAST + b"a=b&" * 1_000,
    "multipart": POST + b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 200\r\n" + LAST
    + b"--x\r\n" * 40,
    "no charset": POST + b"Content-Type: application/x-www-form-urlencoded; charset=none\r\nContent-Length: 4\r\n"
    + LAST    + b"\xff\xfe\0\1",
    "gzip": POST + FORM + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n" + LAST + b"abcd",
    "expect": POST + FORM + b"Expect: 100-continue\r\nExpect: x\r\nContent-Length: 4\r\n" + LAST + b"a=bc",
    "upgrade": GET + b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n" + LAST,
    "zeros": b"\0" * 4096,
    "tls": bytes.fromhex("160301020001") + b"\0" * 512,
}  # fmt: skip
FINE = {b"200", b"302", b"303", b"400", b"403", b"404", b"405", b"408", b"411", b"413", b"414", b"415", b"417", b"421",
        b"422", b"431", b"501", b"503"}  # fmt: skip


def well(wifi: Gateway, phone: Phone) -> None:
    """The daemon lives, and serves the next guest at once."""
    assert wifi.daemon is not None
    assert wifi.daemon.poll() is None, wifi.logs()
    assert phone.fetch(f"http://{GUEST4}/").status == 200


@pytest.mark.parametrize("what", BAD)
def test_malformed_and_oversized(wifi: Gateway, join: Join, what: str) -> None:
    phone = join(wifi)
    before = (wifi.folder / "daemon.log").stat().st_size
    told = phone.raw(GUEST4, 80, BAD[what], within_s=2).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert b"root:" not in told
    assert b"Traceback" not in told
    assert not told or told.split(b" ", 2)[1] in FINE, told[:200]
    assert b"Traceback" not in (wifi.folder / "daemon.log").read_bytes()[before:]
    well(wifi, phone)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.binary(max_size=300),
    head=st.sampled_from([b"", b"GET /", b"POST /portal/accept HTTP/1.1\r\nHost: ", b"GET / HTTP/1.1\r\n"]),
)
def test_any_bytes(wifi: Gateway, one_phone: Phone, data: bytes, head: bytes) -> None:
    before = (wifi.folder / "daemon.log").stat().st_size
    with one_phone.connect(GUEST4, 80) as sock:
        sock.settimeout(0.02)
        with contextlib.suppress(OSError):
            sock.sendall(head + data + b"\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            sock.recv(65_536)
    assert b"Traceback" not in (wifi.folder / "daemon.log").read_bytes()[before:]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=600), head=st.booleans())
def test_any_datagram_to_the_captive_dns(wifi: Gateway, one_phone: Phone, data: bytes, head: bool) -> None:
    query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" if head else b""
    with one_phone.space.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.005)
        sock.connect((GUEST4, 53))
        with contextlib.suppress(OSError):
            sock.send(query + data)
            assert len(sock.recv(4096)) < 700  # nothing to amplify with
    assert wifi.daemon is not None
    assert wifi.daemon.poll() is None


@pytest.fixture(scope="module")
def one_phone(wifi: Gateway) -> Iterator[Phone]:
    phone = Phone(wifi.network)
    yield phone
    phone.close()
