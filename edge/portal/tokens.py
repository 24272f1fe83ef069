"""What a phone shows us again: the form's token and the member code. Made without a row; both name one phone's MAC.

    form token   random 10 · wall clock ms 6 · monotonic ms 6 · boot 4 · HMAC-SHA256 16         56 characters, base64url
                 (the MAC is under the HMAC, not in the token)
    member code  SGM1 + base32(nonce 12 · AES-256-GCM(MAC 6 · end, minutes 4 · terms 4 · marketing 1 · kind 1 ·
                 holder 16) · tag 16) = 100 characters, in a QR code's alphanumeric alphabet

A member code hangs on a screen that others see, and scanners may tell what they read: so it is sealed, and shows
neither the phone nor the shopper. Pure; keys, time and randomness are passed in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.clock import Stamp
from edge.ids import Mac

FORM_MS = 1_800_000
FORM_RANDOM_BYTES = 10
FORM_CHARS = 56
_BODY_BYTES = FORM_RANDOM_BYTES + 6 + 6 + 4
_MAC_BYTES = 16
CODE_MARK = "SGM1"
CODE_NONCE_BYTES = 12
CODE_CHARS = 100
_CODE = re.compile(rf"{CODE_MARK}[A-Z2-7]{{{CODE_CHARS - len(CODE_MARK)}}}\Z")
KINDS = ("wallet", "day", "phone", "wechat", "member", "voucher", "staff")
"""Of holders; a code has its place here: append only."""
_HOLDER = re.compile(rf"({'|'.join(KINDS)})-([0-9a-f]{{32}})\Z")
MINUTE_MS = 60_000


class MemberCode(NamedTuple):
    mac: Mac
    holder: str
    consent: bytes
    """`terms_tag` of what was accepted."""
    marketing: bool
    end_minute: int
    """Since 1970: good until it begins."""


# --- forms -----------------------------------------------------------------------------------------------


def form_token(key: bytes, mac: Mac, *, now: Stamp, random: bytes) -> str:
    """`random` is FORM_RANDOM_BYTES of it."""
    body = random + now.at_ms.to_bytes(6, "big") + now.monotonic_ms.to_bytes(6, "big") + _boot(now)
    if len(body) != _BODY_BYTES:
        raise ValueError(f"got {len(random)} random bytes, wanted {FORM_RANDOM_BYTES}")
    return base64.urlsafe_b64encode(body + _form_mac(key, mac, body)).decode("ascii")


def form_token_is(key: bytes, mac: Mac, token: str, *, now: Stamp) -> bool:
    """Whether it was made for this phone, at most half an hour ago: by the monotonic clock while the machine is up."""
    if len(token) != FORM_CHARS or not token.isascii():
        return False
    try:
        raw = base64.b64decode(token, altchars=b"-_", validate=True)
    except binascii.Error:
        return False
    body = raw[:_BODY_BYTES]
    if not hmac.compare_digest(raw[_BODY_BYTES:], _form_mac(key, mac, body)):
        return False
    at_ms = int.from_bytes(body[FORM_RANDOM_BYTES : FORM_RANDOM_BYTES + 6], "big")
    monotonic_ms = int.from_bytes(body[FORM_RANDOM_BYTES + 6 : FORM_RANDOM_BYTES + 12], "big")
    age_ms = now.monotonic_ms - monotonic_ms if body.endswith(_boot(now)) else now.at_ms - at_ms
    return 0 <= age_ms <= FORM_MS


def _form_mac(key: bytes, mac: Mac, body: bytes) -> bytes:
    return hmac.digest(key, b"form/" + mac_bytes(mac) + body, "sha256")[:_MAC_BYTES]


def _boot(now: Stamp) -> bytes:
    return hashlib.sha256(now.boot_id.encode()).digest()[:4]


# --- member codes ----------------------------------------------------------------------------------------


def member_code(key: bytes, code: MemberCode, *, nonce: bytes) -> str:
    """Raises ValueError for a holder of no kind that codes are made for."""
    found = _HOLDER.match(code.holder)
    if found is None or len(nonce) != CODE_NONCE_BYTES:
        raise ValueError("no holder of a member code")
    plain = b"".join(
        (
            mac_bytes(code.mac),
            code.end_minute.to_bytes(4, "big"),
            code.consent,
            bytes([code.marketing, KINDS.index(found[1])]),
            bytes.fromhex(found[2]),
        )
    )
    sealed = AESGCM(key).encrypt(nonce, plain, CODE_MARK.encode())
    return CODE_MARK + base64.b32encode(nonce + sealed).decode("ascii")


def member_code_of(key: bytes, text: str, *, at_ms: int) -> MemberCode | None:
    """None: not one of ours, or its minutes are over."""
    if not looks_like_member_code(text):
        return None
    raw = base64.b32decode(text[len(CODE_MARK) :])
    try:
        plain = AESGCM(key).decrypt(raw[:CODE_NONCE_BYTES], raw[CODE_NONCE_BYTES:], CODE_MARK.encode())
    except InvalidTag:
        return None
    end_minute = int.from_bytes(plain[6:10], "big")
    if at_ms >= end_minute * MINUTE_MS or plain[15] >= len(KINDS):
        return None
    return MemberCode(
        mac=Mac(plain[:6].hex(":")),
        holder=f"{KINDS[plain[15]]}-{plain[16:32].hex()}",
        consent=plain[10:14],
        marketing=bool(plain[14]),
        end_minute=end_minute,
    )


def looks_like_member_code(text: str) -> bool:
    """By its form: a scanner that read one asks the desk, and tells the text to nobody."""
    return len(text) == CODE_CHARS and _CODE.match(text) is not None


def terms_tag(consent: str) -> bytes:
    return hashlib.sha256(consent.encode()).digest()[:4]


def mac_bytes(mac: Mac) -> bytes:
    return bytes.fromhex(mac.colons.replace(":", ""))
