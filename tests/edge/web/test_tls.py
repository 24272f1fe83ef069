"""The portal's certificate: which files are taken, what happens when they change, what a phone meets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from edge.board import Board
from edge.clock import Clock
from edge.config import Listener, parse
from edge.web import doors, tls
from edge.web.app import BoundListener, listen
from edge.web.tls import Tls
from tests.peers.authority import Authority, Pair

NAME = "s042.portal.example.net"
DAY_S = 86_400


class Box:
    """Where store IT puts the files, and a clock that runs ahead on demand."""

    def __init__(self, folder: Path) -> None:
        self.ca = Authority(folder / "ca", "portal CA")
        self.cert, self.key = folder / "portal.pem", folder / "portal.key"
        self.board = Board()
        self.ahead_s = 0.0
        clock = Clock()
        self.clock = Clock(wall_s=lambda: clock.now().at_ms / 1000 + self.ahead_s, floor_ms=0)
        self.tls = Tls(self.cert, self.key, NAME, board=self.board, clock=self.clock)

    def put(self, pair: Pair, *, only_key: bool = False) -> None:
        for source, target in ((pair.cert, self.cert), (pair.key, self.key))[only_key:]:
            shutil.copy(source, target.with_suffix(".new"))
            target.with_suffix(".new").replace(target)

    def look(self) -> str:
        self.tls.look()
        self.tls.tell()
        return self.board.wifi.tls_problem

    def trusts(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca.file)
        context.check_hostname = False
        return context


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@pytest.mark.parametrize("host", [NAME, "*.portal.example.net", NAME.upper()])
@pytest.mark.parametrize("chain", [True, False])
def test_a_good_pair(box: Box, host: str, chain: bool) -> None:
    box.put(box.ca.pair("a", server=True, host=host, chain=chain))
    assert box.look() == ""
    assert box.tls.usable
    assert box.tls.context() is not None
    assert box.tls.hint == ""
    wifi = box.board.wifi
    assert 4.9 < (wifi.tls_days_left or 0) < 5.1
    assert 34.9 < (wifi.tls_life_days or 0) < 35.1


def test_nothing_there(box: Box) -> None:
    assert "can't read" in box.look()
    assert box.tls.context() is None
    assert "portal.cert_file" in box.tls.hint
    assert (box.board.wifi.tls_days_left, box.board.wifi.tls_life_days) == (None, None)


def test_no_file_is_named(box: Box) -> None:
    bare = Tls(Path(), Path(), NAME, board=box.board, clock=box.clock)
    bare.look()
    assert "is empty" in bare.problem
    assert bare.context() is None


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda box: box.cert.write_text("no certificate"), "no certificate in PEM"),
        (lambda box: box.cert.write_text(""), "no certificate in PEM"),
        (lambda box: box.cert.write_bytes(b"x" * 70_000), "larger than 64 kB"),
        (lambda box: box.cert.write_bytes(box.cert.read_bytes() * 11), "more than a chain"),
        (lambda box: box.cert.write_bytes(box.cert.read_bytes() * 2), "no chain"),
        (lambda box: box.key.write_text("-----BEGIN PRIVATE KEY-----\nSECRET\n"), "no key in PEM"),
        (lambda box: box.put(box.ca.pair("b", server=True, host=NAME), only_key=True), "is not the key of"),
        (lambda box: box.put(box.ca.pair("b", server=True)), "is not for s042"),
        (lambda box: box.put(box.ca.pair("b", server=True, host="*.example.net")), "is not for s042"),
        (lambda box: box.put(box.ca.pair("b", host=NAME)), "not for a server"),
        (lambda box: box.cert.unlink(), "can't read"),
    ],
)
def test_a_bad_new_pair_keeps_the_good_old_one(box: Box, spoil: object, says: str) -> None:
    good = box.ca.pair("a", server=True, host=NAME)
    box.put(good)
    assert box.look() == ""
    before = box.tls.context()
    spoil(box)  # type: ignore[operator]
    assert says in box.look()
    assert box.tls.context() is before
    assert (box.board.wifi.tls_days_left or 0) > 4
    assert "SECRET" not in box.board.wifi.tls_problem
    box.put(good)
    assert box.look() == ""


def test_a_bad_first_pair_is_none(box: Box) -> None:
    box.put(box.ca.pair("b", server=True))
    assert "is not for" in box.look()
    assert box.tls.context() is None


def test_its_last_day_comes(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    box.put(box.ca.pair("a", server=True, host=NAME))
    assert box.look() == ""
    box.ahead_s = 5.5 * DAY_S
    assert not box.tls.usable
    assert box.tls.context() is None
    assert "ended on" in box.look()
    assert -1 < (box.board.wifi.tls_days_left or 1) < 0
    box.look()
    box.put(box.ca.pair("b", server=True, host=NAME, days=30))
    assert box.look() == ""
    assert box.tls.usable
    assert len(caplog.records) == 3


def test_one_that_has_expired_is_never_used(box: Box) -> None:
    box.put(box.ca.pair("a", server=True, host=NAME, days=-1))
    assert "ended on" in box.look()
    assert box.tls.context() is None


def test_an_expired_one_does_not_take_a_good_ones_place(box: Box) -> None:
    """As when an old backup is put back: what is in use stays to its own last day, and it is said."""
    box.put(box.ca.pair("a", server=True, host=NAME, days=5))
    assert box.look() == ""
    before = box.tls.context()
    box.put(box.ca.pair("b", server=True, host=NAME, days=-1))
    for _ in range(2):
        assert "ended on" in box.look()
        assert box.tls.context() is before
        assert (box.board.wifi.tls_days_left or 0) > 4
    box.ahead_s = 5.5 * DAY_S
    assert "ended on" in box.look()
    assert box.tls.context() is None


def test_one_for_later_waits_for_its_first_day(box: Box) -> None:
    box.ahead_s = -33 * DAY_S
    box.put(box.ca.pair("a", server=True, host=NAME, days=5, since_days=40))
    assert box.look() == ""
    before = box.tls.context()
    box.put(box.ca.pair("b", server=True, host=NAME, days=30))
    assert "begins on" in box.look()
    assert box.tls.context() is before
    assert box.tls.usable
    box.ahead_s = -29 * DAY_S  # nobody touches the files meanwhile
    assert box.look() == ""
    assert box.tls.context() not in {before, None}
    assert (box.board.wifi.tls_days_left or 0) > 58


def test_one_whose_first_day_has_not_come(box: Box) -> None:
    box.put(box.ca.pair("a", server=True, host=NAME))
    box.ahead_s = -40 * DAY_S
    assert "begins on" in box.look()
    assert box.tls.context() is None
    assert box.board.wifi.tls_days_left is None


def test_a_clock_that_was_never_set_does_not_shut_the_portal(box: Box) -> None:
    box.put(box.ca.pair("a", server=True, host=NAME))
    unset = Clock(wall_s=lambda: 1000.0)
    unset_tls = Tls(box.cert, box.key, NAME, board=box.board, clock=unset)
    unset_tls.look()
    assert unset_tls.context() is not None


def test_gateway_toml_asks_for_it(box: Box) -> None:
    least = '[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\n'
    assert Tls.of(parse(least, where="x"), board=box.board, clock=box.clock) is None
    box.put(box.ca.pair("a", server=True, host=NAME))
    files = f'cert_file = "{box.cert}"\nkey_file = "{box.key}"\n'
    made = Tls.of(parse(f'{least}[portal]\nname = "{NAME}"\n{files}', where="x"), board=box.board, clock=box.clock)
    assert made is not None
    assert made.usable
    assert box.board.wifi.tls_days_left is not None


async def hello(request: web.Request) -> web.Response:
    return web.Response(text=f"{request.scheme} {request.remote}")


@contextlib.asynccontextmanager
async def served(box: Box) -> AsyncIterator[BoundListener]:
    routes = [web.get("/", hello), web.post("/", hello)]
    async with listen("guest", Listener(host="::"), routes, host_names=None, tls=box.tls.context, grace_s=0.1) as bound:
        yield bound


async def test_the_same_pages_on_both_ports_and_families(box: Box) -> None:
    box.put(box.ca.pair("a", server=True, host=NAME))
    await asyncio.to_thread(box.look)
    async with served(box) as bound, aiohttp.ClientSession() as http:
        for host, remote in (("127.0.0.1", "127.0.0.1"), ("[::1]", "::1")):
            async with http.get(f"http://{host}:{bound.port}/") as answer:
                assert await answer.text() == f"http {remote}"
            async with http.get(f"https://{host}:{bound.tls_port}/", ssl=box.trusts()) as answer:
                assert await answer.text() == f"https {remote}"
            async with http.post(f"https://{host}:{bound.tls_port}/", ssl=box.trusts(), data=b"x" * 3000) as answer:
                assert answer.status == 200


async def test_a_new_pair_is_used_without_a_restart_and_open_connections_stay(box: Box) -> None:
    box.put(box.ca.pair("a", server=True, host=NAME))
    await asyncio.to_thread(box.look)
    async with served(box) as bound:
        reader, writer = await asyncio.open_connection("127.0.0.1", bound.tls_port, ssl=box.trusts())
        first = writer.get_extra_info("ssl_object").getpeercert()["serialNumber"]
        await asyncio.to_thread(box.put, box.ca.pair("b", server=True, host=NAME))
        await asyncio.to_thread(box.look)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in await reader.readline()
        _, other = await asyncio.open_connection("127.0.0.1", bound.tls_port, ssl=box.trusts())
        assert other.get_extra_info("ssl_object").getpeercert()["serialNumber"] != first
        writer.close()
        other.close()


async def test_without_a_good_certificate_connections_are_refused(box: Box) -> None:
    async with served(box) as bound:
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", bound.tls_port, ssl=box.trusts())
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{bound.port}/") as answer:
            assert answer.status == 200


async def test_a_handshake_without_end_is_cut_and_counted(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doors, "HANDSHAKE_S", 0.3)
    box.put(box.ca.pair("a", server=True, host=NAME))
    await asyncio.to_thread(box.look)
    async with served(box) as bound:

        async def begin() -> bytes:
            """What one of another address than this machine's usual one hears who stops in the middle."""
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", bound.tls_port, local_addr=("127.0.0.7", 0), limit=100
            )
            try:
                writer.write(b"\x16\x03\x01\x02\x00")
                return await asyncio.wait_for(reader.read(), 3)
            except ConnectionResetError:
                return b""
            finally:
                writer.close()

        loop = asyncio.get_running_loop()
        held = [asyncio.create_task(begin()) for _ in range(doors.MOST_EACH)]
        await asyncio.sleep(0.1)
        began_s = loop.time()
        assert await begin() == b""  # one too many: at once
        assert loop.time() - began_s < 0.15
        assert not any(task.done() for task in held)
        assert await asyncio.gather(*held) == [b""] * doors.MOST_EACH
        assert loop.time() - began_s < 2


async def test_what_is_not_tls_is_quietly_refused(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    box.put(box.ca.pair("a", server=True, host=NAME))
    await asyncio.to_thread(box.look)
    async with served(box) as bound:
        for junk in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(300), b"\x16\x03\x01\x00\x04junk" * 50):
            reader, writer = await asyncio.open_connection("127.0.0.1", bound.tls_port)
            writer.write(junk)
            with contextlib.suppress(ConnectionResetError):
                await asyncio.wait_for(reader.read(), 8)
            writer.close()
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_watch_looks_again_and_again(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "LOOK_S", 0.01)
    task = asyncio.create_task(box.tls.watch())
    try:
        await asyncio.sleep(0.05)
        assert "can't read" in box.board.wifi.tls_problem
        await asyncio.to_thread(box.put, box.ca.pair("a", server=True, host=NAME))
        for _ in range(200):
            await asyncio.sleep(0.01)
            if not box.board.wifi.tls_problem:
                break
        assert box.tls.usable
    finally:
        task.cancel()
