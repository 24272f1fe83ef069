"""The portal's hours: see `edge.shop.hours`, which the rules ask as well."""

from __future__ import annotations

from edge.shop.hours import Door, door

__all__ = ["Door", "door"]
