"""Codes of vouchers: 60 random bits as twelve letters and digits, and what the journal knows of them. Pure.

They are typed off paper, so base32 (no 0, 1, 8: who types one saw an O, an I, a B) in groups of four. The journal has
the HMAC under a key of the gateway's: who steals the journal alone has no voucher, and how long it takes to look one up
tells nothing of a code.
"""

from __future__ import annotations

import base64
import hmac
import re

RANDOM_BYTES = 8
CHARS = 12
GROUP = 4
MAX_TYPED = 40
_FORM = re.compile(rf"[A-Z2-7]{{{CHARS}}}\Z")
_TYPED = str.maketrans({"0": "O", "1": "I", "8": "B", " ": None, "-": None, "\u3000": None, "－": None})


def code(random: bytes) -> str:
    """`random` is RANDOM_BYTES of it."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"got {len(random)} random bytes, wanted {RANDOM_BYTES}")
    return base64.b32encode(random).decode("ascii")[:CHARS]


def tidy(text: str) -> str | None:
    """As a person typed or a camera read it; None: no code could look like that."""
    if len(text) > MAX_TYPED:
        return None
    bare = text.strip().upper().translate(_TYPED)
    return bare if _FORM.match(bare) else None


def grouped(code_: str) -> str:
    """For people: `ABCD-EFGH-IJKL`."""
    return "-".join(code_[at : at + GROUP] for at in range(0, len(code_), GROUP))


def hashed(key: bytes, code_: str) -> str:
    return hmac.digest(key, b"voucher/" + code_.encode("ascii"), "sha256")[:16].hex()
