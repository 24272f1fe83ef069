"""What every fact is."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from edge.clock import Stamp

Count = Annotated[int, Meta(ge=0)]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something that happened at `at`."""

    at: Stamp
