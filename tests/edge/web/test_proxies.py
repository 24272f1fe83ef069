"""Who a request is from when something stands in front of the guest listener."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from edge import places
from edge.config import Listener
from edge.web import proxies
from edge.web.app import listen


async def who(request: web.Request) -> web.Response:
    """Also that the body is still there."""
    return web.json_response([request.remote, proxies.at_the_box(request), await request.text()])


@asynccontextmanager
async def front(*nets: str) -> AsyncIterator[tuple[aiohttp.ClientSession, list[str]]]:
    told: list[str] = []
    guard = proxies.client_of(places.networks(nets), told.append)
    routes = [web.get("/", who), web.post("/", who)]
    async with (
        listen("guest", Listener(), routes, host_names=None, first=[guard]) as bound,
        aiohttp.ClientSession(bound.url) as http,
    ):
        yield http, told


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("192.168.7.20", "192.168.7.20"),
        ("192.168.7.20, 10.0.0.9", "192.168.7.20"),
        ("1.2.3.4, 192.168.7.20", "192.168.7.20"),
        ("garbage, 192.168.7.20", "192.168.7.20"),
        ("127.0.0.1, 192.168.7.20", "192.168.7.20"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("192.168.7.20:4711", "192.168.7.20"),
        ("::ffff:192.168.7.20", "::ffff:192.168.7.20"),
        ("10.0.0.9", "10.0.0.9"),
    ],
)
async def test_behind_a_proxy_the_last_foreign_entry_is_the_client(header: str, client: str) -> None:
    async with front("127.0.0.1", "10.0.0.0/24") as (http, told):
        async with http.post("/", headers={"X-Forwarded-For": header}, data="body") as answer:
            assert await answer.json() == [client, False, "body"]
        assert told == []


@pytest.mark.parametrize(
    "header",
    ["", " ", "x", "192.168.7.20,", "1.2.3.4, x", "1.2.3.4.5", "[::1", "unknown", "a" * 5000, "1.2.3.4 5.6.7.8"],
)
async def test_a_header_that_says_nothing_is_refused(header: str) -> None:
    async with front("127.0.0.1") as (http, _), http.get("/", headers={"X-Forwarded-For": header}) as answer:
        assert answer.status == 400


async def test_several_headers_are_one_list() -> None:
    headers = [("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", "192.168.7.20")]
    async with front("127.0.0.1") as (http, _), http.get("/", headers=headers) as answer:
        assert (await answer.json())[0] == "192.168.7.20"


async def test_nobody_else_is_believed() -> None:
    async with front("10.0.0.9") as (http, told):
        async with http.get("/", headers={"X-Forwarded-For": "192.168.7.20"}) as answer:
            assert (await answer.json())[:2] == ["127.0.0.1", False]
        assert len(told) == 1


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded"])
async def test_a_proxy_that_nobody_told_us_of_is_no_person_at_the_box(name: str) -> None:
    async with front() as (http, told):
        async with http.get("/") as answer:
            assert (await answer.json())[:2] == ["127.0.0.1", True]
        assert told == []
        for _ in range(3):
            async with http.get("/", headers={name: "garbage"}) as answer:
                assert (await answer.json())[:2] == ["127.0.0.1", False]
        assert len(told) == 1


async def test_behind_a_proxy_nobody_is_at_the_box() -> None:
    async with front("127.0.0.1") as (http, _):
        for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}):
            async with http.get("/", headers=headers) as answer:
                assert (await answer.json())[:2] == ["127.0.0.1", False]
