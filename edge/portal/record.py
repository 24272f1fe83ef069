"""Records of sessions, where a country's policy asks for them: sealed before they reach the journal, opened for export.

AES-256-GCM with a key of the gateway's own (`keys/wifi.key`), bound to the session's id: who steals the journal alone
reads when somebody was on, and nothing else. When a session began and ended stands beside the seal, for the purge.

    offset  bytes  meaning
    0       1      form: 1
    1       12     nonce
    13      …      sealed JSON: what the policy's [logs] names, and nothing else
"""

from __future__ import annotations

import secrets

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.access_answers import Way
from edge.policies import Policy
from edge.portal.asks import Guest

FORM = 1
NONCE_BYTES = 12
MAX_ACCOUNT_CHARS = 256


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sealed. Empty: the policy does not ask for it."""

    way: str
    mac: str = ""
    address: str = ""
    account: str = ""


def seal(key: bytes, policy: Policy, *, session: str, guest: Guest, way: Way, account: str) -> bytes:
    """Empty: this policy keeps nothing."""
    if not policy.log_days:
        return b""
    wanted = policy.logs.fields
    record = Record(
        way=way.value,
        mac=guest.mac.colons if "mac" in wanted else "",
        address=guest.address if "address" in wanted else "",
        account=account[:MAX_ACCOUNT_CHARS] if "account" in wanted else "",
    )
    nonce = secrets.token_bytes(NONCE_BYTES)
    return bytes([FORM]) + nonce + AESGCM(key).encrypt(nonce, msgspec.json.encode(record), session.encode())


def opened(key: bytes, sealed: bytes, *, session: str) -> Record | None:
    """None: it was sealed with another key, or is damaged."""
    if len(sealed) <= 1 + NONCE_BYTES or sealed[0] != FORM:
        return None
    try:
        plain = AESGCM(key).decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], session.encode())
        return msgspec.json.decode(plain, type=Record)
    except (InvalidTag, msgspec.MsgspecError):
        return None
