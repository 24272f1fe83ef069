"""What a broker's refusal or a failed connection means, in words a person can act on.

Reason codes: MQTT 5.0, section 2.4. Pure: given an exception or a code, expect a CloudError.
"""

from __future__ import annotations

import socket
import ssl

from edge.errors import CloudError

NO_SUBSCRIBERS = 0x10
"""A success by the standard."""
QUOTA_EXCEEDED = 0x97
PACKET_TOO_LARGE = 0x95
RECEIVE_MAXIMUM_EXCEEDED = 0x93
SESSION_TAKEN_OVER = 0x8E
FAILURE = 0x80
"""Reason codes from here on are failures."""

_NOT_AUTHORISED = "the broker's access list must allow this client its own topics: storegate/v1/{tenant}/{store}/{id}/#"
_WORDS: dict[int, tuple[str, str]] = {
    0x80: ("the broker gave no reason (0x80)", "read the broker's log"),
    0x81: ("the broker calls our packet malformed (0x81)", "is something else than MQTT 5 between us and the broker?"),
    0x82: ("the broker calls it a protocol error (0x82)", "read the broker's log"),
    0x84: ("the broker does not speak MQTT 5 (0x84)", "use one that does: mosquitto 2, EMQX, HiveMQ, VerneMQ, AWS"),
    0x85: ("the broker refuses this client id (0x85)", "set mqtt.client_id to the one the broker knows"),
    0x86: ("wrong username or password (0x86)", "check mqtt.username and mqtt.password or mqtt.password_file"),
    0x87: ("not authorised (0x87)", _NOT_AUTHORISED),
    0x88: ("the broker is unavailable (0x88)", "it will be tried again"),
    0x89: ("the broker is busy (0x89)", "it will be tried again"),
    0x8A: ("the broker has banned this client (0x8A)", "ask who runs the broker"),
    0x8B: ("the broker is shutting down (0x8B)", "it will be tried again"),
    0x8D: ("the broker heard nothing from us for too long (0x8D)", "is the line bad? a larger mqtt.keepalive_s helps"),
    0x8E: (
        "another client took over our session (0x8E)",
        "two gateways use the same client id: give each its own gateway.id, or stop the copy",
    ),
    0x90: ("the broker refuses the topic (0x90)", _NOT_AUTHORISED),
    0x93: ("the broker says we sent more than its Receive Maximum (0x93)", "lower mqtt.window"),
    0x95: ("the packet is larger than the broker takes (0x95)", "raise the limit there, or lower mqtt.batch_events"),
    0x96: ("the broker says we send too often (0x96)", "raise the limit there, or mqtt.batch_wait_ms here"),
    0x97: ("the broker's quota for us is used up (0x97)", "raise the quota there; events wait in the outbox"),
    0x98: ("the broker's operator closed the connection (0x98)", "it will be tried again"),
    0x99: ("the broker refuses the payload's format (0x99)", "is an older schema enforced there?"),
    0x9C: ("the broker sends us elsewhere (0x9C)", "set mqtt.host to the other server"),
    0x9D: ("the broker has moved (0x9D)", "set mqtt.host to the other server"),
    0x9F: ("the broker limits how often we may connect (0x9F)", "it will be tried again, slower"),
    0xA0: ("the broker closed the connection: longest connect time reached (0xA0)", "it will be tried again"),
}


class TooLargeError(CloudError):
    """The broker hung up because of a packet's size: smaller ones may pass."""


class UnconfirmedError(CloudError):
    """The broker took events and no database confirmed them."""


class TakenOverError(CloudError):
    """Somebody else connected with our client id."""


def refused(code: int, *, doing: str) -> CloudError:
    """`doing`: connect, publish, subscribe …"""
    text, hint = _WORDS.get(code, (f"the broker refused (0x{code:02X})", "see MQTT 5.0, section 2.4, for the code"))
    kind = {PACKET_TOO_LARGE: TooLargeError, SESSION_TAKEN_OVER: TakenOverError}.get(code, CloudError)
    return kind(f"can't {doing}: {text}", hint=hint)


def unreachable(error: BaseException, *, address: str) -> CloudError:
    """Why no connection came about."""
    text, hint = _why(error)
    return CloudError(f"no connection to {address}: {text}", hint=hint)


def lost(why: str, *, tls: bool) -> CloudError:
    """The broker hung up before it said anything. `why`: what the TLS layer said last, or empty."""
    lower = why.lower()
    for sign, (text, hint) in _ALERTS.items():
        if sign in lower:
            return CloudError(f"the broker refuses our certificate: {text}", hint=hint)
    hint = "with TLS a broker does that when it wants a client certificate" if tls else "does that port speak TLS?"
    return CloudError("the broker closed the connection before it answered" + (f": {why}" if why else ""), hint=hint)


_ALERTS: dict[str, tuple[str, str]] = {
    "certificate required": ("it wants one and we have none", "set mqtt.cert_file and mqtt.key_file"),
    "unknown ca": ("it does not know who signed it", "have it signed by the authority that the broker trusts"),
    "certificate expired": ("it has expired", "get a new certificate; is the clock right?"),
    "certificate revoked": ("it was revoked", "this gateway must be enrolled anew"),
    "bad certificate": ("it can't be used", "check mqtt.cert_file and mqtt.key_file"),
    "handshake failure": ("the handshake failed", "set mqtt.cert_file and mqtt.key_file if the broker wants them"),
}


def _why(error: BaseException) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error)
    if isinstance(error, ssl.SSLError):
        why = getattr(error, "reason", None) or error
        return f"TLS failed: {why}", "is that port the broker's TLS port (often 8883)?"
    for kind, words in _SYSTEM.items():
        if isinstance(error, kind):
            return words
    return getattr(error, "strerror", None) or str(error) or type(error).__name__, "check the network and mqtt.host"


_SYSTEM: dict[type[BaseException], tuple[str, str]] = {
    socket.gaierror: ("the name is unknown", "check mqtt.host, and whether this box has a name server"),
    ConnectionRefusedError: ("refused: nothing listens there", "check mqtt.host and mqtt.port; does the broker run?"),
    ConnectionError: ("the other side hung up", "is that port the broker's, and is mqtt.tls what the broker wants?"),
    TimeoutError: ("no answer in time", "is there a firewall between, or no route?"),
}


def _certificate(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    """X.509 verification results of OpenSSL, x509_vfy.h."""
    match error.verify_code:
        case 9:
            return "the broker's certificate is not valid yet", "the clock of this box is behind: wait for NTP"
        case 10:
            return "the broker's certificate has expired", "the broker needs a new one; or is this box's clock wrong?"
        case 18 | 19 | 20 | 21:
            return "the broker's certificate is not signed by a CA we trust", "set mqtt.ca_file to the broker's CA"
        case 62 | 64:
            return "the broker's certificate is for another name", "set mqtt.host to the name in the certificate"
        case _:
            return f"the broker's certificate does not pass: {error.verify_message}", "check mqtt.ca_file"
