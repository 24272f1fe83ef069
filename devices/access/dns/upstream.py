"""Questions to the resolvers of the line: for the names of the walled garden, and whether the internet is there at all.

Each has a random number and a socket, and so a port, of its own; what comes back must be from who was asked, with that
number and that question, or it is passed over.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import struct
import time
from collections.abc import AsyncIterator, Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple, Self

from devices.access.dns import wire

TIMEOUT_S = 2.0
"""Of a whole question, whichever resolver answers in the end."""
NEXT_S = 0.7
"""One that is silent for so long gets the next one beside it."""
MOST_SERVERS = 3
RESOLV_CONF = Path("/etc/resolv.conf")
RESOLV_BYTES = 16 * 1024
REREAD_S = 10.0
PORT = 53


class Server(NamedTuple):
    address: str
    port: int = PORT

    @classmethod
    def of(cls, text: str) -> Self:
        """`9.9.9.9`, or with a port as dnsmasq writes it: `127.0.0.1#5353`. Raises ValueError."""
        address, hash_, port = text.strip().partition("#")
        ip_address(address.partition("%")[0])
        number = int(port) if hash_ else PORT
        if not 0 < number < 65536:
            raise ValueError("no port")
        return cls(address, number)


class Silent(Exception):  # noqa: N818 - not a mistake: nobody answered
    """No resolver answered in time."""


class Servers:
    """Those of gateway.toml, else those of resolv.conf as it is now."""

    def __init__(self, given: Sequence[str], *, resolv_conf: Path = RESOLV_CONF) -> None:
        self._given = _servers(given)
        self._file = resolv_conf
        self._read: tuple[Server, ...] = ()
        self._read_s = -REREAD_S

    async def now(self) -> tuple[Server, ...]:
        if self._given:
            return self._given
        if time.monotonic() - self._read_s >= REREAD_S:
            self._read_s = time.monotonic()
            self._read = await asyncio.to_thread(_of_file, self._file)
        return self._read


def _of_file(path: Path) -> tuple[Server, ...]:
    try:
        with path.open("rb") as file:
            text = file.read(RESOLV_BYTES).decode("ascii", "replace")
    except OSError:
        return ()
    words = [line.split() for line in text.splitlines()]
    return _servers([line[1] for line in words if len(line) > 1 and line[0] == "nameserver"])


def _servers(texts: Sequence[str]) -> tuple[Server, ...]:
    found: list[Server] = []
    for text in texts:
        with contextlib.suppress(ValueError):
            found.append(Server.of(text))
    return tuple(found[:MOST_SERVERS])


async def knows(name: str, servers: Sequence[Server], *, timeout_s: float = TIMEOUT_S) -> bool:
    """Whether a resolver could find out about a name, be it that there is none."""
    question = wire.ask(name, wire.A, _number())
    try:
        await _first(servers, question, _knows, timeout_s)
    except Silent:
        return False
    return True


async def resolve(name: str, kind: int, servers: Sequence[Server], *, timeout_s: float = TIMEOUT_S) -> wire.Found:
    """Raises Silent. A resolver that only names the next alias is asked for that one too."""
    ttl_s: list[int] = []
    async with _bounded(timeout_s):
        for _ in range(wire.MOST_CNAMES):
            try:
                question = wire.ask(name, kind, _number())
            except ValueError as error:
                raise Silent from error
            found = wire.read_answer(await _first(servers, question, _knows, timeout_s), question)
            ttl_s.append(found.ttl_s)
            if found.addresses or found.code or found.ends_at in {"", name}:
                return found._replace(ttl_s=min(ttl_s))
            name = found.ends_at
    raise Silent


@contextlib.asynccontextmanager
async def _bounded(timeout_s: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise Silent from error


def _number() -> int:
    return secrets.randbelow(1 << 16)


def _knows(packet: bytes, question: bytes) -> bool:
    """Whether it is worth no further wait: an answer, be it that there is no such name."""
    try:
        return wire.read_answer(packet, question).code in {wire.Code.OK, wire.Code.NO_SUCH_NAME}
    except wire.NotAnAnswerError:
        return False


async def _first(
    servers: Sequence[Server], question: bytes, is_good: Callable[[bytes, bytes], bool], timeout_s: float
) -> bytes:
    """The first good answer; each further server is asked when those before it failed or are slow."""
    waiting: set[asyncio.Task[bytes]] = set()
    left = list(servers)
    try:
        async with _bounded(timeout_s):
            while left or waiting:
                if left:
                    waiting.add(asyncio.create_task(_ask(left.pop(0), question)))
                done, waiting = await asyncio.wait(
                    waiting, timeout=NEXT_S if left else None, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    if task.exception() is None and is_good(task.result(), question):
                        return task.result()
        raise Silent
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def _ask(server: Server, question: bytes) -> bytes:
    """Raises OSError: nobody is there."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(lambda: _Ear(question), remote_addr=server)
    try:
        transport.sendto(question)
        packet = await protocol.heard
    finally:
        transport.close()
    return await _ask_tcp(server, question) if wire.is_cut(packet) else packet


async def _ask_tcp(server: Server, question: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(struct.pack("!H", len(question)) + question)
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        return await reader.readexactly(size)
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError from error
    finally:
        writer.close()


class _Ear(asyncio.DatagramProtocol):
    """Waits for the answer to one question; the kernel lets in only what is from who was asked."""

    def __init__(self, question: bytes) -> None:
        self._question = question
        self.heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - connected: known
        if not self.heard.done() and wire.is_answer(data, self._question):
            self.heard.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.heard.done():
            self.heard.set_exception(exc)
