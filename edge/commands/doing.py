"""Doing the cloud's commands: each once, the same answer for ever, also after a restart."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol, TypeVar

import msgspec

from edge import events as ev
from edge.catalogue import CatalogueInfo
from edge.checked import nearest
from edge.clock import Clock
from edge.commands.messages import (
    Asked,
    BadCommandError,
    CatalogueRefresh,
    Command,
    CommandReply,
    CouponVoid,
    DocumentsPut,
    KioskReload,
    listed,
    parse,
)
from edge.coupon_answers import Refused, Voided
from edge.errors import (
    CommandError,
    DocumentError,
    JournalRefusedError,
    Mistake,
    MistakesError,
    Refusal,
    StoregateError,
)
from edge.ids import CampaignId, Serial, StationId
from edge.shop import KINDS
from edge.store.gateway import answer_of

T = TypeVar("T")
log = logging.getLogger(__name__)


class Submit(Protocol):
    """edge.pump.Pump.submit: the store's reply, once it is on disk."""

    async def __call__(self, event: ev.Event, /) -> object: ...


class Reads(Protocol):
    """edge.journal.Journal.read"""

    async def __call__(self, fn: Callable[[Any], T], /) -> T: ...


class Changed(Protocol):
    """What came of a set of documents."""

    @property
    def kind(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def sha256(self) -> str: ...


class PutDocuments(Protocol):
    """edge.documents_desk.DocumentsDesk.put. Raises DocumentError."""

    async def __call__(self, kind: str, items: list[Any], /, *, by: str) -> Changed: ...


class FetchCatalogue(Protocol):
    """edge.commands.refresh.fetch, with its paths bound. Raises CommandError and CatalogueError."""

    async def __call__(self, *, url: str, sha256: str) -> CatalogueInfo: ...


class Commands:
    """Does commands. One a process; `answer` may be called from several tasks at once."""

    def __init__(
        self,
        *,
        submit: Submit,
        read: Reads,
        clock: Clock,
        version: str,
        put_documents: PutDocuments,
        fetch_catalogue: FetchCatalogue,
        kiosks: Collection[str],
        reload: Callable[[StationId | None], Awaitable[None]],
    ) -> None:
        self._submit = submit
        self._read = read
        self._clock = clock
        self._version = version
        self._put_documents = put_documents
        self._fetch_catalogue = fetch_catalogue
        self._kiosk_stations = kiosks
        self._reload = reload
        self._running: dict[str, asyncio.Future[bytes]] = {}
        """Ids that are being done now; bounded by what the broker may leave unacknowledged with us."""

    async def answer(self, asked: Asked) -> bytes:
        """The CommandReply as JSON. Raises JournalRefusedError when it can't be remembered: then ask again."""
        try:
            command = parse(asked.name, asked.payload)
        except BadCommandError as error:
            return msgspec.json.encode(
                CommandReply(
                    id=error.command_id,
                    name=asked.name[:64],
                    ok=False,
                    code=error.code,
                    text=str(error),
                    mistakes=error.mistakes,
                )
            )
        return await self._once(command, asked)

    async def _once(self, command: Command, asked: Asked) -> bytes:
        running = self._running.get(command.id)
        if running is not None:
            await asyncio.wait((running,))
            if running.cancelled():
                raise JournalRefusedError(Refusal.BUSY, "the same command was given up meanwhile", hint="ask again")
            return running.result()
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._running[command.id] = answer
        try:
            known: bytes | None = await self._read(lambda db: answer_of(db, command.id))
            done = known if known is not None else await self._do_and_keep(command, asked)
            answer.set_result(done)
        finally:
            del self._running[command.id]
            answer.cancel()  # without a result: who waited for this one asks again
        return done

    async def _do_and_keep(self, command: Command, asked: Asked) -> bytes:
        reply = await self._do(command, asked)
        answer = msgspec.json.encode(reply)
        fact = ev.CommandDone(
            at=self._clock.now(), command_id=command.id, name=command.NAME, answer=answer, ok=reply.ok
        )
        kept = await self._submit(fact)
        return kept if isinstance(kept, bytes) else fact.answer

    async def _do(self, command: Command, asked: Asked) -> CommandReply:
        if asked.not_after_s is not None and time.monotonic() > asked.not_after_s:
            return _no(command, "expired", "it came too late")
        try:
            facts = await self._effect(command)
        except MistakesError as error:
            text = f"{len(error.mistakes)} mistakes; nothing was changed"
            return _no(command, "rejected", text, listed(error.mistakes))
        except CommandError as error:
            return _no(command, error.code, str(error))
        except JournalRefusedError:
            raise
        except StoregateError as error:
            return _no(command, "failed", str(error))
        except Exception:  # a bug of ours must not cut the cloud off, and come again with every reconnect
            log.exception("command %s failed", command.NAME)
            return _no(command, "failed", "a fault in the gateway; its log says more")
        return CommandReply(id=command.id, name=command.NAME, ok=True, code="done", facts=facts)

    async def _effect(self, command: Command) -> dict[str, str | int]:
        match command:
            case DocumentsPut():
                return await self._documents(command)
            case CatalogueRefresh():
                return await self._catalogue(command)
            case CouponVoid():
                return await self._void(command)
            case KioskReload():
                return await self._kiosks(command)
            case _:
                now = self._clock.now()
                return {"version": self._version, "at_ms": now.at_ms, "boot_id": now.boot_id, "clock": now.state.value}

    async def _kiosks(self, command: KioskReload) -> dict[str, str | int]:
        station = command.station
        if station is not None and station not in self._kiosk_stations:
            meant = nearest(station, self._kiosk_stations)
            hint = f"; did you mean {meant!r}?" if meant else ""
            raise CommandError("unknown_station", f"no such kiosk {station!r}{hint}")
        await self._reload(None if station is None else StationId(station))
        return {}

    async def _documents(self, command: DocumentsPut) -> dict[str, str | int]:
        if command.kind not in KINDS:
            mistake = Mistake("kind", f"no such kind; wanted one of {', '.join(KINDS)}", nearest(command.kind, KINDS))
            raise DocumentError("documents.put", [mistake])
        changed = await self._put_documents(command.kind, command.items, by="cloud")
        return {"kind": changed.kind, "count": changed.count, "sha256": changed.sha256}

    async def _catalogue(self, command: CatalogueRefresh) -> dict[str, str | int]:
        info = await self._fetch_catalogue(url=command.url, sha256=command.sha256)
        fact = ev.CatalogueChanged(
            at=self._clock.now(),
            products=info.products,
            sha256=command.sha256,
            priced_at_ms=info.priced_at_ms,
            by="cloud",
        )
        await self._submit(fact)
        return {"products": info.products, "sha256": command.sha256, "priced_at_ms": info.priced_at_ms}

    async def _void(self, command: CouponVoid) -> dict[str, str | int]:
        serial = Serial(command.serial) if command.serial else None
        fact = ev.VoidAsked(
            at=self._clock.now(), campaign=CampaignId(command.campaign), serial=serial, reason=command.reason
        )
        match await self._submit(fact):
            case Voided(units=units):
                return {"units": units}
            case Refused(why=why):
                raise CommandError("rejected", f"the coupon can't be voided: {why}")
            case _:
                return {}


def _no(command: Command, code: str, text: str, mistakes: tuple[str, ...] = ()) -> CommandReply:
    return CommandReply(id=command.id, name=command.NAME, ok=False, code=code, text=text, mistakes=mistakes)
