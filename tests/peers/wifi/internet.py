"""A small internet for one namespace: vendors' answers to their phones' probes, pages, a download without an end.

Run by the tests as a program of its own: `internet.py NAME PORT...`.
"""

from __future__ import annotations

import contextlib
import http.server
import socket
import sys
import threading

APPLE = b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
FIREFOX = b'<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>'
BODIES = {
    "/hotspot-detect.html": APPLE,
    "/library/test/success.html": APPLE,
    "/connecttest.txt": b"Microsoft Connect Test",
    "/ncsi.txt": b"Microsoft NCSI",
    "/canonical.html": FIREFOX,
    "/success.txt": b"success\n",
    "/ok": b"ok",
}
APPLE_HOSTS = {"captive.apple.com", "www.ibook.info", "www.itools.info", "www.airport.us", "www.thinkdifferent.us"}
CHUNK = b"\0" * 16_384


class Dual(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 256
    daemon_threads = True


class Host(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in {"/generate_204", "/gen_204", "/generate204", "/captiveportal/generate_204"}:
            self.send_response(204)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path == "/download":
            self.send_response(200)
            self.send_header("Content-Length", str(1 << 40))
            self.end_headers()
            while True:
                self.wfile.write(CHUNK)
        else:
            apple = path == "/" and self.headers.get("Host", "") in APPLE_HOSTS
            body = APPLE if apple else BODIES.get(path, f"the {sys.argv[1]}, you are {self.client_address[0]}".encode())
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - http.server's name

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a guest who was cut off in the middle of a download
            super().handle()

    def log_message(self, *told: object) -> None:
        """Nobody reads it."""


def echo(port: int) -> None:
    """QUIC's stand-in: whatever datagram comes goes back, from the address that it came to."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        udp.bind(("::", port))
        while True:
            data, to, _, sender = udp.recvmsg(2048, 256)
            udp.sendmsg([data], to, 0, sender)


if __name__ == "__main__":
    for number in sys.argv[2:]:
        threading.Thread(target=Dual(("::", int(number)), Host).serve_forever).start()
    threading.Thread(target=echo, args=(443,), daemon=True).start()
