"""The bridge: connects for ever, says who is there, runs a session, and tries again.

Birth and will carry the same `epoch` and `session`, so that a will that arrives after the next birth is known to be
old. While the line is cut nothing happens here but trying; events wait in the journal.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

import edge
from cloud_bridge import delivery as dl
from cloud_bridge import inbox, mqtt
from cloud_bridge.asks import CloudAsks
from cloud_bridge.backoff import delays
from cloud_bridge.endpoint import Endpoint, Said
from cloud_bridge.payloads import Birth, Row
from cloud_bridge.ranges import Ranges
from cloud_bridge.reasons import TakenOverError, TooLargeError, UnconfirmedError
from cloud_bridge.session import Outbox, Session
from cloud_bridge.topics import Gateway
from edge import events as ev
from edge.board import Board
from edge.checked import Secret
from edge.clock import Clock
from edge.config import GatewaySection, MqttSection
from edge.errors import CloudError, JournalRefusedError, StoregateError
from edge.telemetry import Kept

STEADY_S = 10.0
"""A connection that lived this long was a success, even if there was nothing to send."""
PATIENCE_S = 60.0
"""For a watermark that does not move; doubled while sending again did not help."""
PATIENCE_MAX_S = 3600.0
LEAST_PACKET_BYTES = 2048
"""A broker that takes less could not even take the record of what is lost by it."""
HEADROOM_BYTES = 512
"""Topic, properties and header of a PUBLISH beside its payload."""


class Journal(Outbox, Protocol):
    """What the bridge uses of the journal; also to record what no broker will take."""

    async def submit(self, event: ev.Event, /) -> object: ...


class Bridge:
    """The one connection of this gateway to its cloud."""

    def __init__(
        self,
        *,
        journal: Journal,
        board: Board,
        clock: Clock,
        config: MqttSection,
        gateway: GatewaySection,
        answer: inbox.Answer,
        asks: CloudAsks | None = None,
    ) -> None:
        self._journal = journal
        self._board = board
        self._clock = clock
        self._config = config
        self._gateway = Gateway(gateway.tenant, gateway.store, gateway.id)
        self._answer = answer
        self._asks = asks
        self._payload_bytes = dl.MAX_PAYLOAD_BYTES
        """Learned: a broker that hangs up because of a packet's size says no number."""
        self._session = 0
        self._patience_s = PATIENCE_S

    async def run(self) -> None:
        """Until cancelled. Without a broker in the configuration it only waits."""
        broker = self._board.broker
        broker.configured = bool(self._config.host)
        if not self._config.host:
            await asyncio.Event().wait()
        broker.address = f"{self._config.host}:{self._config.port}"
        try:
            await self._connect_for_ever()
        finally:
            self._cut_off()

    async def _connect_for_ever(self) -> None:
        broker = self._board.broker
        waits = self._fresh_delays()
        while True:
            began_s = asyncio.get_running_loop().time()
            acked, error = await self._once()
            self._cut_off()
            broker.problem = f"{error} ({error.hint})" if error.hint else str(error)
            lived_s = asyncio.get_running_loop().time() - began_s
            if (acked or lived_s >= STEADY_S) and not isinstance(error, TakenOverError):
                waits = self._fresh_delays()
            await asyncio.sleep(next(waits))
            broker.reconnects += 1

    def _cut_off(self) -> None:
        broker = self._board.broker
        broker.connected, broker.since, broker.inflight = False, None, 0
        if self._asks is not None:
            self._asks.cut_off()

    def _fresh_delays(self) -> Iterator[float]:
        return delays(self._config.backoff_max_s, chance=random.random)

    async def _once(self) -> tuple[int, StoregateError]:
        """One connection: how many PUBLISHes it brought across, and why it ended."""
        acked = 0
        try:
            async with self._connected() as (link, birth):
                session = self._make_session(link, head_seq=birth.last_seq)
                try:
                    await self._serve(link, session)
                finally:
                    acked = session.acked
                    if session.confirmed:
                        self._patience_s = PATIENCE_S
                    if link.alive:
                        await self._farewell(link, birth)
        except* (CloudError, JournalRefusedError) as group:
            error = _first(group)
            if isinstance(error, UnconfirmedError):
                self._patience_s = min(self._patience_s * 2, PATIENCE_MAX_S)
            if isinstance(error, TooLargeError):
                self._payload_bytes = max(self._payload_bytes // 2, LEAST_PACKET_BYTES - HEADROOM_BYTES)
        return acked, error

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[mqtt.Link, Birth]]:
        """A connection whose birth the broker has."""
        config = self._config
        birth = await self._birth()
        said = Said(self._gateway.session, msgspec.json.encode(birth))
        will = Said(said.topic, msgspec.json.encode(msgspec.structs.replace(birth, online=False)))
        async with mqtt.connect(await _endpoint(config, self._gateway, will)) as link:
            if (link.granted.packet_bytes or LEAST_PACKET_BYTES) < LEAST_PACKET_BYTES:
                text = f"the broker takes packets of {link.granted.packet_bytes} bytes at most, we need"
                raise CloudError(f"{text} {LEAST_PACKET_BYTES}", hint="raise the broker's maximum packet size")
            await link.tell(said, doing="publish the birth", retain=True)
            await link.subscribe([self._gateway.commands], retained=False)
            await link.subscribe([self._gateway.watermark])
            if self._asks is not None:
                await link.subscribe([self._gateway.request_answers], retained=False)
                self._asks.connected(link)
            broker = self._board.broker
            broker.connected, broker.since = True, self._clock.now()
            yield link, birth

    async def _birth(self) -> Birth:
        last_seq = self._journal.last_seq
        oldest = await self._journal.pending(after_seq=0, up_to_seq=last_seq, limit=1)
        self._session = max(self._session + 1, self._clock.now().at_ms)
        return Birth(
            online=True,
            epoch=self._journal.epoch,
            session=self._session,
            version=edge.__version__,
            oldest_seq=oldest[0].seq if oldest else last_seq + 1,
            last_seq=last_seq,
            durable_ack=self._config.durable_ack,
        )

    def _make_session(self, link: mqtt.Link, *, head_seq: int) -> Session:
        config, granted = self._config, link.granted
        room = (granted.packet_bytes or self._payload_bytes + HEADROOM_BYTES) - HEADROOM_BYTES
        limits = dl.Limits(
            window=min(config.window, granted.receive_maximum),
            payload_bytes=min(room, self._payload_bytes),
            batch_events=config.batch_events,
        )
        delivery = dl.Delivery(
            gateway=self._gateway,
            epoch=self._journal.epoch,
            limits=limits,
            forget=dl.Forget(config.durable_ack),
            head_seq=head_seq,
        )
        return Session(
            link=link,
            delivery=delivery,
            outbox=self._journal,
            gateway=self._gateway,
            board=self._board.broker,
            head_seq=head_seq,
            batch_wait_s=config.batch_wait_ms / 1000,
            batch_events=config.batch_events,
            give_up=partial(self._give_up, limits.payload_bytes),
            patience_s=self._patience_s,
        )

    async def _serve(self, link: mqtt.Link, session: Session) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(session.run())
            read = inbox.run(
                link,
                gateway=self._gateway,
                answer=self._answer,
                watermark=session.watermark,
                answered=self._asks.answered if self._asks else None,
            )
            group.create_task(read)

    async def _farewell(self, link: mqtt.Link, birth: Birth) -> None:
        """We were asked to stop: says so before the DISCONNECT, which takes the will away."""
        last = msgspec.structs.replace(birth, online=False, last_seq=self._journal.last_seq)
        await link.farewell(Said(self._gateway.session, msgspec.json.encode(last)))

    async def _give_up(self, limit_bytes: int, rows: Sequence[Row]) -> None:
        for kept in Kept:
            seqs = Ranges()
            seqs.add_all(sorted(row.seq for row in rows if row.kept is kept))
            if seqs:
                now = self._clock.now()
                await self._journal.submit(
                    ev.RowsUnsendable(at=now, kept=kept, ranges=tuple(seqs), limit_bytes=limit_bytes)
                )


def _first(group: BaseExceptionGroup[CloudError | JournalRefusedError]) -> StoregateError:
    for error in group.exceptions:
        return _first(error) if isinstance(error, BaseExceptionGroup) else error
    raise AssertionError("a group is never empty")


async def _endpoint(config: MqttSection, gateway: Gateway, will: Said) -> Endpoint:
    password = config.password
    if config.password_file:
        password = await asyncio.to_thread(_password, config.password_file)
    return Endpoint(
        host=config.host,
        port=config.port,
        client_id=config.client_id or gateway.client_id,
        username=config.username,
        password=password,
        tls=config.tls,
        ca_file=config.ca_file,
        cert_file=config.cert_file,
        key_file=config.key_file,
        keepalive_s=config.keepalive_s,
        will=will,
    )


def _password(path: str) -> Secret:
    """First line of the file. Read at every connect: a rotated password needs no restart."""
    try:
        return Secret(Path(path).read_text("utf-8").partition("\n")[0].strip())
    except (OSError, UnicodeDecodeError) as error:
        text = f"mqtt.password_file {path} can't be read: {error}"
        raise CloudError(text, hint="it must be readable by storegate") from error


async def run(
    *,
    journal: Journal,
    board: Board,
    clock: Clock,
    config: MqttSection,
    gateway: GatewaySection,
    answer: inbox.Answer,
    asks: CloudAsks | None = None,
) -> None:
    """Until cancelled: events out, commands in. `answer` does commands (`edge.commands.Commands.answer`).

    `asks`: who asks the cloud itself something does it through these; None: nobody does, nothing is subscribed for it.
    """
    bridge = Bridge(journal=journal, board=board, clock=clock, config=config, gateway=gateway, answer=answer, asks=asks)
    await bridge.run()
