"""What an Eddystone-EID says when, and an encrypted TLM (google/eddystone: eid-computation, tlm-encrypted). Pure.

A beacon counts seconds from its own zero. Every 2^K of them it says another 8 bytes: AES-128 of its time under a key
that is itself AES-128 of the upper half of its time under the identity key. Telemetry is sealed by AES-EAX with that
time and a salt as nonce, and a check of 16 bits, which only means something beside the right EID.
"""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from devices.beacons.frames.eddystone import EncryptedTlm, Tlm, tlm_body, tlm_of

MAX_EXPONENT = 15
_UINT32 = 0xFFFF_FFFF


def ephemeral_id(key: bytes, *, exponent: int, time_s: int) -> bytes:
    """8 bytes. Raises ValueError for what does not fit."""
    _checked(key, exponent, time_s)
    temporary = _aes(key, bytes(11) + b"\xff\0\0" + (time_s >> 16).to_bytes(2, "big"))
    return _aes(temporary, bytes(11) + bytes((exponent,)) + _truncated(time_s, exponent))[:8]


def seal(key: bytes, tlm: Tlm, *, exponent: int, time_s: int, salt: bytes) -> EncryptedTlm:
    _checked(key, exponent, time_s)
    if len(salt) != 2:
        raise ValueError(f"got a salt of {len(salt)} bytes, wanted 2")
    data, tag = _eax(key, _truncated(time_s, exponent) + salt, tlm_body(tlm))
    return EncryptedTlm(data, salt, tag[:2])


def unseal(key: bytes, frame: EncryptedTlm, *, exponent: int, time_s: int) -> Tlm | None:
    """None where the check is wrong: another beacon's, or of another time."""
    _checked(key, exponent, time_s)
    if (len(frame.data), len(frame.salt), len(frame.mic)) != (12, 2, 2):
        return None
    nonce = _truncated(time_s, exponent) + frame.salt
    if not hmac.compare_digest(_tag(key, nonce, frame.data)[:2], frame.mic):
        return None
    return tlm_of(_ctr(key, _omac(key, 0, nonce), frame.data))


def _checked(key: bytes, exponent: int, time_s: int) -> None:
    if len(key) != 16:
        raise ValueError(f"got a key of {len(key)} bytes, wanted 16")
    if not 0 <= exponent <= MAX_EXPONENT:
        raise ValueError(f"got the exponent {exponent}, wanted 0 to {MAX_EXPONENT}")
    if not 0 <= time_s <= _UINT32:
        raise ValueError(f"got the time {time_s}, wanted 32 bits")


def _truncated(time_s: int, exponent: int) -> bytes:
    return (time_s >> exponent << exponent).to_bytes(4, "big")


def _aes(key: bytes, block: bytes) -> bytes:
    """One block: as the specification has it."""
    return Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(block)  # noqa: S305


def _eax(key: bytes, nonce: bytes, plain: bytes, header: bytes = b"") -> tuple[bytes, bytes]:
    """AES-EAX (Bellare, Rogaway, Wagner 2003), which `cryptography` has not: cipher text and the whole tag."""
    data = _ctr(key, _omac(key, 0, nonce), plain)
    return data, _tag(key, nonce, data, header)


def _tag(key: bytes, nonce: bytes, data: bytes, header: bytes = b"") -> bytes:
    parts = zip(_omac(key, 0, nonce), _omac(key, 1, header), _omac(key, 2, data), strict=True)
    return bytes(one ^ two ^ three for one, two, three in parts)


def _omac(key: bytes, which: int, data: bytes) -> bytes:
    mac = CMAC(algorithms.AES(key))
    mac.update(which.to_bytes(16, "big") + data)
    return mac.finalize()


def _ctr(key: bytes, start: bytes, data: bytes) -> bytes:
    return Cipher(algorithms.AES(key), modes.CTR(start)).encryptor().update(data)
