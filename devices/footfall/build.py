"""The driver that a section of gateway.toml asks for. Heavy parts are imported only when asked for."""

from __future__ import annotations

from devices.driver import Driver
from edge.clock import Clock
from edge.config import FootfallSection


def counter(section: FootfallSection, clock: Clock) -> Driver:
    """Raises MissingExtraError or UsageError when it can't be built."""
    match section.source:
        case "camera":
            from devices.footfall.camera import CameraCounter  # noqa: PLC0415

            return CameraCounter(section, clock=clock)
        case "beam":
            from devices.footfall.beam import BeamCounter  # noqa: PLC0415

            return BeamCounter(section, clock=clock)
        case "fake":
            from devices.footfall.fake import FakeCounter  # noqa: PLC0415

            return FakeCounter(section, clock=clock)
