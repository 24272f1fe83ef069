"""Guests who log in one after the other, for one namespace: a program of its own, so that its CPU is nobody else's.

`guests.py FIRST COUNT THREADS`: each guest fetches the splash page and posts its form, a new connection each time.
Prints a line of JSON.
"""

from __future__ import annotations

import itertools
import json
import re
import socket
import sys
import threading
import time
from urllib.parse import urlencode

PORTAL = "10.64.0.1"
FIELD = re.compile(rb'<input[^>]*name="?([a-z_]+)"?[^>]*value="?([^">]*)"?')


def address(number: int) -> str:
    return f"10.64.{8 + number // 250}.{1 + number % 250}"


def ask(number: int, request: bytes) -> bytes:
    with socket.socket() as sock:
        sock.settimeout(20)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, f"m{number}".encode())
        sock.bind((address(number), 0))
        sock.connect((PORTAL, 80))
        sock.sendall(request)
        told = b""
        while more := sock.recv(65_536):
            told += more
        return told


def head(line: str, *more: str) -> str:
    lines = (f"{line} HTTP/1.1", f"Host: {PORTAL}", "User-Agent: bench", "Accept-Language: en", "Connection: close")
    return "\r\n".join([*lines, *more, "", ""])


def log_in(number: int) -> bool:
    page = ask(number, head("GET /").encode())
    fields = {name.decode(): value.decode() for name, value in FIELD.findall(page) if name != b"marketing"}
    body = urlencode({**fields, "way": "click"})
    told = ask(
        number,
        head(
            "POST /portal/accept",
            f"Origin: http://{PORTAL}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        ).encode()
        + body.encode(),
    )
    return told.startswith(b"HTTP/1.1 303") and b"/portal/welcome" in told.partition(b"\r\n\r\n")[0]


def main() -> None:
    first, count, threads = (int(word) for word in sys.argv[1:])
    numbers, done, took_s = itertools.count(first), [], []

    def work() -> None:
        while (number := next(numbers)) < first + count:
            began = time.perf_counter()
            done.append(log_in(number))
            took_s.append(time.perf_counter() - began)

    began = time.perf_counter()
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - began
    print(
        json.dumps({"seconds": seconds, "in": sum(done), "of": len(done), "median_s": sorted(took_s)[len(took_s) // 2]})
    )


if __name__ == "__main__":
    main()
