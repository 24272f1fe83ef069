"""What every document is."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from edge.ids import Name

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Metres = Annotated[float, Meta(ge=0, le=1000)]
"""On the shop's plan, from its upper left corner."""


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all; `id` is unique among its kind."""

    id: Name
