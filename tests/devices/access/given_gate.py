"""A gate that a test speaks for, on a real socket; and what drivers stand on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

Say = Callable[[dict[str, Any]], Mapping[str, Any] | bytes | None]
"""An order → the answer's fields (its id is filled in), bytes as they are, or None: silence."""


def done(_order: dict[str, Any]) -> Mapping[str, Any]:
    return {"ok": True}


class SpokenGate:
    def __init__(self, say: Say) -> None:
        self.say = say
        self.heard: list[dict[str, Any]] = []
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        while line := await reader.readline():
            order = msgspec.json.decode(line)
            self.heard.append(order)
            answer = self.say(order)
            if isinstance(answer, bytes):
                writer.write(answer)
            elif answer is not None:
                writer.write(msgspec.json.encode({"id": order["id"], **answer}) + b"\n")

    def hang_up(self) -> None:
        for writer in self.writers:
            writer.close()
        self.writers.clear()


@asynccontextmanager
async def speaking(path: Path, say: Say = done) -> AsyncIterator[SpokenGate]:
    gate = SpokenGate(say)
    server = await asyncio.start_unix_server(gate.serve, path, limit=4 * 1024 * 1024)
    try:
        yield gate
    finally:
        server.close()
        gate.hang_up()
        await server.wait_closed()
        await asyncio.sleep(0)
