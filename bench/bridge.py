"""From the disk to the cloud's acknowledgement: events a second through a real mosquitto.

Events are durable in the journal before the clock starts; the clock stops when the last one is acknowledged and the
journal was told to forget it. The alternative is the same bridge with one event per PUBLISH. The far row puts 25 ms in
each direction between them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import cloud_bridge.bridge
from bench.row import Row
from edge import events as ev
from edge.board import Board
from edge.clock import Clock
from edge.commands import Asked
from edge.config import GatewaySection, MqttSection
from edge.ids import DeviceId
from edge.journal import Journal
from edge.shop import Shop

EVENTS = 100_000
ALONE = 10_000
"""Events where each has a PUBLISH of its own."""
FAR_S = 0.025
HOLD = 20_000
HOLD_FAR = 14_000
"""Within 30 % of the near one."""
GATEWAY = GatewaySection(tenant="bench", store="s", id="gw")
CHUNK = 262_144


class Run(NamedTuple):
    rate: float
    cpu_us: float
    """Of this process, for each event; the writer thread included."""


def rows() -> Iterator[Row]:
    if shutil.which("mosquitto") is None:
        sys.stderr.write("bridge: skipped, mosquitto is not installed\n")
        return
    with tempfile.TemporaryDirectory() as folder, _mosquitto(Path(folder)) as port:
        for what, events, batch, one_way_s, hold in (
            ("durable to acknowledged, loopback", EVENTS, 100, 0.0, HOLD),
            ("durable to acknowledged, 50 ms round trip", EVENTS, 100, FAR_S, HOLD_FAR),
            ("durable to acknowledged, loopback", ALONE, 1, 0.0, None),
            ("durable to acknowledged, 50 ms round trip", ALONE // 10, 1, FAR_S, None),
        ):
            sys.stderr.write(f"bridge: {what}, {batch} a PUBLISH …\n")
            found = asyncio.run(_measure(Path(folder), port, events=events, batch=batch, one_way_s=one_way_s))
            yield Row(
                part="bridge",
                what=what,
                by="storegate" if hold else "one event per PUBLISH",
                value=round(found.rate),
                unit="/s",
                hold=hold,
                at_least=True,
                note=f"{batch} a PUBLISH, window 20, {found.cpu_us:.0f} µs CPU an event",
            )


async def _measure(folder: Path, port: int, *, events: int, batch: int, one_way_s: float) -> Run:
    path = folder / f"journal-{events}-{batch}-{one_way_s}.sqlite"
    journal = await asyncio.to_thread(Journal.open, path, shop=Shop(), clock=Clock(boot_id="bench"))
    try:
        await _fill(journal, events)
        async with _line(port, one_way_s) as far:
            config = MqttSection(host="127.0.0.1", port=far, batch_events=batch, client_id=f"bench-{events}-{batch}")
            return await _drain(journal, config, events)
    finally:
        await journal.close()


async def _drain(journal: Journal, config: MqttSection, events: int) -> Run:
    board = Board()
    began_s, cpu_s = time.perf_counter(), time.process_time()
    bridge = asyncio.create_task(
        cloud_bridge.bridge.run(
            journal=journal, board=board, clock=Clock(), config=config, gateway=GATEWAY, answer=_nobody
        )
    )
    try:
        while sum((await journal.stats()).depth.values()):
            await asyncio.sleep(0.005)
            if bridge.done():
                bridge.result()
        took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - cpu_s
        return Run(events / took_s, cpu_s / events * 1e6)
    finally:
        bridge.cancel()
        with suppress(asyncio.CancelledError):
            await bridge


async def _fill(journal: Journal, events: int) -> None:
    clock = Clock()
    for start in range(0, events, 1000):
        facts = (
            ev.DeviceFound(at=clock.now(), device=DeviceId(f"dock-{n}"), kind="scanner")
            for n in range(start, min(start + 1000, events))
        )
        await asyncio.gather(*map(journal.submit, facts))


async def _nobody(asked: Asked) -> bytes:
    raise AssertionError(f"nobody asks for {asked.name}")


@asynccontextmanager
async def _line(port: int, one_way_s: float) -> AsyncIterator[int]:
    """The port to use: a proxy that holds every byte back for a while, or the broker's own."""
    if not one_way_s:
        yield port
        return
    loop = asyncio.get_running_loop()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                loop.call_later(one_way_s, writer.write, data)
        loop.call_later(one_way_s, writer.close)

    async def joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))

    server = await asyncio.start_server(joined, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(2 * one_way_s)


@contextmanager
def _mosquitto(folder: Path) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence false", "set_tcp_nodelay true"]
    lines += ["user root"] if os.geteuid() == 0 else []
    (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n", "utf-8")
    with subprocess.Popen(["mosquitto", "-c", folder / "mosquitto.conf"], stderr=subprocess.DEVNULL) as broker:
        try:
            for _ in range(200):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.02)
            yield port
        finally:
            broker.terminate()
