"""How a command asks the running daemon over its admin listener."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import msgspec

from edge.config_rules import ANY_HOST
from edge.errors import StoregateError, UsageError

if TYPE_CHECKING:
    from edge.config import Config

ANSWER_S = 10.0
"""A daemon answers after one fsync; a disk that needs longer is worth an error."""


class _Fault(msgspec.Struct, frozen=True):
    """The fields we show of an error of the admin listener."""

    message: str = "no reason given"
    hint: str = ""


class _Refused(msgspec.Struct, frozen=True):
    error: _Fault = _Fault()


def daemon(config: Config, method: str, path: str, body: bytes | None = None) -> bytes | None:
    """The answer's body, or None where no daemon listens. Raises StoregateError when it refuses or does not answer."""
    admin = config.listen.admin
    if not admin.port:  # the daemon chose one that nobody knows
        return None
    host = ANY_HOST.get(admin.host, admin.host)
    token = config.listen.admin_token.reveal()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    connection = http.client.HTTPConnection(host, admin.port, timeout=ANSWER_S)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        raw = response.read()
    except ConnectionRefusedError:
        return None
    except (OSError, http.client.HTTPException) as error:
        hint = "storegate doctor says what is wrong with it"
        raise StoregateError(f"the daemon at {host}:{admin.port} does not answer: {error}", hint=hint) from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise _error(response.status, raw)
    return raw


def _error(status: int, raw: bytes) -> StoregateError:
    try:
        told = msgspec.json.decode(raw, type=_Refused).error
    except (msgspec.DecodeError, UnicodeDecodeError):  # another program on our port
        told = _Fault(hint="does listen.admin in gateway.toml name another program's port?")
    kind = UsageError if status in {400, 404, 422} else StoregateError
    return kind(f"the daemon refused ({status}): {told.message}", hint=told.hint)
