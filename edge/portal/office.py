"""The shop's side of the guest Wi-Fi: who is on, vouchers, records for who may ask for them. Needs no gate.

What it tells has no MAC, but for `records`: those were kept because a law wants them, and are for nobody else.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec

from edge import events as ev
from edge.access_answers import AccessRefusal, LeftReason, Standing, VoucherBatch
from edge.clock import Clock
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.portal import codes, record
from edge.pump import Pump
from edge.store import access_rows, access_visits, vouchers

PAGE = 500
DAY_MS = 86_400_000
END_AT_ONCE = 500


class GuestNow(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who is on."""

    session: str
    way: str
    since_ms: int
    left_s: int
    up_bytes: int
    down_bytes: int
    max_bytes: int | None


class MadeVouchers(msgspec.Struct, frozen=True, kw_only=True):
    """Shown once: the codes are kept nowhere."""

    batch: VoucherBatch
    codes: tuple[str, ...]


class RecordLine(msgspec.Struct, frozen=True, kw_only=True):
    """One session, as the policy had it written down."""

    session: str
    since: str
    """UTC, ISO 8601."""
    until: str
    """Empty: still on."""
    way: str = ""
    mac: str = ""
    address: str = ""
    account: str = ""
    readable: bool = True
    """False: it was sealed with a key that is gone."""


class Office:
    """Raises JournalRefusedError (not on disk: try again)."""

    def __init__(self, *, pump: Pump, journal: Journal, clock: Clock, keys: GatewayKeys) -> None:
        self._pump = pump
        self._journal = journal
        self._clock = clock
        self._voucher_key = keys.wifi_key("voucher")
        self._record_key = keys.wifi_key("record")

    # --- guests ------------------------------------------------------------------------------------------

    async def guests(self) -> tuple[GuestNow, ...]:
        """Who is on now, the newest first."""
        now_ms = self._clock.now().at_ms
        return tuple(
            GuestNow(
                session=each.session,
                way=each.way.value,
                since_ms=each.since_ms,
                left_s=max(0, each.to_ms - now_ms) // 1000,
                up_bytes=each.up_bytes,
                down_bytes=each.down_bytes,
                max_bytes=each.max_bytes,
            )
            for each in await self._standings()
        )

    async def _standings(self) -> tuple[Standing, ...]:
        return await self._journal.read(access_rows.standings)

    async def end(self, session: str | None, reason: LeftReason = LeftReason.STAFF) -> int:
        """One session, or (None) all; how many there were."""
        marks = [each.mark for each in await self._standings() if session in {None, each.session}]
        for first in range(0, len(marks), END_AT_ONCE):
            now = self._clock.now()
            await asyncio.gather(
                *(
                    self._pump.submit(ev.GuestGone(at=now, mark=mark, reason=reason))
                    for mark in marks[first : first + END_AT_ONCE]
                )
            )
        return len(marks)

    # --- vouchers ----------------------------------------------------------------------------------------

    async def make(
        self, count: int, *, minutes: int, megabytes: int = 0, devices: int = 1, valid_days: int = 365
    ) -> MadeVouchers | AccessRefusal:
        """`minutes` and `megabytes` (0: no limit) of each, `devices` at once; first use within `valid_days`."""
        now = self._clock.now()
        made = tuple(codes.code(secrets.token_bytes(codes.RANDOM_BYTES)) for _ in range(count))
        day = datetime.fromtimestamp(now.at_ms / 1000, UTC).strftime("%Y%m%d")
        event = ev.VouchersMade(
            at=now,
            batch=f"{day}-{base64.b32encode(secrets.token_bytes(5)).decode('ascii').lower()}",
            hashes=tuple(codes.hashed(self._voucher_key, each) for each in made),
            minutes=minutes,
            megabytes=megabytes,
            devices=devices,
            valid_to_ms=now.at_ms + valid_days * DAY_MS,
        )
        answer = await self._asked(event)
        return answer if isinstance(answer, AccessRefusal) else MadeVouchers(batch=answer, codes=made)

    async def batches(self) -> tuple[VoucherBatch, ...]:
        return await self._journal.read(vouchers.batches)

    async def void(self, batch: str) -> VoucherBatch | AccessRefusal:
        """Who is on by one of them is out at once."""
        return await self._asked(ev.VouchersVoided(at=self._clock.now(), batch=batch))

    async def _asked(self, event: ev.Event) -> VoucherBatch | AccessRefusal:
        answer = await self._pump.submit(event)
        if not isinstance(answer, VoucherBatch | AccessRefusal):
            raise TypeError(f"{type(event).__name__} was answered with {type(answer).__name__}")
        return answer

    # --- records -----------------------------------------------------------------------------------------

    async def records(self, *, from_ms: int, to_ms: int) -> AsyncIterator[RecordLine]:
        """Of sessions that lasted at any moment of a span (both ends UTC, ms)."""
        after = 0
        while True:
            page = await self._journal.read(
                lambda db, after=after: access_visits.records(  # type: ignore[misc]
                    db, from_ms=from_ms, to_ms=to_ms, after=after, limit=PAGE
                )
            )
            for kept in page:
                yield self._line(kept)
            if len(page) < PAGE:
                return
            after = page[-1].n

    def _line(self, kept: access_visits.Kept) -> RecordLine:
        found = record.opened(self._record_key, kept.sealed, session=kept.session)
        since, until = _iso(kept.from_ms), "" if kept.to_ms is None else _iso(kept.to_ms)
        if found is None:
            return RecordLine(session=kept.session, since=since, until=until, readable=False)
        return RecordLine(session=kept.session, since=since, until=until, **msgspec.structs.asdict(found))


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
