"""Whoever looks on has no scanner: a named pipe stands for one."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from edge.demo.actors import SerialLine


async def test_what_is_written_into_the_pipe_was_scanned(tmp_path: Path) -> None:
    line, pipe = SerialLine(), tmp_path / "kiosk-scanner"
    await line.hold_up(pipe)
    device = os.open(line.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        for text in (b"SGM1ABC\n", b"\xff\xfe\n6901028075770\n"):
            await asyncio.to_thread(pipe.write_bytes, text)
            await asyncio.sleep(0.05)
        assert os.read(device, 100) == b"SGM1ABC\r6901028075770\r"
    finally:
        os.close(device)
        line.close()
