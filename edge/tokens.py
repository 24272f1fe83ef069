"""What stands in a coupon's QR: a fixed body and an Ed25519 signature, in base32. Pure; keys are passed in.

    offset  bytes  meaning
    0       1      0x91: form and version
    1       4      key id: first bytes of SHA-256 of the issuer's public key
    5       6      campaign tag: first bytes of SHA-256 of the campaign's id
    11      10     serial, 80 random bits
    21      3      valid from, hours since 1970 UTC
    24      3      life in hours
    27      4      holder tag: first bytes of SHA-256 of the holder; zero for a bearer coupon
    31      64     Ed25519 signature (RFC 8032) over bytes 0 to 30

95 bytes are 152 characters with no bit to spare, so a token has one spelling. Upper-case base32 (RFC 4648 §6) keeps a
QR code in its alphanumeric mode: version 6. The short code is serial + HMAC-SHA-256 cut to 48 bits, 26 characters, for
Code 128 and for typing; who has no secret of the issuer can't check it, so it is good only where it was issued.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from edge.errors import StoregateError
from edge.ids import CampaignId, Serial

VERSION = 0x91
TOKEN_CHARS = 152
SHORT_CHARS = 26
SERIAL_BYTES = 10
SERIAL_CHARS = 16
MAX_CHARS = 512
"""Longer texts are refused unread."""
HOUR_MS = 3_600_000

_BODY = 31
_ALPHABET = re.compile(r"[A-Z2-7]*\Z")
_TYPED = str.maketrans({"0": "O", "1": "I", "8": "B", " ": None, "-": None})
"""Base32 has no 0, 1, 8: who types one saw an O, an I, a B."""
_SHORT_LABEL = b"storegate short code 1\0"
_SHORT_MAC = 6
_IN_URL = "/c/"

Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes], bool]
"""(signature, what was signed) → whether it fits."""


class TokenWhy(StrEnum):
    LENGTH = "length"
    ALPHABET = "alphabet"
    VERSION = "version"
    UNKNOWN_KEY = "unknown_key"
    """Signed by another gateway, or by nobody."""
    SIGNATURE = "signature"
    """Our key's name, not our signature: forged or misread."""


class TokenError(StoregateError):
    """A text is no coupon of ours; `why` says in which way."""

    def __init__(self, why: TokenWhy, message: str) -> None:
        super().__init__(message)
        self.why = why


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a token."""

    key_id: bytes
    campaign_tag: bytes
    serial: Serial
    from_hour: int
    life_hours: int
    holder_tag: bytes = bytes(4)

    @property
    def from_ms(self) -> int:
        return self.from_hour * HOUR_MS

    @property
    def to_ms(self) -> int:
        return (self.from_hour + self.life_hours) * HOUR_MS


def encode(token: Token, sign: Sign) -> str:
    """The text of a QR code. Raises OverflowError for a life or a date beyond three bytes of hours."""
    body = b"".join(
        (
            bytes([VERSION]),
            token.key_id,
            token.campaign_tag,
            serial_bytes(token.serial),
            token.from_hour.to_bytes(3, "big"),
            token.life_hours.to_bytes(3, "big"),
            token.holder_tag,
        )
    )
    if len(body) != _BODY:
        raise ValueError(f"a token's body has {_BODY} bytes, got {len(body)}")
    return base64.b32encode(body + sign(body)).decode("ascii")


def decode(text: str, keys: Mapping[bytes, Verify]) -> Token:
    """The body, if one of `keys` (by key id) signed it. Raises TokenError."""
    raw = _raw(text)
    body, signature = raw[:_BODY], raw[_BODY:]
    verify = keys.get(body[1:5])
    if verify is None:
        raise TokenError(TokenWhy.UNKNOWN_KEY, "the coupon was issued elsewhere")
    if not verify(signature, body):
        raise TokenError(TokenWhy.SIGNATURE, "the coupon's signature does not fit")
    return Token(
        key_id=body[1:5],
        campaign_tag=body[5:11],
        serial=serial_text(body[11:21]),
        from_hour=int.from_bytes(body[21:24], "big"),
        life_hours=int.from_bytes(body[24:27], "big"),
        holder_tag=body[27:31],
    )


def _raw(text: str) -> bytes:
    if len(text) != TOKEN_CHARS:
        raise TokenError(TokenWhy.LENGTH, f"a coupon has {TOKEN_CHARS} characters, got {len(text)}")
    if not _ALPHABET.match(text):
        raise TokenError(TokenWhy.ALPHABET, "a coupon has only the letters A to Z and the digits 2 to 7")
    raw = base64.b32decode(text)
    if raw[0] != VERSION:
        raise TokenError(TokenWhy.VERSION, "a coupon of a form this gateway does not know")
    return raw


def short_code(serial: Serial, secret: bytes) -> str:
    """26 characters for Code 128 and typing; good only where `secret` is."""
    raw = serial_bytes(serial)
    return base64.b32encode(raw + _short_mac(raw, secret)).decode("ascii").rstrip("=")


def serial_of_short(text: str, secret: bytes) -> Serial:
    """Raises TokenError."""
    if len(text) != SHORT_CHARS:
        raise TokenError(TokenWhy.LENGTH, f"a short code has {SHORT_CHARS} characters, got {len(text)}")
    if not _ALPHABET.match(text):
        raise TokenError(TokenWhy.ALPHABET, "a short code has only the letters A to Z and the digits 2 to 7")
    raw = base64.b32decode(text + "======")
    one_spelling = base64.b32encode(raw).decode("ascii").rstrip("=") == text
    fits = hmac.compare_digest(raw[SERIAL_BYTES:], _short_mac(raw[:SERIAL_BYTES], secret))
    if not (fits and one_spelling):
        raise TokenError(TokenWhy.SIGNATURE, "the short code is mistyped, or was issued elsewhere")
    return serial_text(raw[:SERIAL_BYTES])


def _short_mac(raw: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, _SHORT_LABEL + raw, "sha256")[:_SHORT_MAC]


def tidy(text: str) -> str:
    """What a scanner or a person gave → the bare token or short code: out of its URL, upper case, O for 0."""
    if len(text) > MAX_CHARS:
        return ""
    bare = text.strip()
    if _IN_URL in bare.lower():
        bare = bare[bare.lower().rindex(_IN_URL) + len(_IN_URL) :].partition("?")[0].partition("#")[0].rstrip("/")
    return bare.upper().translate(_TYPED)


def looks_like_coupon(text: str) -> bool:
    """Whether a scanned text has the form of a token or a short code; whether it is good is another question."""
    if len(text) > MAX_CHARS:
        return False
    bare = text.strip()
    in_url = _IN_URL in bare.lower()
    bare = tidy(bare) if in_url else bare.upper()
    if not _ALPHABET.match(bare):
        return False
    if len(bare) == TOKEN_CHARS:
        return base64.b32decode(bare[:8])[0] == VERSION
    # A short code's last character carries 3 bits: the lower two are zero.
    return len(bare) == SHORT_CHARS and bare[-1] in "AEIMQUY4"


def serial_bytes(serial: Serial) -> bytes:
    if len(serial) != SERIAL_CHARS or not _ALPHABET.match(serial):
        raise ValueError(f"a serial is {SERIAL_CHARS} characters of base32")
    return base64.b32decode(serial)


def serial_text(raw: bytes) -> Serial:
    if len(raw) != SERIAL_BYTES:
        raise ValueError(f"a serial is {SERIAL_BYTES} bytes")
    return Serial(base64.b32encode(raw).decode("ascii"))


def is_serial(text: str) -> bool:
    return len(text) == SERIAL_CHARS and _ALPHABET.match(text) is not None


def campaign_tag(campaign: CampaignId | str) -> bytes:
    return hashlib.sha256(campaign.encode()).digest()[:6]


def holder_tag(holder: str) -> bytes:
    """Zero for a bearer coupon."""
    return hashlib.sha256(holder.encode()).digest()[:4] if holder else bytes(4)
