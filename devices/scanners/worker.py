"""The camera's own process: `python -m devices.scanners.worker`. Frames stay in here; only what was read leaves it.

OpenCV's memory and crashes are this process's own. The job comes on stdin, words go to stdout, each with its length in
four bytes before it (msgpack, as an address or a code may hold any byte). A heartbeat says that frames still come. It
dies with the gateway: the kernel ends it when its parent is gone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import struct
import sys
import time
from typing import BinaryIO

import msgspec

from edge.errors import DeviceError, StoregateError

HEARTBEAT_S = 1.0
NICE = 5
"""Behind the journal and the till."""
MAX_WORD_BYTES = 64 * 1024
_LENGTH = struct.Struct(">I")
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    width_px: int
    height_px: int
    formats: tuple[str, ...]
    loop: bool
    paced: bool = True
    """A film at its own rate; else as fast as it can be read (for tests and measurements)."""
    parent: int = 0
    """Process id of the gateway."""


class Alive(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Frames come. Once a second, and before the first code."""

    frames: int
    """Since the last one."""


class Spotted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    text: str
    """As a handheld scanner would send it under `aim`."""
    aim: str
    votes: int


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    problem: str
    hint: str
    ours: bool = False
    """Not the device's fault: wrong configuration or a missing library; trying again soon is useless."""


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A film is over."""


Word = Alive | Spotted | Failed | Ended


def main() -> None:
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    out = sys.stdout.buffer
    _die_with(job.parent)
    os.nice(NICE)
    try:
        look(job, out)
        say(Ended(), out)
    except DeviceError as error:
        say(Failed(problem=str(error), hint=error.hint), out)
    except StoregateError as error:
        say(Failed(problem=str(error), hint=error.hint, ours=True), out)
    except BrokenPipeError:
        os._exit(0)  # the gateway is gone; flushing at exit would fail again


def look(job: Job, out: BinaryIO) -> None:
    """Until a film's end. Raises DeviceError, UsageError, MissingExtraError."""
    from devices.pictures import open_source  # noqa: PLC0415 - a missing extra is said in words, not as a traceback
    from devices.scanners import decode  # noqa: PLC0415
    from devices.scanners.live import Live  # noqa: PLC0415

    live = Live(decode.choose(job.formats or decode.GOODS))
    with open_source(job.source, width_px=job.width_px, height_px=job.height_px) as source:
        frames, beat_s = 0, float("-inf")
        for frame in source.play(paced=job.paced, loop=job.loop):
            frames += 1
            if time.monotonic() - beat_s >= HEARTBEAT_S:
                say(Alive(frames=frames), out)
                frames, beat_s = 0, time.monotonic()
            for read, votes in live.see(frame.gray, at_s=frame.at_s):
                say(Spotted(text=read.packet, aim=read.aim, votes=votes), out)


def say(word: Word, out: BinaryIO) -> None:
    body = msgspec.msgpack.encode(word)
    out.write(_LENGTH.pack(len(body)) + body)
    out.flush()


def length_of(head: bytes) -> int:
    """Four bytes → how many follow. Raises DeviceError for what no worker of ours would say."""
    (length,) = _LENGTH.unpack(head)
    if not 0 < length <= MAX_WORD_BYTES:
        raise DeviceError("the camera's worker does not speak its protocol")
    return int(length)


def _die_with(parent: int) -> None:
    """The kernel kills us when the gateway dies, by whatever way; and if it died before we asked, now."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if parent and os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    main()
