"""Where `storegate coupon` gets its answers: the running daemon, or the journal itself while none runs."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from edge.errors import StoregateError

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.config import Config
    from edge.coupon_answers import AnyAnswer
    from edge.coupon_desk import CouponDesk

JOURNAL = "journal.sqlite"
ANSWER_S = 10.0
"""A daemon answers after one fsync; a disk that needs longer is worth an error."""

Ask = Callable[["CouponDesk"], Awaitable["AnyAnswer"]]


def ask(config: Config, name: str, body: object, here: Ask) -> AnyAnswer:
    """`POST /api/v1/coupons/{name}` at the daemon; if none listens, `here` over the journal, which is then locked.

    `body` is a struct or plain data, or bytes that are sent as they are. Raises StoregateError.
    """
    from edge.clock import Clock  # noqa: PLC0415

    answer = _of_daemon(config, name, body if isinstance(body, bytes) else msgspec.json.encode(body))
    return asyncio.run(_here(config, Clock(), here)) if answer is None else answer


def _of_daemon(config: Config, name: str, body: bytes) -> AnyAnswer | None:
    from edge.coupon_answers import unpack  # noqa: PLC0415

    admin = config.listen.admin
    if not admin.port:  # the daemon chose one that nobody knows
        return None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(admin.host, admin.host)  # noqa: S104 - compared, not bound
    token = config.listen.admin_token.reveal()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    connection = http.client.HTTPConnection(host, admin.port, timeout=ANSWER_S)
    try:
        connection.request("POST", f"/api/v1/coupons/{name}", body=body, headers=headers)
        response = connection.getresponse()
        raw = response.read()
    except ConnectionRefusedError:
        return None
    except (OSError, http.client.HTTPException) as error:
        hint = "storegate doctor says what is wrong with it"
        raise StoregateError(f"the daemon at {host}:{admin.port} does not answer: {error}", hint=hint) from error
    finally:
        connection.close()
    if response.status == http.client.OK:
        return unpack(raw)
    raise _error_of(raw, response.status)


def _error_of(raw: bytes, status: int) -> StoregateError:
    try:
        error = json.loads(raw)["error"]
        return StoregateError(str(error["message"]), hint=str(error.get("hint", "")))
    except (ValueError, KeyError, TypeError):
        hint = "is another program on the admin port? See listen.admin in gateway.toml"
        return StoregateError(f"the daemon answered with status {status}", hint=hint)


async def _here(config: Config, clock: Clock, ask_desk: Ask) -> AnyAnswer:
    from edge.board import Board  # noqa: PLC0415
    from edge.coupon_desk import CouponDesk  # noqa: PLC0415
    from edge.documents import Documents  # noqa: PLC0415
    from edge.journal import Journal  # noqa: PLC0415
    from edge.keys import GatewayKeys  # noqa: PLC0415
    from edge.pump import Pump  # noqa: PLC0415

    shop = (await asyncio.to_thread(Documents.open, config.state_path)).shop(config)
    journal = await asyncio.to_thread(Journal.open, config.state_path / JOURNAL, shop=shop, clock=clock)
    try:
        keys = await asyncio.to_thread(GatewayKeys.open, config.state_path)
        pump = Pump(journal, Board())
        desk = CouponDesk(pump=pump, journal=journal, clock=clock, keys=keys, config=config, shop=lambda: shop)
        return await ask_desk(desk)
    finally:
        await journal.close()
