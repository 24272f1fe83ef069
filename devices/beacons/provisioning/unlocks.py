"""Proving to a beacon that its settings are ours to change. One try a run: many block after a few.

What a password becomes, and the arithmetic of each scheme, is pure; the conversations stand with their dialects, except
the three that are a few reads and writes.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from devices.beacons.link import GattSession, LinkError, LinkProblem
from devices.beacons.profile import Unlock
from devices.beacons.provisioning.dialects.dialect import BlockedError, RefusedSecretError
from edge.errors import UsageError

WRONG = "the beacon does not take this password"
LOCK = b"\0"
KKM_FACTOR = b"\xa9\xb1"


def secret_bytes(unlock: Unlock, secret: str) -> bytes:
    """Raises UsageError, which never shows the password."""
    try:
        data = _bytes(unlock, secret)
    except (ValueError, OverflowError):
        # their texts show it
        raise UsageError("the password has the wrong form for this model", hint=f"wanted {form(unlock)}") from None
    if not unlock.min_bytes <= len(data) <= unlock.max_bytes:
        raise UsageError("the password has the wrong length for this model", hint=f"wanted {form(unlock)}")
    return data.ljust(unlock.max_bytes, b"\0") if unlock.pad == "zero" else data


def form(unlock: Unlock) -> str:
    """What a password of this model looks like."""
    least, most = unlock.min_bytes, unlock.max_bytes
    if unlock.encoding == "uint":
        return f"a number from 0 to {(1 << 8 * most) - 1}"
    each, what = (2, "hexadecimal digits") if unlock.encoding == "hex" else (1, "plain letters and digits")
    return f"{most * each} {what}" if least == most else f"{least * each} to {most * each} {what}"


def _bytes(unlock: Unlock, secret: str) -> bytes:
    match unlock.encoding:
        case "hex":
            return bytes.fromhex(secret)
        case "uint":
            return int(secret).to_bytes(unlock.max_bytes, "big")
        case "ascii":
            return secret.encode("ascii")


def new_secret(unlock: Unlock, secret: str) -> str:
    """A password that may be given to a beacon. Raises UsageError."""
    if not secret:
        raise UsageError("an empty password protects nothing", hint="write one into the passwords file")
    if unlock.default and secret_bytes(unlock, secret) == secret_bytes(unlock, unlock.default):
        raise UsageError("this is the password the beacon leaves the factory with", hint="choose one of your own")
    secret_bytes(unlock, secret)
    return secret


def encrypt(key: bytes, block: bytes) -> bytes:
    """AES-128-ECB of one block: Eddystone's answer to a challenge, and how a new key travels."""
    cipher = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 — the specification's; one block of chance each time
    return cipher.update(block) + cipher.finalize()


def kkm_proof(address: str, nonce: bytes, password: bytes, *, short: bool = False) -> bytes:
    """MD5 of address (reversed), factor, the other's nonce, password; short: its halves over each other."""
    reversed_address = bytes.fromhex(address.replace(":", ""))[::-1]
    digest = hashlib.md5(reversed_address + KKM_FACTOR + nonce + password, usedforsecurity=False).digest()
    return bytes(a ^ b for a, b in zip(digest[:8], digest[8:], strict=True)) if short else digest


async def write_secret(session: GattSession, unlock: Unlock, secret: str) -> bool:
    """The password itself goes to a characteristic; the state is looked at before and after, where there is one.
    False: it was open, the password is not proven.
    """
    if await _is_open(session, unlock):
        return False
    _given(secret)
    assert unlock.characteristic
    await _told(session, unlock.characteristic, secret_bytes(unlock, secret))
    if unlock.state and not await _is_open(session, unlock):
        raise RefusedSecretError(WRONG)
    return True


async def aes_challenge(session: GattSession, unlock: Unlock, secret: str) -> bool:
    """Eddystone: read a challenge, write it back encrypted with the key. False: it was open, the key is not proven."""
    if await _is_open(session, unlock):
        return False
    _given(secret)
    assert unlock.characteristic
    key, challenge = secret_bytes(unlock, secret), await session.read(unlock.characteristic)
    if len(challenge) != 16:
        raise LinkError(LinkProblem.NOT_PERMITTED, f"its challenge has {len(challenge)} bytes, wanted 16")
    await _told(session, unlock.characteristic, encrypt(key, challenge))
    if not await _is_open(session, unlock):
        raise RefusedSecretError(WRONG)
    return True


async def rekey(session: GattSession, unlock: Unlock, *, old: str, new: str, proven: bool) -> None:
    """Eddystone: the new key travels encrypted with the old one. With a wrong old one it would become a key that nobody
    knows: so it must have been proven.
    """
    if not proven:
        problem = "it was open, so its present lock code could not be proven, and is not changed"
        raise LinkError(LinkProblem.NOT_PERMITTED, problem, hint="lock it with its maker's app first")
    assert unlock.change
    await session.write(unlock.change, LOCK + encrypt(secret_bytes(unlock, old), secret_bytes(unlock, new)))


def _given(secret: str) -> None:
    if not secret:
        raise RefusedSecretError("it is locked, and no password is given", hint="give the password it has now")


async def _is_open(session: GattSession, unlock: Unlock) -> bool:
    if not unlock.state:
        return False
    state = int.from_bytes(await session.read(unlock.state), "big")
    if state in unlock.blocked:
        raise BlockedError("it takes no password for now: too many wrong ones")
    return state in unlock.unlocked


async def _told(session: GattSession, characteristic: str, data: bytes) -> None:
    try:
        await session.write(characteristic, data)
    except LinkError as error:
        if error.problem is not LinkProblem.NOT_PERMITTED:
            raise
        raise RefusedSecretError(WRONG) from error
