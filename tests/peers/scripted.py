"""An MQTT 5 broker in a few lines that says what a test wants: limits and refusals no real broker says on demand.

It keeps the rules it announces: more PUBLISHes in flight than its Receive Maximum end the connection with 0x93, as EMQX
and HiveMQ do.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ, DISCONNECT = 0x10, 0x30, 0x80, 0xC0, 0xE0


class Scripted:
    """`puback(number)` is the reason for the n-th PUBLISH of events; None: none is ever sent."""

    def __init__(
        self,
        *,
        connack: int = 0,
        properties: bytes = b"",
        puback: Callable[[int], int | None] = lambda _: 0,
        receive_maximum: int = 65_535,
        delay_s: float = 0.0,
        hang_up_over_bytes: int = 10**9,
    ) -> None:
        self.port = 0
        self.published = 0
        self.most_in_flight = 0
        self.connections = 0
        self.pings = 0
        self._connack = connack
        self._properties = properties
        self._puback = puback
        self._receive_maximum = receive_maximum
        self._delay_s = delay_s
        self._hang_up_over_bytes = hang_up_over_bytes

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        in_flight = 0
        loop = asyncio.get_running_loop()

        def answer(mid: bytes, code: int) -> None:
            nonlocal in_flight
            in_flight -= 1
            writer.write(b"\x40\x03" + mid + bytes([code]))

        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readexactly(1))[0]
                body = await reader.readexactly(await _length(reader))
                match head & 0xF0:
                    case 0x10:
                        rest = bytes([0, self._connack, len(self._properties)]) + self._properties
                        writer.write(b"\x20" + bytes([len(rest)]) + rest)
                    case 0x80:
                        writer.write(b"\x90\x04" + body[:2] + b"\x00\x01")
                    case 0xC0:
                        self.pings += 1
                        writer.write(b"\xd0\x00")
                    case 0xE0:
                        break
                    case 0x30:
                        size = struct.unpack("!H", body[:2])[0]
                        mid = body[2 + size : 4 + size]
                        events = b"/ev/" in body[: 2 + size] or b"/bk/" in body[: 2 + size]
                        in_flight += 1
                        self.most_in_flight = max(self.most_in_flight, in_flight)
                        if in_flight > self._receive_maximum or len(body) > self._hang_up_over_bytes:
                            code = 0x93 if in_flight > self._receive_maximum else 0x95
                            writer.write(b"\xe0\x01" + bytes([code]))
                            break
                        self.published += events
                        code_or_none = self._puback(self.published) if events else 0
                        if code_or_none is not None:
                            loop.call_later(self._delay_s, answer, mid, code_or_none)
        writer.close()


async def _length(reader: asyncio.StreamReader) -> int:
    value = shift = 0
    while True:
        byte = (await reader.readexactly(1))[0]
        value |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            return value


@asynccontextmanager
async def scripted(**how: object) -> AsyncIterator[Scripted]:
    broker = Scripted(**how)  # type: ignore[arg-type]
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        await asyncio.sleep(0.02)
