"""A scanner's section of gateway.toml → its driver."""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

from devices import profiles
from devices.driver import Driver
from devices.scanners.attached import AttachedScanner, Source
from devices.scanners.candidates import attached
from devices.scanners.classify import classifier
from devices.scanners.fake import FakeScanner
from devices.scanners.framing import Framing, Suffix
from devices.scanners.hid_keyboard import GAP_MS, Wedge
from devices.scanners.hid_pos import HidRaw
from devices.scanners.outlet import Refused, only_logged
from devices.scanners.profile import FAMILY, GENERIC, ScannerProfile
from devices.scanners.serial import SerialPort
from edge.clock import Clock
from edge.config import CodesSection, ScannerSection

SERIAL_GAP_MS = 1000
"""Ten times what a slow line pauses inside a code."""


def scanner(
    section: ScannerSection,
    profile: ScannerProfile,
    codes: CodesSection,
    clock: Clock,
    *,
    refused: Refused = only_logged,
) -> Driver:
    """The driver. `refused` is told of scans that the journal did not take, so that the station can say so."""
    classify = classifier(codes)
    if section.transport == "fake":
        return FakeScanner(section, classify=classify, clock=clock, refused=refused)
    if section.transport == "camera":
        from devices.scanners.camera import CameraScanner  # noqa: PLC0415 - OpenCV is an extra and weighs 37 MB

        return CameraScanner(section=section, classify=classify, clock=clock, refused=refused)
    return AttachedScanner(section, source(section, profile), classify=classify, clock=clock, refused=refused)


def source(section: ScannerSection, profile: ScannerProfile) -> Source:
    path = Path(section.device)
    match section.transport:
        case "serial":
            return SerialPort(path, baud=section.baud, framing=_framing(section, profile, gap_ms=SERIAL_GAP_MS))
        case "hid-keyboard":
            framing = _framing(section, profile, gap_ms=GAP_MS)
            return Wedge(path, layout=section.layout or profile.layout, framing=framing)
        case "hid-pos":
            return HidRaw(path)
        case "camera" | "fake":
            raise ValueError(f"{section.transport} has no path in /dev")
        case _:
            assert_never(section.transport)


def _framing(section: ScannerSection, profile: ScannerProfile, *, gap_ms: int) -> Framing:
    """The section overrules the profile: it was found out with the scanner at hand."""
    return Framing(
        prefix=profile.prefix if section.prefix is None else section.prefix,
        suffix=Suffix(section.suffix) if section.suffix else profile.suffix,
        gap_ms=gap_ms,
    )


def profile_of(section: ScannerSection) -> ScannerProfile:
    """The profile that the section names, else the one whose USB number the device has, else the generic one.

    Reads files: not in the event loop. Raises UsageError for an unknown name.
    """
    if section.profile:
        return profiles.one(FAMILY, section.profile, ScannerProfile)
    if section.transport in {"camera", "fake"}:
        return GENERIC
    known = profiles.all_of(FAMILY, ScannerProfile)
    here = next((one for one in attached(known) if one.device == section.device), None)
    return known[here.profiles[0]] if here and here.profiles else GENERIC
