"""A line that can be bad: delay, or a cut that nobody is told of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK = 262_144


class Line:
    """`one_way_s` of delay; `swallow` makes it half-open: both ends think it stands."""

    def __init__(self, *, one_way_s: float) -> None:
        self.port = 0
        self.swallow = False
        self.one_way_s = one_way_s
        self.writers: list[asyncio.StreamWriter] = []

    def cut(self) -> None:
        """Both ends hear of it."""
        for writer in self.writers:
            writer.close()

    def cut_silently(self) -> None:
        self.swallow = True

    async def pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                if self.swallow:
                    continue
                if self.one_way_s:
                    loop.call_later(self.one_way_s, writer.write, data)
                else:
                    writer.write(data)
        if not self.swallow:
            loop.call_later(self.one_way_s + 0.01, writer.close)


@asynccontextmanager
async def line(port: int, *, one_way_s: float = 0.0) -> AsyncIterator[Line]:
    made = Line(one_way_s=one_way_s)

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        made.writers.extend((writer, far_writer))
        await asyncio.gather(made.pipe(reader, far_writer), made.pipe(far_reader, writer))

    server = await asyncio.start_server(joined, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()
        await asyncio.sleep(0)
