"""Where `storegate coupon` gets its answers: the running daemon, or the journal itself while none runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.config import Config
    from edge.coupon_answers import AnyAnswer
    from edge.coupon_desk import CouponDesk

JOURNAL = "journal.sqlite"
Ask = Callable[["CouponDesk"], Awaitable["AnyAnswer"]]


def ask(config: Config, name: str, body: object, here: Ask) -> AnyAnswer:
    """`POST /api/v1/coupons/{name}` at the daemon; if none listens, `here` over the journal, which is then locked.

    `body` is a struct or plain data, or bytes that are sent as they are. Raises StoregateError.
    """
    from edge.cli import asking  # noqa: PLC0415
    from edge.clock import Clock  # noqa: PLC0415
    from edge.coupon_answers import unpack  # noqa: PLC0415

    text = body if isinstance(body, bytes) else msgspec.json.encode(body)
    raw = asking.daemon(config, "POST", f"/api/v1/coupons/{name}", text)
    return asyncio.run(_here(config, Clock(), here)) if raw is None else unpack(raw)


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
