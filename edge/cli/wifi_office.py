"""Where `storegate wifi` and `voucher` get their answers: the running daemon, or the journal while none runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from edge.errors import StoregateError, UsageError

if TYPE_CHECKING:
    from edge.clock import Clock
    from edge.config import Config
    from edge.portal.office import Office

JOURNAL = "journal.sqlite"
PATH = "/api/v1/wifi/"
T = TypeVar("T")


def settings(path: Path | None) -> Config:
    """Raises StoregateError."""
    from edge.config import find, load  # noqa: PLC0415

    return load(find(path))


def ask(
    config: Config,
    name: str,
    kind: type[T],
    here: Callable[[Office], Awaitable[object]],
    *,
    body: dict[str, object] | None = None,
) -> T:
    """GET (with a body: POST) `/api/v1/wifi/{name}` at the daemon; if none listens, `here`. Raises StoregateError."""
    from edge.cli import asking  # noqa: PLC0415

    method = "GET" if body is None else "POST"
    raw = asking.daemon(config, method, PATH + name, None if body is None else msgspec.json.encode(body))
    if raw is None:
        return _kept(in_journal(config, here), kind)
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        hint = "is the daemon as new as this command? restart it: systemctl restart storegate"
        raise StoregateError("the daemon's answer is not what was asked for", hint=hint) from error


def _kept(answer: object, kind: type[T]) -> T:
    from edge.access_answers import AccessRefusal, AccessWhy  # noqa: PLC0415

    match answer:
        case AccessRefusal(why=AccessWhy.VOUCHER_UNKNOWN):
            raise UsageError("there is no such batch of vouchers", hint="storegate voucher list shows them")
        case AccessRefusal():
            raise StoregateError(
                "there are as many vouchers as fit", hint="batches that are long over go by themselves"
            )
        case _:
            return msgspec.convert(answer, kind, from_attributes=True)


def in_journal(config: Config, here: Callable[[Office], Awaitable[T]]) -> T:
    """Over the journal itself, which is then locked. Raises StoregateError."""
    from edge.clock import Clock  # noqa: PLC0415

    return asyncio.run(_here(config, Clock(), here))


async def _here(config: Config, clock: Clock, here: Callable[[Office], Awaitable[T]]) -> T:
    from edge.board import Board  # noqa: PLC0415
    from edge.documents import Documents  # noqa: PLC0415
    from edge.journal import Journal  # noqa: PLC0415
    from edge.keys import GatewayKeys  # noqa: PLC0415
    from edge.portal.office import Office  # noqa: PLC0415
    from edge.pump import Pump  # noqa: PLC0415

    shop = (await asyncio.to_thread(Documents.open, config.state_path)).shop(config)
    journal = await asyncio.to_thread(Journal.open, config.state_path / JOURNAL, shop=shop, clock=clock)
    try:
        keys = await asyncio.to_thread(GatewayKeys.open, config.state_path)
        return await here(Office(pump=Pump(journal, Board()), journal=journal, clock=clock, keys=keys))
    finally:
        await journal.close()
