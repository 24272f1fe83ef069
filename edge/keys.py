"""The gateway's own secrets: `{state_dir}/keys`, made at the first start, readable by the daemon's user alone.

    coupon.key  Ed25519 seed: signs coupon tokens. Its loss ends every coupon that was handed out as a QR code.
    short.key   HMAC secret of short codes
    guest.key   HMAC secret of guests' cookies and of holders' names
    beacon.key  secret of rotating beacon ids, of shakes' nonces and of codes that prove a place
    wifi.key    secret of the guest Wi-Fi: forms, codes, vouchers, visitors' names of a day; seals records of sessions

Each file is 32 bytes in base64. They never leave the box: tills and kiosks hold no secret that could make a coupon.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.errors import StoregateError
from edge.tokens import Verify

SECRET_BYTES = 32
KEY_ID_BYTES = 4
NAMES = ("coupon.key", "short.key", "guest.key", "beacon.key", "wifi.key")


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayKeys:
    signing: Ed25519PrivateKey = field(repr=False)
    short: bytes = field(repr=False)
    guest: bytes = field(repr=False)
    beacon: bytes = field(repr=False)
    wifi: bytes = field(repr=False)
    made: tuple[str, ...] = field(default=(), repr=False, compare=False)
    """Names of the files that were not there and were made by this start."""

    @classmethod
    def open(cls, state_dir: Path) -> GatewayKeys:
        """Blocking. Makes what is missing. Raises StoregateError for a folder or file that can't be used."""
        folder = state_dir / "keys"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = tuple(name for name in NAMES if not (folder / name).exists())
            return cls(
                signing=Ed25519PrivateKey.from_private_bytes(_read_or_make(folder / "coupon.key")),
                short=_read_or_make(folder / "short.key"),
                guest=_read_or_make(folder / "guest.key"),
                beacon=_read_or_make(folder / "beacon.key"),
                wifi=_read_or_make(folder / "wifi.key"),
                made=made,
            )
        except OSError as error:
            hint = "gateway.state_dir must be a folder that the daemon may write"
            raise StoregateError(f"can't use the keys in {folder}: {error.strerror}", hint=hint) from error

    @property
    def public(self) -> bytes:
        return public_bytes(self.signing)

    @property
    def key_id(self) -> bytes:
        return key_id_of(self.public)

    def sign(self, body: bytes) -> bytes:
        return self.signing.sign(body)

    def holder(self, kind: str, name: str) -> str:
        """`wallet-…` or `member-…`: a name that tells nobody who it is, not even who steals the journal alone."""
        return f"{kind}-{hmac.digest(self.guest, f'{kind}:{name}'.encode(), 'sha256')[:16].hex()}"

    def guest_tag(self, purpose: str, text: str) -> str:
        """Signs what a guest's browser keeps or sends back."""
        return hmac.digest(self.guest, f"{purpose}\0{text}".encode(), "sha256")[:16].hex()

    def beacon_key(self, purpose: str) -> bytes:
        """32 bytes for one purpose: `rotation`, `nonce`, `place`, `ticket`."""
        return hmac.digest(self.beacon, purpose.encode(), "sha256")

    def wifi_key(self, purpose: str) -> bytes:
        """32 bytes for one purpose: `form`, `code`, `voucher`, `visitor`, `device`, `record`, `sms`, `wechat`."""
        return hmac.digest(self.wifi, purpose.encode(), "sha256")


def key_id_of(public: bytes) -> bytes:
    return hashlib.sha256(public).digest()[:KEY_ID_BYTES]


def public_bytes(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def public_text(private: Ed25519PrivateKey) -> str:
    """As gateway.toml has it."""
    return base64.b64encode(public_bytes(private)).decode("ascii")


def verifier(public: bytes) -> Verify:
    """Raises ValueError for bytes that are no Ed25519 public key."""
    key = Ed25519PublicKey.from_public_bytes(public)

    def verify(signature: bytes, body: bytes) -> bool:
        try:
            key.verify(signature, body)
        except InvalidSignature:
            return False
        return True

    return verify


def public_of_text(name: str, text: str) -> bytes:
    """A public key as gateway.toml has it: base64 of 32 bytes. Raises StoregateError."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != SECRET_BYTES:
        hint = "`storegate coupon new-key FILE` prints one"
        raise StoregateError(f"the public key {name!r} is not 32 bytes in base64", hint=hint)
    return raw


def make(path: Path) -> None:
    """A new secret in a new file; raises FileExistsError rather than replace one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(SECRET_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # unlike rename, it fails where a file is already
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path) -> bytes:
    """The 32 bytes of a key file. Raises OSError, or StoregateError for a file that is open to others or no key."""
    if path.stat().st_mode & 0o077:
        raise StoregateError(f"{path} can be read by others", hint=f"chmod 600 {path}")
    try:
        secret = base64.b64decode(path.read_bytes().strip(), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != SECRET_BYTES:
        hint = "restore it from a backup; a new key makes every coupon that is out unreadable"
        raise StoregateError(f"{path} is damaged: wanted 32 bytes in base64", hint=hint)
    return secret


def _read_or_make(path: Path) -> bytes:
    if not path.exists():
        with contextlib.suppress(FileExistsError):  # another process was faster: its key counts
            make(path)
    return read(path)
