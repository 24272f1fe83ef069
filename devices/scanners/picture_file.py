"""A picture file → what stands in it. Runs in a worker process of `storegate scan image`."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from devices.pictures import PictureError, read_picture
from devices.scanners import decode, still
from devices.scanners.classify import classify
from edge.events import CodeKind


class Found(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One code of a picture."""

    text: str
    """As under the symbol; empty for a payment code, which is shown to nobody."""
    symbology: str
    kind: str = ""
    """`payment` or nothing."""


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one file: a line of `--json`."""

    file: str
    codes: tuple[Found, ...]
    ms: float
    """Reading the file and finding the codes, wall time."""
    error: str | msgspec.UnsetType = msgspec.UNSET
    """Why the file could not be read as a picture."""
    hint: str | msgspec.UnsetType = msgspec.UNSET


def report(file: str, symbologies: tuple[str, ...]) -> FileReport:
    """Reads one file. Never raises for what is in it."""
    start_s = time.perf_counter()
    try:
        reads = still.read_all(read_picture(Path(file)), decode.choose(symbologies))
    except PictureError as error:
        return FileReport(file=file, codes=(), ms=_ms(start_s), error=str(error), hint=error.hint or msgspec.UNSET)
    return FileReport(file=file, codes=tuple(map(_shown, reads)), ms=_ms(start_s))


def _ms(start_s: float) -> float:
    return round((time.perf_counter() - start_s) * 1000, 1)


def _shown(read: decode.Read) -> Found:
    if classify(read.packet, aim=read.aim).kind is CodeKind.PAYMENT:
        return Found(text="", symbology=read.symbology, kind="payment")
    return Found(text=read.text, symbology=read.symbology)
