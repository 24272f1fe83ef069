"""The right to issue, signed by the cloud: so many units of a campaign, for one gateway, until a time.

A grant is a JSON document:

    {"grant": {"grant_id": "g-2026-11-0001", "campaign": "drinks-3-off", "gateway": "/storegate/acme/s1/g1",
               "units": 500, "value_cap_fen": 150000, "not_after_ms": 1797592000000, "seq": 1},
     "key_id": "cloud-2026", "signature": "…base64…"}

The signature is Ed25519 over `storegate grant 1`, a zero byte, and the JSON array (UTF-8, no spaces) of the grant's
seven values in the order above. Whoever signs keeps the sum of all gateways' grants within the campaign's stock; each
gateway holds its own to it as well. How a cloud does it in ten lines: `sign` below.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta

from edge.checked import check
from edge.errors import DocumentError, Mistake, StoregateError
from edge.ids import Name
from edge.tokens import Verify

MAX_BYTES = 4096
_LABEL = b"storegate grant 1\0"
Count = Annotated[int, Meta(ge=0, le=2**53)]


class Grant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    grant_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
    campaign: Name
    gateway: Annotated[str, Meta(min_length=1, max_length=250)]
    """`/storegate/{tenant}/{store}/{gateway}`: as in the `source` of its events."""
    units: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    value_cap_fen: Count = 0
    """What its coupons may take off together; 0: no cap."""
    not_after_ms: Count
    """Units that are not issued by then are the cloud's again."""
    seq: Count
    """Grows with each grant of the campaign for this gateway."""


class SignedGrant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    grant: Grant
    key_id: Annotated[str, Meta(min_length=1, max_length=64)]
    """Which of `[coupons.issuer_keys]` signed it."""
    signature: Annotated[str, Meta(max_length=100)]


class GrantError(StoregateError):
    """A grant that is not for us, or not from the cloud."""


def canonical(grant: Grant) -> bytes:
    """What is signed."""
    values = (
        grant.grant_id,
        grant.campaign,
        grant.gateway,
        grant.units,
        grant.value_cap_fen,
        grant.not_after_ms,
        grant.seq,
    )
    return _LABEL + msgspec.json.encode(values)


def sign(grant: Grant, *, key_id: str, key: Ed25519PrivateKey) -> SignedGrant:
    """The cloud's part."""
    signature = base64.b64encode(key.sign(canonical(grant))).decode("ascii")
    return SignedGrant(grant=grant, key_id=key_id, signature=signature)


def parse(raw: bytes) -> SignedGrant:
    """Raises DocumentError with every mistake."""
    if len(raw) > MAX_BYTES:
        raise DocumentError("grant", [Mistake("(file)", f"got {len(raw)} bytes, a grant has at most {MAX_BYTES}")])
    try:
        data = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DocumentError("grant", [Mistake("(JSON)", str(error))]) from error
    signed, mistakes = check(data, SignedGrant)
    if signed is None:
        raise DocumentError("grant", mistakes)
    return signed


def verified(signed: SignedGrant, *, issuers: Mapping[str, Verify], gateway: str) -> Grant:
    """The grant, if a known cloud key signed it for this gateway. Raises GrantError."""
    verify = issuers.get(signed.key_id)
    if verify is None:
        hint = "put the cloud's public key under [coupons.issuer_keys] in gateway.toml"
        raise GrantError(f"the grant is signed with the key {signed.key_id!r}, which is not known here", hint=hint)
    try:
        signature = base64.b64decode(signed.signature, validate=True)
    except (binascii.Error, ValueError):
        signature = b""
    if not verify(signature, canonical(signed.grant)):
        raise GrantError("the grant's signature does not fit: it was changed, or signed with another key")
    if signed.grant.gateway != gateway:
        raise GrantError(f"the grant is for {signed.grant.gateway}, this gateway is {gateway}")
    return signed.grant
