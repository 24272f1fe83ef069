"""A listener as browsers and hostile neighbours meet it."""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import AsyncIterator
from socket import AF_INET6

import aiohttp
import pytest
from aiohttp import web

from edge.config import Listener
from edge.errors import JournalRefusedError, Refusal, UsageError
from edge.web import app
from edge.web.app import BoundListener, listen
from edge.web.faults import WebError
from edge.web.pages import money


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def echo(request: web.Request) -> web.Response:
    return web.Response(text=str(len(await request.read())))


async def broken(request: web.Request) -> web.Response:
    raise ValueError("secret detail")


async def full(request: web.Request) -> web.Response:
    raise JournalRefusedError(Refusal.DISK_FULL, "the disk is full")


async def refused(request: web.Request) -> web.Response:
    raise WebError(409, "used", "The coupon was used.", hint="Ask for another.", extra={"till": "till-1"})


async def socket(request: web.Request) -> web.WebSocketResponse:
    answer = web.WebSocketResponse()
    await answer.prepare(request)
    await answer.close()
    return answer


async def moved(request: web.Request) -> web.Response:
    raise web.HTTPFound("/hello")


ROUTES = [
    web.get("/elsewhere", moved),
    web.get("/hello", hello),
    web.post("/echo", echo),
    web.get("/broken", broken),
    web.get("/full", full),
    web.get("/till/v1/refused", refused),
    web.get("/live", socket),
]


@pytest.fixture
async def shop() -> AsyncIterator[BoundListener]:
    async with listen("shop", Listener(), ROUTES) as bound:
        yield bound


@pytest.fixture
async def http(shop: BoundListener) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(shop.url) as session:
        yield session


async def test_every_answer_has_strict_headers(http: aiohttp.ClientSession) -> None:
    for path in ("/hello", "/nowhere", "/broken", "/elsewhere"):
        async with http.get(path, allow_redirects=False) as answer:
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store"


async def test_no_answer_says_what_we_run_on(shop: BoundListener, http: aiohttp.ClientSession) -> None:
    async with http.get("/hello") as found, http.get("/nowhere") as lost:
        assert (found.headers["Server"], lost.headers["Server"]) == ("storegate", "storegate")
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    writer.write(b"GET / HTTP/9.9\r\nNot a header\r\n\r\n")  # refused before any of ours sees it
    answer = await reader.read()
    writer.close()
    assert b"server: storegate\r\n" in answer.lower()
    assert b"aiohttp" not in answer.lower()
    assert b"python" not in answer.lower()


@pytest.mark.parametrize(
    ("wish", "says"), [("?lang=en", "no such page"), ("?lang=zh-CN", "没有这个页面"), ("?lang=fr", "没有这个页面")]
)
async def test_an_error_is_a_page_in_the_readers_language(http: aiohttp.ClientSession, wish: str, says: str) -> None:
    async with http.get(f"/nowhere{wish}") as answer:
        assert answer.status == 404
        assert says in await answer.text()


@pytest.mark.parametrize(
    ("header", "lang"), [("en-GB,en;q=0.9", "en"), ("zh-TW", "zh-CN"), ("fr, en;q=0.3", "en"), ("eng", "zh-CN")]
)
async def test_the_browsers_language_counts(http: aiohttp.ClientSession, header: str, lang: str) -> None:
    async with http.get("/nowhere", headers={"Accept-Language": header}) as answer:
        assert answer.headers["Content-Language"] == lang


async def test_a_chosen_language_stays_for_the_session(shop: BoundListener) -> None:
    async with aiohttp.ClientSession(shop.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        async with http.get("/nowhere?lang=en") as answer:
            assert answer.cookies["lang"]["max-age"] == ""
        async with http.get("/nowhere") as answer:
            assert answer.headers["Content-Language"] == "en"


async def test_programs_get_json(http: aiohttp.ClientSession) -> None:
    async with http.get("/till/v1/refused") as answer:
        assert answer.status == 409
        error = {"code": "used", "message": "The coupon was used.", "hint": "Ask for another.", "till": "till-1"}
        assert await answer.json() == {"error": error}
    async with http.get("/till/v1/nothing") as answer:
        assert (await answer.json())["error"]["code"] == "not_found"


async def test_a_broken_page_tells_nothing_of_itself(
    http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async with http.get("/broken", headers={"Accept": "text/html"}) as answer:
        assert answer.status == 500
        assert "secret detail" not in await answer.text()
    assert "secret detail" in caplog.text


async def test_a_refusing_journal_is_try_again(http: aiohttp.ClientSession) -> None:
    async with http.get("/full") as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "{url}"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_other_sites_change_nothing(
    shop: BoundListener, http: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.format(url=shop.url) for name, value in headers.items()}
    async with http.post("/echo", data=b"x", headers=sent) as answer:
        assert answer.status == status


async def test_other_sites_open_no_socket(shop: BoundListener, http: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect("/live", origin="http://evil.example")
    assert refused.value.status == 403
    await (await http.ws_connect("/live", origin=shop.url)).close()


@pytest.mark.parametrize(
    ("host", "status"), [("evil.example", 421), ("192.168.3.1:8081", 200), ("[::1]:80", 200), ("localhost", 200)]
)
async def test_another_name_is_refused(http: aiohttp.ClientSession, host: str, status: int) -> None:
    async with http.get("/hello", headers={"Host": host}) as answer:
        assert answer.status == status


async def test_the_guest_side_answers_to_any_name() -> None:
    async with (
        listen("guest", Listener(), ROUTES, host_names=None) as bound,
        aiohttp.ClientSession() as http,
        http.get(f"{bound.url}/hello", headers={"Host": "captive.example"}) as answer,
    ):
        assert answer.status == 200


async def test_under_another_name_the_guest_side_changes_nothing() -> None:
    async with (
        listen("guest", Listener(), ROUTES, host_names=None, change_names=["shop.example"]) as bound,
        aiohttp.ClientSession(bound.url) as http,
    ):
        for host, status in (("captive.example", 421), ("shop.example:8080", 200), ("10.0.0.1", 200)):
            async with http.get("/hello", headers={"Host": host}) as answer:
                assert answer.status == 200
            async with http.post("/echo", headers={"Host": host}) as answer:
                assert answer.status == status


@pytest.mark.parametrize(
    ("origin", "status"), [("http://{}", 200), ("https://{}", 200), ("ftp://{}", 403), ("chrome-extension://{}", 403)]
)
async def test_only_web_pages_are_ours(shop: BoundListener, origin: str, status: int) -> None:
    headers = {"Origin": origin.format(shop.url.partition("://")[2])}
    async with aiohttp.ClientSession(shop.url) as http, http.post("/echo", headers=headers) as answer:
        assert answer.status == status


@pytest.mark.parametrize(
    "path", ["//evil.example/x", "///evil.example", "//evil.example//x?a=b", "http://evil.example//x"]
)
async def test_no_link_of_ours_leads_elsewhere(shop: BoundListener, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    page = (await reader.read()).decode()
    writer.close()
    links = re.findall(r'href="([^"]*)"', page)
    assert len(links) > 1
    assert not [link for link in links if link.startswith("//") or "://" in link]


async def test_a_large_body_is_refused(http: aiohttp.ClientSession) -> None:
    async with http.post("/echo", data=b"x" * (app.MAX_BODY + 1)) as answer:
        assert answer.status == 413


async def test_a_head_that_trickles_in_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "HEAD_S", 0.2)
    async with listen("shop", Listener(), ROUTES) as bound:
        reader, writer = await asyncio.open_connection("127.0.0.1", bound.port)
        writer.write(b"GET /hello HTTP/1.1\r\nHost: lo")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_listeners_own_time_for_a_head() -> None:
    async with listen("guest", Listener(), ROUTES, head_s=0.2) as bound:
        reader, writer = await asyncio.open_connection("127.0.0.1", bound.port)
        writer.write(b"GET /hello HTTP/1.1\r\nHost: lo")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_every_address_is_both_families_on_one_port() -> None:
    async with listen("guest", Listener(host="::"), ROUTES) as bound, aiohttp.ClientSession() as http:
        assert bound.url == f"http://127.0.0.1:{bound.port}"
        for host in ("127.0.0.1", "[::1]"):
            async with http.get(f"http://{host}:{bound.port}/hello") as answer:
                assert answer.status == 200
        with pytest.raises(UsageError, match=rf"can't listen on :::{bound.port}"):
            async with listen("shop", Listener(host="::", port=bound.port), []):
                pass
        with pytest.raises(UsageError, match=r"can't listen"):
            async with listen("shop", Listener(), [], tls=lambda: None, tls_port=bound.port):
                pass


async def test_every_address_is_ipv4_alone_where_there_is_no_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = app._bound

    def only4(family: int, host: str, port: int) -> object:
        if family == AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return bind(family, host, port)

    monkeypatch.setattr(app, "_bound", only4)
    async with (
        listen("guest", Listener(host="::"), ROUTES) as bound,
        aiohttp.ClientSession() as http,
        http.get(f"{bound.url}/hello") as answer,
    ):
        assert answer.status == 200


async def test_a_taken_port_is_one_clear_error(shop: BoundListener) -> None:
    with pytest.raises(UsageError, match=rf"can't listen on 127\.0\.0\.1:{shop.port}"):
        async with listen("admin", Listener(port=shop.port), []):
            pass


async def test_static_files_are_cached_by_content(http: aiohttp.ClientSession) -> None:
    async with http.get("/static/look.css") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"
        tag = answer.headers["ETag"]
    async with http.get("/static/look.css", params={"v": tag.strip('"')}) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
    async with http.get("/static/look.css", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    async with http.get("/static/..%2fwords.toml") as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "¥0.00"), (5, "¥0.05"), (350, "¥3.50"), (-1, "-¥0.01"), (123456789, "¥1,234,567.89")]
)
def test_money(fen: int, text: str) -> None:
    assert money(fen) == text


async def test_an_address_that_is_not_there_yet_is_waited_for() -> None:
    """192.0.2.1 is nobody's: a listener there is what the guest network's is while its interface is gone."""
    async with listen("guest", Listener(host="192.0.2.1", port=0), [], early=True) as bound:
        assert (bound.host, bound.port > 0) == ("192.0.2.1", True)
    with pytest.raises(UsageError):
        async with listen("guest", Listener(host="192.0.2.1", port=0), []):
            pass
