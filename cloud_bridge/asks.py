"""Questions to the cloud over the bridge's own connection: `edge.cloud_asks.Asks`.

A request goes to `req/{name}` with a response topic, correlation data that nobody can guess, and an expiry; its answer
comes on `ans/{name}`. What is late, comes twice or was never asked for means nothing. Nothing is kept: an answer that
comes after a reconnect is still taken, a restart forgets who asked.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from typing import NamedTuple

import msgspec

from cloud_bridge.endpoint import Incoming, Said
from cloud_bridge.mqtt import Link
from cloud_bridge.topics import Gateway, Lane
from edge.checked import UnreadableError
from edge.cloud_asks import Answered, Ask, UnansweredError, answered, is_loopback
from edge.config import GatewaySection, MqttSection
from edge.errors import CloudError

MAX_WAITING = 64
"""Questions without an answer at once: a shop has so many guests at its door, a flood has more."""
CORRELATION_BYTES = 16


class _Waiting(NamedTuple):
    name: str
    answer: asyncio.Future[Answered]


class CloudAsks:
    def __init__(self, config: MqttSection, gateway: GatewaySection) -> None:
        self._gateway = Gateway(gateway.tenant, gateway.store, gateway.id)
        self._private = config.tls or is_loopback(config.host)
        self._link: Link | None = None
        self._waiting: dict[bytes, _Waiting] = {}

    @property
    def online(self) -> bool:
        return self._link is not None and self._link.alive

    @property
    def private(self) -> bool:
        return self._private

    async def ask(self, request: Ask, *, timeout_s: float) -> Answered:
        """Raises UnansweredError when no answer came, CloudError when it was not even asked."""
        if not self._private:
            raise CloudError("nothing personal is asked over a line that others can read", hint="set mqtt.tls = true")
        if self._link is None or not self._link.alive:
            raise CloudError("the line to the cloud is cut")
        if len(self._waiting) >= MAX_WAITING:
            raise CloudError(f"{MAX_WAITING} questions to the cloud wait for an answer already")
        correlation = secrets.token_bytes(CORRELATION_BYTES)
        waiting = _Waiting(request.NAME, asyncio.get_running_loop().create_future())
        self._waiting[correlation] = waiting
        try:
            self._link.request(
                Said(self._gateway.topic(Lane.REQUESTS, request.NAME), msgspec.json.encode(request)),
                answers=self._gateway.topic(Lane.REQUEST_ANSWERS, request.NAME),
                correlation=correlation,
                expiry_s=math.ceil(timeout_s),
            )
            async with asyncio.timeout(timeout_s):
                return await waiting.answer
        except TimeoutError as error:
            raise UnansweredError(f"the cloud did not answer {request.NAME} in {timeout_s:.0f} s") from error
        finally:
            del self._waiting[correlation]

    def connected(self, link: Link) -> None:
        """The bridge: answers are subscribed to."""
        self._link = link

    def cut_off(self) -> None:
        """The bridge: who waits goes on waiting, for the broker keeps an answer that comes meanwhile."""
        self._link = None

    def answered(self, message: Incoming, name: str) -> None:
        """A message on `ans/{name}`."""
        waiting = self._waiting.get(message.correlation)
        if waiting is None or waiting.name != name or waiting.answer.done():
            return
        try:
            waiting.answer.set_result(answered(message.payload))
        except UnreadableError as error:
            wrong = UnansweredError(f"the cloud's answer to {name} can't be read: {error}")
            waiting.answer.set_exception(wrong)
