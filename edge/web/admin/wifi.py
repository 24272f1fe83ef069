"""The guest Wi-Fi for people at the gateway: what `storegate wifi` and `storegate voucher` ask a running daemon.

No answer has a MAC but the export of records, which are kept only where a country's policy wants them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from edge.access_answers import AccessRefusal, AccessWhy, VoucherBatch
from edge.ids import Name
from edge.portal.office import Office, RecordLine
from edge.web.bodies import body_of
from edge.web.faults import WebError

FORMATS = {"jsonl": "application/jsonl", "csv": "text/csv"}
MAX_MS = 2**53
_FORMULA = ("=", "@", "\t", "\r")
"""What a spreadsheet would run rather than show."""


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all."""


class EndAsked(Asked, frozen=True, kw_only=True):
    session: Annotated[str, Meta(max_length=64)] = ""
    all: bool = False


class MakeAsked(Asked, frozen=True, kw_only=True):
    count: Annotated[int, Meta(ge=1, le=5000)]
    minutes: Annotated[int, Meta(ge=1, le=525_600)]
    megabytes: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    devices: Annotated[int, Meta(ge=1, le=100)] = 1
    valid_days: Annotated[int, Meta(ge=1, le=3650)] = 365


class VoidAsked(Asked, frozen=True, kw_only=True):
    batch: Name


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    ended: int
    gate: bool = True
    """False: it does not answer, so they are cut off once it is back."""


class Voided(VoucherBatch, frozen=True, kw_only=True):
    gate: bool = True
    """Likewise, who is on by one of them."""


def routes(office: Office, *, gate: Callable[[], bool] = lambda: True) -> list[web.AbstractRouteDef]:
    """`gate`: whether it answers."""
    api = WifiApi(office, gate)
    return [
        web.get("/api/v1/wifi/guests", api.guests),
        web.post("/api/v1/wifi/guests/end", api.end),
        web.get("/api/v1/wifi/vouchers", api.batches),
        web.post("/api/v1/wifi/vouchers/make", api.make),
        web.post("/api/v1/wifi/vouchers/void", api.void),
        web.get("/api/v1/wifi/records", api.records),
    ]


class WifiApi:
    def __init__(self, office: Office, gate: Callable[[], bool]) -> None:
        self._office = office
        self._gate = gate

    async def guests(self, _: web.Request) -> web.Response:
        return _json(await self._office.guests())

    async def end(self, request: web.Request) -> web.Response:
        """`{"session": …}`, or `{"all": true}`. Ended already: 404."""
        asked = await body_of(request, EndAsked)
        if bool(asked.session) is asked.all:
            raise WebError(400, "bad_request", "Give either a session or all.")
        ended = await self._office.end(None if asked.all else asked.session)
        if not ended and not asked.all:
            raise WebError(404, "not_on", "No such session is on.", hint="`storegate wifi guests` lists them.")
        return _json(Ended(ended=ended, gate=self._gate()))

    async def batches(self, _: web.Request) -> web.Response:
        return _json(await self._office.batches())

    async def make(self, request: web.Request) -> web.Response:
        """The codes are in this answer, and never in another one."""
        asked = await body_of(request, MakeAsked)
        made = await self._office.make(
            asked.count,
            minutes=asked.minutes,
            megabytes=asked.megabytes,
            devices=asked.devices,
            valid_days=asked.valid_days,
        )
        return _json(_or_refused(made))

    async def void(self, request: web.Request) -> web.Response:
        asked = await body_of(request, VoidAsked)
        batch = _or_refused(await self._office.void(asked.batch))
        return _json(Voided(**msgspec.structs.asdict(batch), gate=self._gate()))  # of that very kind

    async def records(self, request: web.Request) -> web.StreamResponse:
        """`?from_ms=…&to_ms=…&format=jsonl|csv`: of sessions that lasted at any moment between them."""
        query = request.query
        form = query.get("format", "jsonl")
        if form not in FORMATS:
            raise WebError(400, "bad_request", "The format is jsonl or csv.")
        span = {"from_ms": _moment(query.get("from_ms", "0")), "to_ms": _moment(query.get("to_ms", str(MAX_MS)))}
        response = web.StreamResponse(headers={"Content-Type": FORMATS[form], "Cache-Control": "no-store"})
        await response.prepare(request)
        await response.write(head_of(form))
        async for line in self._office.records(**span):
            await response.write(line_of(line, form))
        await response.write_eof()
        return response


def head_of(form: str) -> bytes:
    """The first line of a table; of JSON lines, none."""
    return _row(RecordLine.__struct_fields__) if form == "csv" else b""


def line_of(line: RecordLine, form: str) -> bytes:
    """One record as `jsonl` or `csv`."""
    if form == "jsonl":
        return msgspec.json.encode(line) + b"\n"
    return _row(tuple("" if cell is None else str(cell) for cell in msgspec.structs.astuple(line)))


def _row(cells: tuple[str, ...]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells)
    return out.getvalue().encode()


def _moment(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 16 or int(text) > MAX_MS:
        raise WebError(400, "bad_request", "from_ms and to_ms are milliseconds since 1970 (UTC).")
    return int(text)


def _or_refused(answer: msgspec.Struct) -> msgspec.Struct:
    match answer:
        case AccessRefusal(why=AccessWhy.VOUCHER_UNKNOWN):
            hint = "`storegate voucher list` lists them."
            raise WebError(404, "voucher_unknown", "There is no such batch of vouchers.", hint=hint)
        case AccessRefusal():
            hint = "Batches that are long over go by themselves."
            raise WebError(409, "too_many", "There are as many vouchers as fit.", hint=hint)
        case _:
            return answer


def _json(answer: object) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json", headers=headers)
