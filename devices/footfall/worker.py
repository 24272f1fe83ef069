"""The camera's own process: looks at frames, says only numbers. `python -m devices.footfall.worker`, job on stdin.

OpenCV's 40 MB and its crashes stay in here; what leaves the process is who crossed and from when to when it saw.
It ends when nobody reads its words any more.
"""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

import msgspec

from devices.footfall.crossing import Crossing
from edge.config import Strip
from edge.errors import StoregateError

REPORT_S = 0.5
NICE = 5
"""Behind the journal and the till."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    strip: Strip
    loop: bool


class Seen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Without a gap, in CLOCK_MONOTONIC seconds, which parent and child share."""

    from_s: float
    to_s: float
    crossings: tuple[Crossing, ...]


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    problem: str
    hint: str


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The film is over."""


Word = Seen | Failed | Ended


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    os.nice(NICE)
    try:
        look(job, sys.stdout.buffer)
        say(Ended(), sys.stdout.buffer)
    except StoregateError as error:
        say(Failed(problem=str(error), hint=error.hint), sys.stdout.buffer)
    except BrokenPipeError:
        os._exit(0)  # the gateway is gone; flushing at exit would fail again


def look(job: Job, out: BinaryIO) -> None:
    """Until a film's end. Raises DeviceError, MissingExtraError."""
    from devices.footfall.strip import GAP_S, StripCounter  # noqa: PLC0415 - a missing extra is said in words
    from devices.pictures import open_source  # noqa: PLC0415

    counter = StripCounter(job.strip)
    with open_source(job.source) as source:
        from_s = to_s = 0.0
        crossings: list[Crossing] = []
        for frame in source.play(paced=True, loop=job.loop):
            if not from_s or frame.at_s - to_s > GAP_S:
                from_s = frame.at_s  # the first one, or after a stall: nobody saw what was between
            to_s = frame.at_s
            crossings += counter.see(frame.at_s, frame.gray)
            if crossings or to_s - from_s >= REPORT_S:
                say(Seen(from_s=from_s, to_s=to_s, crossings=tuple(crossings)), out)
                from_s, crossings = to_s, []
        say(Seen(from_s=from_s, to_s=to_s, crossings=tuple(counter.close())), out)


def say(word: Word, out: BinaryIO) -> None:
    out.write(msgspec.json.encode(word) + b"\n")
    out.flush()


if __name__ == "__main__":
    main()
