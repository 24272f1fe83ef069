"""What a connection is made from, and what comes through it: plain values, no library of MQTT."""

from __future__ import annotations

import ssl
from typing import NamedTuple

import msgspec

from edge.checked import Secret
from edge.errors import CloudError


class Said(NamedTuple):
    """A message to leave behind (the will), or to publish."""

    topic: str
    payload: bytes


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    port: int
    client_id: str
    username: str = ""
    password: Secret = Secret("")
    tls: bool = False
    ca_file: str = ""
    """Empty: the system's authorities."""
    cert_file: str = ""
    key_file: str = ""
    keepalive_s: int = 30
    will: Said | None = None
    """Retained, QoS 1."""
    clean_start: bool = False
    session_s: int = 86_400
    """How long the broker keeps our subscriptions and their messages while we are away."""
    receive_maximum: int = 20
    """Messages to us without our acknowledgement."""
    max_packet_bytes: int = 1_200_000
    """Larger messages to us are dropped by the broker."""

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"


class Granted(NamedTuple):
    """What the broker said in its CONNACK."""

    receive_maximum: int
    packet_bytes: int | None
    keepalive_s: int
    session_present: bool


class Incoming(NamedTuple):
    topic: str
    payload: bytes
    number: int
    """Packet identifier, for `Link.ack`."""
    qos: int
    content_type: str
    encoding: str
    """User property `content-encoding`."""
    response_topic: str
    correlation: bytes
    expires_in_s: int | None


class _Socket(ssl.SSLSocket):
    """paho leaves a socket whose handshake failed to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's signature
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


def tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """TLS 1.2 or later, names and certificates checked. Blocking; raises CloudError for files that can't be used."""
    try:
        context = ssl.create_default_context(cafile=endpoint.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        hint = "wanted a PEM file that storegate may read"
        raise CloudError(f"mqtt.ca_file {endpoint.ca_file} can't be used: {_short(error)}", hint=hint) from error
    context.sslsocket_class = _Socket
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if endpoint.cert_file:
        try:
            context.load_cert_chain(endpoint.cert_file, endpoint.key_file)
        except (OSError, ssl.SSLError) as error:
            text = f"mqtt.cert_file {endpoint.cert_file} with its key can't be used: {_short(error)}"
            hint = "wanted two PEM files that belong together and that storegate may read"
            raise CloudError(text, hint=hint) from error
    return context


def _short(error: Exception) -> str:
    return getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
