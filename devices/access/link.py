"""The gate's socket, as its client: questions go out as they come, many at a time; answers find them by number.

One connection at a time, and the driver opens it anew. Order is kept: what was asked first is done first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from devices.access.orders import (
    MAX_MEMBERS,
    Counted,
    Counts,
    GateError,
    GateProblem,
    GateStatus,
    Held,
    Size,
    UntilNow,
)
from edge.checked import UnreadableError, decoded
from edge.ids import Mac

MAX_LINE = 2 * 1024 * 1024
MAX_ANSWER = 4 * 1024 * 1024
"""16,000 members with large numbers."""
MAX_ASKED = 1000
"""Questions without an answer yet."""
ANSWER_S = 5.0
RESET_S = 20.0
CONNECT_S = 3.0
MAX_LET = 256
HINT = "systemctl status storegate-gate; journalctl -u storegate-gate"

A = TypeVar("A", bound=msgspec.Struct)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What every answer begins with."""

    id: int
    ok: bool
    error: Literal["", "bad_request", "not_ready", "kernel"] = ""
    text: str = ""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that says no more than that it was done."""


class SpokenUntilNow(msgspec.Struct, frozen=True, kw_only=True):
    counted: UntilNow | None = None


class SpokenRefusal(msgspec.Struct, frozen=True, kw_only=True):
    at: Size
    """Its place among those that were asked for."""
    text: str = ""


class SpokenReset(msgspec.Struct, frozen=True, kw_only=True):
    refused: Annotated[tuple[SpokenRefusal, ...], Meta(max_length=MAX_MEMBERS)] = ()


class SpokenSent(msgspec.Struct, frozen=True, kw_only=True):
    sent: bool


class SpokenMember(msgspec.Struct, frozen=True, kw_only=True):
    mac: str
    mark: int
    up_bytes: Size
    down_bytes: Size
    end_s: float
    idle_left_s: float


class SpokenCounts(msgspec.Struct, frozen=True, kw_only=True):
    """`orders.Counts` on the wire, where a MAC is plain text."""

    run: Annotated[str, Meta(max_length=128)]
    members: Annotated[tuple[SpokenMember, ...], Meta(max_length=MAX_MEMBERS)]

    def counts(self) -> Counts:
        """Raises ValueError for what is no MAC."""
        return Counts(
            run=self.run,
            members=tuple(
                Counted(
                    mac=Mac(each.mac),
                    mark=each.mark,
                    up_bytes=each.up_bytes,
                    down_bytes=each.down_bytes,
                    end_s=each.end_s,
                    idle_left_s=each.idle_left_s,
                )
                for each in self.members
            ),
        )


class GateLink:
    """`devices.access.orders.Gate`, over the socket of storegate-gate."""

    def __init__(self, path: Path, *, answer_s: float = ANSWER_S) -> None:
        self._path = path
        self._answer_s = answer_s
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._asked: dict[int, asyncio.Future[bytes]] = {}
        self._number = 0

    @property
    def connected(self) -> bool:
        return self._writer is not None

    async def connect(self, on_lost: Callable[[], None]) -> None:
        await self.close()
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_unix_connection(self._path, limit=MAX_ANSWER)
        except PermissionError as error:
            hint = "gate.user in gateway.toml is who storegate runs as; then `systemctl restart storegate-gate`"
            raise GateError(
                GateProblem.DOWN, f"the gate does not let us speak to it: {self._path}", hint=hint
            ) from error
        except (OSError, TimeoutError) as error:
            why = getattr(error, "strerror", None) or "no answer"
            raise GateError(GateProblem.DOWN, f"no gate at {self._path}: {why}", hint=HINT) from error
        self._writer = writer
        self._reading = asyncio.create_task(self._read(reader, writer, on_lost), name="gate answers")

    async def close(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait([reading])

    async def allow(self, mac: Mac, *, mark: int, end_s: int) -> UntilNow | None:
        fields: dict[str, object] = {"mac": mac.colons, "mark": mark, "end_s": end_s}
        return (await self._ask("allow", fields, SpokenUntilNow)).counted

    async def revoke(self, mac: Mac) -> UntilNow | None:
        return (await self._ask("revoke", {"mac": mac.colons}, SpokenUntilNow)).counted

    async def reset(self, members: Sequence[Held]) -> tuple[Held, ...]:
        plain = [{"mac": each.mac.colons, "mark": each.mark, "end_s": each.end_s} for each in members]
        done = await self._ask("reset", {"members": plain}, SpokenReset, answer_s=max(RESET_S, self._answer_s))
        return tuple(members[each.at] for each in done.refused if each.at < len(members))

    async def count(self) -> Counts:
        spoken = await self._ask("count", {}, SpokenCounts)
        try:
            return spoken.counts()
        except ValueError as error:
            raise GateError(GateProblem.NONSENSE, "the gate counts what is no phone", hint=HINT) from error

    async def let(self, addresses: Sequence[str], for_s: int) -> None:
        for first in range(0, len(addresses), MAX_LET):
            part = list(addresses[first : first + MAX_LET])
            await self._ask("let", {"addresses": part, "for_s": for_s}, Done)

    async def capture(self, *, members: bool) -> None:
        await self._ask("capture", {"members": members}, Done)

    async def sent(self, mac: Mac, *, address: str, port: int) -> bool:
        return (await self._ask("sent", {"mac": mac.colons, "address": address, "port": port}, SpokenSent)).sent

    async def status(self) -> GateStatus:
        return await self._ask("status", {}, GateStatus)

    async def _ask(self, verb: str, fields: dict[str, object], kind: type[A], *, answer_s: float | None = None) -> A:
        writer = self._writer
        if writer is None:
            raise GateError(GateProblem.DOWN, f"no gate at {self._path}", hint=HINT)
        if len(self._asked) >= MAX_ASKED:
            raise GateError(GateProblem.SLOW, f"{MAX_ASKED} orders wait for the gate already", hint=HINT)
        self._number += 1
        number = self._number
        line = msgspec.json.encode({"id": number, "verb": verb, **fields}) + b"\n"
        if len(line) > MAX_LINE:
            raise GateError(GateProblem.BAD_REQUEST, f"{verb}: longer than the gate takes")
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            writer.write(line)
            async with asyncio.timeout(self._answer_s if answer_s is None else answer_s):
                raw = await answer
        except TimeoutError as error:
            raise GateError(GateProblem.SLOW, f"the gate does not answer {verb}", hint=HINT) from error
        finally:
            self._asked.pop(number, None)
        try:
            head = decoded(raw, Head)
            if head.ok:
                return decoded(raw, kind)
        except (UnreadableError, ValueError) as error:
            raise GateError(GateProblem.NONSENSE, f"the gate's answer to {verb} makes no sense", hint=HINT) from error
        raise GateError(
            GateProblem(head.error or GateProblem.KERNEL), f"the gate refused {verb}: {head.text[:200]}", hint=HINT
        )

    async def _read(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_lost: Callable[[], None]
    ) -> None:
        why, problem = "the gate hung up", GateProblem.DOWN
        try:
            while (line := await reader.readline()).endswith(b"\n"):
                self._answered(line)
        except (UnreadableError, ValueError):  # readline raises ValueError for a line beyond its limit
            why, problem = "the gate says what is not its protocol", GateProblem.NONSENSE
        except OSError:
            why = "the connection to the gate broke"
        finally:
            if self._writer is writer:
                self._writer = None
            writer.close()
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(GateError(problem, why, hint=HINT))
            on_lost()

    def _answered(self, line: bytes) -> None:
        """Raises UnreadableError."""
        number = decoded(line, Head).id
        answer = self._asked.get(number)
        if answer is not None and not answer.done():
            answer.set_result(line)
        elif number > self._number:
            raise UnreadableError("an answer to nothing")
