"""Plain HTTP of other people's sites, as it comes to the guest listener: every vendor's probe, and whatever else."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config_wifi import GateSection
from edge.web.guest.portal.hosts import OurHosts, address_of, host_of
from edge.web.guest.portal.probes import PROBES, Probe, probe_of
from tests.edge.guest.given_portal import Cafe, cafe, phone

READ_S = 5.0


@dataclass
class Raw:
    status: int
    headers: dict[str, str]
    body: bytes


async def raw(made: Cafe, text: bytes, *, source: str = "127.0.0.7") -> Raw:
    """What is answered to these very bytes; the connection must be closed after it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", made.port, local_addr=(source, 0))
    try:
        writer.write(text)
        async with asyncio.timeout(READ_S):
            answer = await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:])
    return Raw(int(lines[0].split()[1]), {key.lower(): text.strip() for key, _, text in pairs}, body)


def is_lead(made: Cafe, seen: Raw) -> bool:
    return (
        seen.status == 302
        and seen.headers["location"] == f"{made.url}/"
        and seen.headers["cache-control"] == "no-store"
        and seen.headers["connection"] == "close"
        and len(seen.body) < 200
    )


async def test_every_vendors_probe_is_led_to_the_portal(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made:
        for probe in PROBES:
            agent = f"User-Agent: {probe.agent}\r\n" if probe.agent else ""
            seen = await raw(made, f"GET {probe.path} HTTP/1.1\r\nHost: {probe.host}\r\n{agent}\r\n".encode())
            assert is_lead(made, seen), probe
            assert probe.host.encode() not in seen.body


@pytest.mark.parametrize(
    "text",
    [
        b"GET /generate_204 HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: captive.apple.com\r\n\r\n",
        b"GET http://captive.apple.com/x HTTP/1.1\r\nHost: captive.apple.com\r\n\r\n",
        b"GET http://captive.apple.com/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /portal/welcome HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
        b"HEAD /generate_204 HTTP/1.1\r\nHost: g.cn\r\n\r\n",
        b"POST /form HTTP/1.1\r\nHost: www.example.com\r\nContent-Length: 3\r\n\r\nabc",
        b"POST /portal/accept HTTP/1.1\r\nHost: evil.test\r\nOrigin: http://evil.test\r\nContent-Length: 0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
        b"DELETE /x HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
        b"PROPFIND /x HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 1.1.1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [2001:db8::53]\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: www.example.com:8080\r\nUser-Agent: \xff\xfe\r\nX: \x80\r\n\r\n",
        b"GET /?q=<script>alert(1)</script> HTTP/1.1\r\nHost: www.example.com\r\nX-Forwarded-For: <b>\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
        b"GET /" + b"a" * 7000 + b" HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: www.example.com\r\nCookie: " + b"c" * 7000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: " + b"h" * 300 + b".example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: www.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
)
async def test_whatever_is_asked_of_others_is_led_to_the_portal(tmp_path: Path, text: bytes) -> None:
    async with cafe(tmp_path) as made:
        seen = await raw(made, text)
        assert seen.status == 302
        assert seen.headers["location"] == f"{made.url}/"
        assert b"script" not in seen.body
        async with phone(made) as guest:
            assert (await guest.get("/")).status == 200


@pytest.mark.parametrize(
    "text",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS that somebody speaks to port 80
        b"GET / HTTP/1.1\r\nHost: a.example\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: a.example\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: www.example.com\r\nX: " + b"c" * 200_000 + b"\r\n\r\n",
        b"CONNECT www.example.com:443 HTTP/1.1\r\nHost: www.example.com:443\r\n\r\n",
    ],
)
async def test_what_is_no_request_does_no_harm(tmp_path: Path, text: bytes) -> None:
    async with cafe(tmp_path) as made:
        try:
            seen = await raw(made, text)
        except (ConnectionError, TimeoutError, IndexError):
            seen = None
        assert seen is None or seen.status in {302, 400}
        async with phone(made) as guest:
            assert (await guest.get("/")).status == 200


async def test_a_probe_succeeds_within_a_minute_of_the_login(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        await guest.enter()
        for probe in PROBES:
            seen = await raw(made, _asks(probe))
            assert (seen.status, seen.body.decode()) == (probe.status, probe.body), probe
            assert seen.headers["connection"] == "close"
            if probe.content_type:
                assert seen.headers["content-type"] == probe.content_type
        assert is_lead(made, await raw(made, _asks(PROBES[0]), source="127.0.0.8"))  # nobody else's does
        page = await raw(made, b"GET /news HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
        assert page.status == 503
        assert "刷新页面" in page.body.decode()
        assert b"example" not in page.body
        made.hand.forward(61_000)
        assert (await raw(made, _asks(PROBES[0]))).status == 503


async def test_with_the_line_cut_members_are_told_so(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        await guest.enter()
        made.board.wifi.uplink = False
        for text in (_asks(PROBES[0]), b"GET /news HTTP/1.1\r\nHost: www.example.com\r\n\r\n"):
            seen = await raw(made, text)
            assert (seen.status, seen.headers["location"]) == (302, f"{made.url}/portal/welcome")


async def test_with_the_line_cut_probes_are_answered_where_the_shop_wants_it(tmp_path: Path) -> None:
    async with cafe(tmp_path, portal={"offline_answers": True}) as made, phone(made) as guest:
        made.board.wifi.uplink = False
        assert is_lead(made, await raw(made, _asks(PROBES[0])))  # members only
        await guest.enter()
        made.hand.forward(3_600_000)
        assert (await raw(made, _asks(PROBES[0]))).status == 204
        seen = await raw(made, b"GET /news HTTP/1.1\r\nHost: www.example.com\r\n\r\n")
        assert (seen.status, seen.headers["location"]) == (302, f"{made.url}/portal/welcome")


async def test_the_portal_goes_by_its_name_while_its_certificate_is_good(tmp_path: Path) -> None:
    async with cafe(tmp_path, portal={"name": "s1.portal.example.net"}) as made:
        ask = b"GET / HTTP/1.1\r\nHost: captive.apple.com\r\n\r\n"
        assert (await raw(made, ask)).headers["location"] == f"{made.url}/"
        made.board.wifi.tls_days_left = 20.0
        assert (await raw(made, ask)).headers["location"] == "https://s1.portal.example.net/"
        by_name = await raw(made, b"GET / HTTP/1.1\r\nHost: S1.Portal.example.net:80\r\nConnection: close\r\n\r\n")
        assert by_name.status == 200
        made.board.wifi.tls_days_left = -0.1
        assert (await raw(made, ask)).headers["location"] == f"{made.url}/"


async def test_the_portals_address_is_the_gates(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made:
        gate = GateSection(interface="wlan0", uplink="eth0", address6="fd00:64::1/64")
        box = dataclasses.replace(made.front, settings=msgspec.structs.replace(made.front.settings, gate=gate))
        assert box.url() == "http://10.64.0.1"
        assert box.ours.has("fd00:64::1")


async def test_who_floods_gets_the_same_without_a_look_at_who_it_is(tmp_path: Path) -> None:
    async with cafe(tmp_path, proxy=True) as made:
        looked = 0
        ask = made.desk.guest

        async def counted(*args: object, **more: object) -> object:
            nonlocal looked
            looked += 1
            return await ask(*args, **more)  # type: ignore[arg-type]

        made.desk.guest = counted  # type: ignore[method-assign, assignment]
        for _ in range(70):
            seen = await raw(made, b"GET / HTTP/1.1\r\nHost: g.cn\r\nX-Forwarded-For: 10.64.0.9\r\n\r\n")
            assert is_lead(made, seen)
        assert looked == 60


# --- hosts -------------------------------------------------------------------------------------------------

OURS = OurHosts(("S1.portal.example.net", ""), ("10.64.0.1/20", "fd00:64::1/64", "", "shop.example"))


@pytest.mark.parametrize(
    ("header", "ours"),
    [
        ("10.64.0.1", True),
        ("10.64.0.1:80", True),
        ("[fd00:64::1]", True),
        ("[FD00:64:0::1]:8080", True),
        ("[::ffff:10.64.0.1]", True),
        ("s1.portal.example.net", True),
        ("s1.portal.example.net.", True),
        ("S1.PORTAL.example.net:443", True),
        ("10.64.0.2", False),
        ("10.64.0.1.nip.io", False),
        ("x.s1.portal.example.net", False),
        ("localhost", False),
        ("captive.apple.com", False),
        ("", False),
        ("[", False),
        ("[]", False),
        (":80", False),
        ("ⅰ.example", False),
    ],
)
def test_which_hosts_are_ours(header: str, ours: bool) -> None:
    assert OURS.has(host_of(header)) is ours


def test_where_it_came_in_and_who_sits_at_the_box() -> None:
    assert OURS.has("192.168.1.9", here="192.168.1.9")
    assert OURS.has("fe80::1", here="fe80::1%wlan0")
    assert not OURS.has("192.168.1.9", here="192.168.1.8")
    assert OURS.has("localhost", at_the_box=True)


@given(st.text(max_size=400))
def test_any_host_is_taken(header: str) -> None:
    host = host_of(header)
    assert len(host) <= 255
    assert OURS.has(host) in {True, False}
    assert address_of(host) == "" or not OURS.has(host) or address_of(host) in {"10.64.0.1", "fd00:64::1"}


@given(st.ip_addresses())
def test_an_address_that_is_not_ours_is_none_of_ours(address: object) -> None:
    assert OURS.has(host_of(f"[{address}]")) is (str(address) in {"10.64.0.1", "fd00:64::1"})


@given(st.text(max_size=100), st.text(max_size=200))
def test_only_the_vendors_own_questions_are_answered(host: str, path: str) -> None:
    found = probe_of(host, path)
    assert found is None or (found.host == host and path.startswith(found.path))


def test_the_table_is_consistent() -> None:
    assert len({(probe.host, probe.path) for probe in PROBES}) == len(PROBES)
    for probe in PROBES:
        assert probe_of(probe.host, probe.path + "?x=1") is probe
        assert bool(probe.body) == (probe.status == 200)
        assert re.fullmatch(r"[a-z0-9.-]+", probe.host)


LINE = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters=":"), min_size=1, max_size=80)


async def test_any_head_is_answered_or_refused(tmp_path: Path) -> None:
    """One listener for all of them: what one request did to it would show in the next."""
    examples: list[tuple[str, str, str]] = []

    @settings(max_examples=150, database=None, derandomize=True)
    @given(LINE, st.text(max_size=80), LINE)
    def draw(path: str, host: str, agent: str) -> None:
        examples.append((path, host, agent))

    await asyncio.to_thread(draw)
    async with cafe(tmp_path) as made:
        for path, host, agent in examples:
            text = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nConnection: close\r\n\r\n"
            seen = await raw(made, text.encode("utf-8", "surrogatepass"))
            assert seen.status in {302, 400} or OURS.has(host_of(host)) or host.strip() in {"127.0.0.1", "localhost"}
            if seen.status == 302:
                assert seen.headers["location"] == f"{made.url}/"
        async with phone(made) as guest:
            assert (await guest.get("/")).status == 200


def _asks(probe: Probe) -> bytes:
    return f"GET {probe.path} HTTP/1.1\r\nHost: {probe.host}\r\n\r\n".encode()
