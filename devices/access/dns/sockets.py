"""UDP and TCP of one port, on every address of a family; an answer leaves from the address that was asked.

asyncio's datagrams don't tell which address that was, and a phone passes over an answer from another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from devices.access.dns.wire import EDNS_BYTES

IP_PKTINFO = 8
"""ip(7); Python names it from 3.12 on."""
BATCH = 64
"""Datagrams taken before the loop's other work has its turn."""
BUFFER_BYTES = 256 * 1024
TCP_S = 5.0
"""A connection that says nothing for so long ends."""
MOST_TCP = 128
MOST_TCP_EACH = 4
MOST_QUESTIONS = 32
"""Of one connection."""
_INFO4 = struct.Struct("=i4s4s")
_INFO6 = struct.Struct("=16si")
Sender = tuple[str, int] | tuple[str, int, int, int]


class Datagram(NamedTuple):
    packet: bytes
    sender: Sender
    interface: int
    to: bytes
    """The address that was asked, packed."""


class Udp:
    """One socket. `take` is called for each datagram, in the loop, and answers with `send` when it will."""

    def __init__(self, family: socket.AddressFamily, port: int, take: Callable[[Udp, Datagram], None]) -> None:
        """Raises OSError."""
        self._take = take
        self._six = family == socket.AF_INET6
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.settimeout(0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            if self._six:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            else:
                self._socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            self._socket.bind(("::" if self._six else "", port))
            self._loop = asyncio.get_running_loop()
            self._loop.add_reader(self._socket, self._readable)
        except OSError:
            self._socket.close()
            raise

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(BATCH):
            try:
                packet, extra, _, sender = self._socket.recvmsg(EDNS_BYTES + 1, 128)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an answer that could not be brought: it has been taken out by this
                continue
            for level, kind, info in extra:
                if not self._six and (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
                    interface, local, _ = _INFO4.unpack(info[: _INFO4.size])
                    self._take(self, Datagram(packet, sender, interface, local))
                elif self._six and (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
                    local, interface = _INFO6.unpack(info[: _INFO6.size])
                    self._take(self, Datagram(packet, sender, interface, local))

    def send(self, answer: bytes, to: Datagram) -> None:
        if self._six:
            info = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _INFO6.pack(to.to, to.interface))
        else:
            info = (socket.IPPROTO_IP, IP_PKTINFO, _INFO4.pack(to.interface, to.to, b"\0\0\0\0"))
        with contextlib.suppress(OSError):  # gone, or its queue is full: they ask again
            self._socket.sendmsg([answer], [info], 0, to.sender)


class Tcp:
    """Connections of both families; `take` answers a packet, or None: the connection ends."""

    def __init__(self, take: Callable[[bytes, Sender], Awaitable[bytes | None]]) -> None:
        self._take = take
        self._inside: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []

    async def open(self, family: socket.AddressFamily, port: int) -> None:
        """Raises OSError."""
        host = "::" if family == socket.AF_INET6 else "0.0.0.0"  # noqa: S104 - who is no guest gets no answer
        self._servers.append(
            await asyncio.start_server(self._enter, host, port, family=family, limit=2 * EDNS_BYTES, backlog=BATCH)
        )

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = writer.get_extra_info("peername")
        address = sender[0] if sender else ""
        if self._inside.get(address, 0) >= MOST_TCP_EACH or len(self._tasks) >= MOST_TCP:
            writer.transport.abort()
            return
        self._inside[address] = self._inside.get(address, 0) + 1
        task = asyncio.create_task(self._serve(reader, writer, sender))
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._leave(address, task))

    def _leave(self, address: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._inside[address] -= 1
        if not self._inside[address]:
            del self._inside[address]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sender: Sender) -> None:
        try:
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                for _ in range(MOST_QUESTIONS):
                    async with asyncio.timeout(TCP_S):
                        (size,) = struct.unpack("!H", await reader.readexactly(2))
                        if not 0 < size <= EDNS_BYTES:
                            return
                        answer = await self._take(await reader.readexactly(size), sender)
                        if not answer:
                            return
                        writer.write(struct.pack("!H", len(answer)) + answer)
                        await writer.drain()
        finally:
            writer.close()
