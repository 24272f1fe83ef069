"""One listener is flooded: the others answer, and the log stays readable."""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from edge.config import Listener
from edge.web import doors, faults
from edge.web.app import listen

HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: lo"


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def broken(_: web.Request) -> web.Response:
    raise ValueError("our mistake")


ROUTES = [web.get("/healthz", hello), web.get("/c/{token}", broken)]


@pytest.fixture
async def prepared() -> AsyncIterator[None]:
    """As the daemon starts; the limit is put back."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    loop = asyncio.get_running_loop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, before[1]), before[1]))
    doors.prepare(loop)
    yield
    loop.set_exception_handler(None)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def knock(port: int, number: int) -> asyncio.StreamWriter | None:
    """From one of twenty addresses of this machine."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(f"127.0.0.{number % 20 + 2}", 0))
        writer.write(HALF_A_HEAD)
    except OSError:
        return None
    return writer


@pytest.mark.usefixtures("prepared")
async def test_a_flooded_guest_listener_leaves_the_others_alone(caplog: pytest.LogCaptureFixture) -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 2 * doors.MOST
    async with (
        listen("guest", Listener(), ROUTES, host_names=None, grace_s=0.1) as guest,
        listen("admin", Listener(), ROUTES) as admin,
        aiohttp.ClientSession() as http,
    ):
        peers = await asyncio.gather(*(knock(guest.port, number) for number in range(1200)))
        began = asyncio.get_running_loop().time()
        async with http.get(f"{admin.url}/healthz") as answer:
            assert answer.status == 200
        assert asyncio.get_running_loop().time() - began < 1
        for peer in peers:
            if peer is not None:
                peer.close()
    assert len(caplog.records) < 5


@pytest.mark.usefixtures("prepared")
async def test_asyncio_complains_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket() as taken:
        for _ in range(1000):
            error = OSError(errno.EMFILE, "Too many open files")
            loop.call_exception_handler({"message": "socket.accept()", "exception": error, "socket": taken})
    assert [record.getMessage() for record in caplog.records] == [
        "connections have to wait: Too many open files; said once a minute"
    ]
    loop.call_exception_handler({"message": "something else"})
    assert "something else" in caplog.text


async def test_a_mistake_of_ours_is_told_a_few_times_and_never_with_the_coupon(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with listen("guest", Listener(), ROUTES) as guest, aiohttp.ClientSession() as http:
        for _ in range(30):
            async with http.get(f"{guest.url}/c/SECRETTOKEN") as answer:
                assert answer.status == 500
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(told) == faults.TRACES_A_MINUTE
    assert "a page failed: GET /c/{token}" in caplog.text
    assert "SECRETTOKEN" not in caplog.text
