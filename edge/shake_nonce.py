"""Nonces of shakes: made without a row, told from others by their signature, each with the secret that it commits to.

    42 bytes = random 14 · wall clock ms 6 · monotonic ms 6 · boot 4 · HMAC-SHA256 12        56 characters of base64url

The secret is HMAC(key, nonce): nobody can know it before the shake tells it, and the gateway can't change it after
it gave the nonce's `commit` away. That a nonce is used once is the store's to see. Pure.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from enum import StrEnum

from edge import chance
from edge.clock import Stamp

GOOD_MS = 600_000
RANDOM_BYTES = 14
CHARS = 56
_MAC_BYTES = 12
_BODY_BYTES = RANDOM_BYTES + 6 + 6 + 4


class Nonce(StrEnum):
    FRESH = "fresh"
    OVER = "over"
    """Ours, but older than ten minutes."""
    UNKNOWN = "unknown"


def make(key: bytes, *, now: Stamp, random: bytes) -> str:
    """`random` is RANDOM_BYTES of it."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"got {len(random)} random bytes, wanted {RANDOM_BYTES}")
    body = random + now.at_ms.to_bytes(6, "big") + now.monotonic_ms.to_bytes(6, "big") + _boot(now)
    return base64.urlsafe_b64encode(body + _mac(key, body)).decode("ascii")


def look(key: bytes, nonce: str, *, now: Stamp) -> Nonce:
    """By the monotonic clock while the machine is up, else by the wall clock."""
    if len(nonce) != CHARS or not nonce.isascii():
        return Nonce.UNKNOWN
    try:
        raw = base64.b64decode(nonce, altchars=b"-_", validate=True)
    except binascii.Error:
        return Nonce.UNKNOWN
    if base64.urlsafe_b64encode(raw).decode("ascii") != nonce:  # `+/` decode like `-_`: a second shake for one nonce
        return Nonce.UNKNOWN
    body, mac = raw[:_BODY_BYTES], raw[_BODY_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, body)):
        return Nonce.UNKNOWN
    at_ms = int.from_bytes(body[RANDOM_BYTES : RANDOM_BYTES + 6], "big")
    monotonic_ms = int.from_bytes(body[RANDOM_BYTES + 6 : RANDOM_BYTES + 12], "big")
    age_ms = now.monotonic_ms - monotonic_ms if body.endswith(_boot(now)) else now.at_ms - at_ms
    return Nonce.FRESH if 0 <= age_ms <= GOOD_MS else Nonce.OVER


def secret(key: bytes, nonce: str) -> bytes:
    """32 bytes: see `edge.chance`."""
    return hmac.digest(key, b"secret/" + nonce.encode(), "sha256")


def commit(key: bytes, nonce: str) -> str:
    return chance.commit_of(secret(key, nonce))


def shake_id(nonce: str) -> str:
    """One nonce, one shake; whoever has not seen the nonce can't guess it, whoever has the id can't tell the nonce."""
    return hashlib.sha256(b"shake/" + nonce.encode()).hexdigest()[:32]


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, b"nonce/" + body, "sha256")[:_MAC_BYTES]


def _boot(now: Stamp) -> bytes:
    return hashlib.sha256(now.boot_id.encode()).digest()[:4]
