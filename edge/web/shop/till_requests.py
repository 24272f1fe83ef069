"""What a till sends: the requests of the till API, as types. The OpenAPI document is made of them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

KEY_HEADER = "Idempotency-Key"
Part = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._:-]{0,64}$(?!\n)")]
"""`$` alone lets a line feed pass; `\\Z` would mean a letter to who reads the pattern in the OpenAPI document."""
Fen = Annotated[int, Meta(ge=0, le=1_000_000_000)]
CodeText = Annotated[str, Meta(min_length=1, max_length=512)]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all."""


class Keyed(Request, frozen=True, kw_only=True):
    receipt: Part = ""
    """The receipt's number at this till; needed unless Idempotency-Key is sent."""
    line: Part = "1"
    """Which coupon of the receipt: a second coupon, or another try with the same one, is another line."""


class ReserveRequest(Keyed, frozen=True, kw_only=True):
    code: CodeText
    """What was scanned or typed: the token, the URL it stood in, or the short code."""
    member: Annotated[str, Meta(max_length=128)] = ""
    """The member at the till, if the till knows; a coupon given to another member is refused."""
    value_fen: Fen = 0
    """What it will probably take off: budgets hold it until the commit."""


class CommitRequest(Keyed, frozen=True, kw_only=True):
    value_fen: Fen = 0
    """What it took off the receipt."""


class ReleaseRequest(Keyed, frozen=True, kw_only=True):
    pass


class ShowRequest(Request, frozen=True, kw_only=True):
    code: CodeText
