"""The portal's certificate: read from files, checked before it is used, read again when they change.

A pair that can't be used, be it for its dates, changes nothing: the good one before it stays until its last day, or
until the new one's first day comes. Without a good one there is
no TLS at all, connections are refused, and pages and DHCP fall back to plain HTTP by address, which phones let pass.
A new pair goes into a context of its own, so connections that are open keep theirs.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from edge.board import Board
from edge.clock import Clock, ClockState
from edge.config import Config
from edge.errors import StoregateError

log = logging.getLogger(__name__)
LOOK_S = 10.0
MAX_BYTES = 64 * 1024
MAX_CHAIN = 10
DAY_S = 86_400.0
HINT = "put the full chain and its key into portal.cert_file and portal.key_file (both PEM); no restart is needed"


class CertificateError(StoregateError):
    """The files have no certificate that phones would take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate that is in order but for its dates, ready to be used."""

    context: ssl.SSLContext
    first: datetime
    last: datetime


class Tls:
    def __init__(self, cert_file: Path, key_file: Path, name: str, *, board: Board, clock: Clock) -> None:
        """Reads nothing yet: see `look`."""
        self._files = (cert_file, key_file)
        self._name = name
        self._board = board
        self._clock = clock
        self._seen: object = None
        self._newest: Pair | None = None
        """Of the files, as far as they could be read."""
        self._pair: Pair | None = None
        """In use: the newest, or the one before it while that is the only one that is good."""
        self._wrong = ""
        """What is wrong with the files as they are now; the pair in use may be an older one."""
        self._told = ""

    @classmethod
    def of(cls, config: Config, *, board: Board, clock: Clock) -> Self | None:
        """Blocking. None: gateway.toml asks for no certificate."""
        portal = config.portal
        if not (portal.name and portal.cert_file):
            return None
        made = cls(Path(portal.cert_file), Path(portal.key_file), portal.name, board=board, clock=clock)
        made.look()
        made.tell()
        return made

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            self.tell()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Blocking. Reads the files where they have changed; raises nothing."""
        try:
            seen = _stamps(self._files)
            if seen != self._seen:
                self._newest = _pair(*self._files, self._name)
                if _stamps(self._files) == seen:  # else they were replaced under our eyes: read again
                    self._seen = seen
            self._wrong = ""
        except CertificateError as error:
            self._wrong = str(error)
        except OSError as error:
            self._wrong = f"can't read {error.filename}: {error.strerror}"
        if not self._out_of_time(self._newest) or self._out_of_time(self._pair) or self._pair is None:
            self._pair = self._newest

    def context(self) -> ssl.SSLContext | None:
        """For `edge.web.app.listen`: what to speak TLS with now; None: not at all."""
        return self._pair.context if self._pair is not None and self.usable else None

    @property
    def usable(self) -> bool:
        return self._pair is not None and not self._out_of_time(self._pair)

    @property
    def days_left(self) -> float | None:
        """Below 0: it has expired. None: there is none, or its first day has not come."""
        if self._pair is None:
            return None
        now = self._clock.now()
        if now.state is not ClockState.UNSET and now.at < self._pair.first:
            return None
        return (self._pair.last - now.at).total_seconds() / DAY_S

    @property
    def problem(self) -> str:
        return self._wrong or self._out_of_time(self._newest)

    @property
    def hint(self) -> str:
        return HINT if self.problem else ""

    def _out_of_time(self, pair: Pair | None) -> str:
        """A clock that was never set says too little, never too much: the first day is then not asked for."""
        if pair is None:
            return ""
        now = self._clock.now()
        if now.at >= pair.last:
            return f"the certificate of {self._name} ended on {pair.last:%Y-%m-%d}"
        if now.at < pair.first and now.state is not ClockState.UNSET:
            return f"the certificate of {self._name} begins on {pair.first:%Y-%m-%d}"
        return ""

    def tell(self) -> None:
        """The board always, the log when it is news."""
        wifi, pair = self._board.wifi, self._pair
        wifi.tls_days_left, wifi.tls_problem = self.days_left, self.problem
        wifi.tls_life_days = (pair.last - pair.first).total_seconds() / DAY_S if pair else None
        news = self.problem
        if pair is not None and not news:
            news = f"the certificate of {self._name} is good until {pair.last:%Y-%m-%d}"
        if news != self._told:
            self._told = news
            log.log(logging.WARNING if self.problem else logging.INFO, "%s", news)


def _stamps(files: tuple[Path, ...]) -> object:
    """Raises CertificateError, OSError."""
    if not all(file.name for file in files):
        raise CertificateError("portal.name has no certificate: cert_file or key_file is empty")
    return [(each.st_ino, each.st_size, each.st_mtime_ns) for each in (file.stat() for file in files)]


def _pair(cert_file: Path, key_file: Path, name: str) -> Pair:
    """Raises CertificateError, OSError."""
    leaf = _checked(_read(cert_file), _read(key_file), name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert_file, key_file, password="")  # empty: never asked for on a terminal
    except ssl.SSLError as error:
        raise CertificateError(f"{cert_file} can't be used: {error.reason or 'not understood'}") from error
    return Pair(context=context, first=leaf.not_valid_before_utc, last=leaf.not_valid_after_utc)


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        data = opened.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise CertificateError(f"{file} is larger than {MAX_BYTES // 1024} kB: no certificate or key is")
    return data


def _checked(chain: bytes, key: bytes, name: str) -> x509.Certificate:
    """The portal's own certificate, first of the chain. No text of an error quotes the key. Raises CertificateError."""
    try:
        certs = x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        raise CertificateError("portal.cert_file has no certificate in PEM") from error
    if len(certs) > MAX_CHAIN:
        raise CertificateError(f"portal.cert_file has {len(certs)} certificates: more than a chain")
    leaf = certs[0]
    try:
        public = load_pem_private_key(key, password=None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CertificateError("portal.key_file has no key in PEM without a password") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if public.public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise CertificateError("portal.key_file is not the key of the first certificate in portal.cert_file")
    _check_chain(certs)
    _check_use(leaf, name)
    return leaf


def _check_chain(certs: list[x509.Certificate]) -> None:
    for below, above in pairwise(certs):
        try:
            below.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
            raise CertificateError(
                "portal.cert_file is no chain: each certificate must be followed by its issuer's"
            ) from error


def _check_use(leaf: x509.Certificate, name: str) -> None:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        known = {each.lower() for each in names.get_values_for_type(x509.DNSName)}
    except (x509.ExtensionNotFound, ValueError):
        known = set()
    wanted = name.lower().rstrip(".")
    if not known & {wanted, f"*.{wanted.partition('.')[2]}"}:
        raise CertificateError(f"the certificate is not for {name}")
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return
    if ExtendedKeyUsageOID.SERVER_AUTH not in usage:
        raise CertificateError("the certificate is not for a server")
