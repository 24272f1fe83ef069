"""Whether phones would take the portal's certificate: a handshake with ourselves, held to this system's authorities.

A certificate can be in order, with its chain, and come from an authority of the shop's own: then every phone warns.
"""

from __future__ import annotations

import ssl
from pathlib import Path

AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"
"""Debian's package ca-certificates makes it: Mozilla's, and what the keeper of this machine added."""
STEPS = 10


def distrusted(server: ssl.SSLContext, name: str, root: Path) -> str | None:
    """What is wrong in OpenSSL's words; empty: it is trusted. None: this system has no authorities to ask."""
    try:
        client = ssl.create_default_context(cafile=str(root / AUTHORITIES))
    except (OSError, ssl.SSLError):
        return None
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    )
    for _ in range(STEPS):
        for end in ends:
            try:
                end.do_handshake()
                if end is ends[0]:
                    return ""
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return str(error.verify_message)
            except ssl.SSLError as error:
                return str(error.reason or error)
    return None
