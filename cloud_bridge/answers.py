"""The cloud's side of gateways' requests: start a service from it, or hold yours against it.

    answers = Answers(endpoint=endpoint, answer=answer, share="answers", say=print)
    await answers.run()

    async def answer(gateway: Gateway, ask: Ask) -> Answered:
        match ask:
            case SmsWanted(): ...   # your provider; count per gateway and number before you pay
            case WechatClaimed(): ...

Members of one `share` divide the requests. Nothing of a request is said or kept: it holds phone numbers. The gateway
itself does not use this file.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec

from cloud_bridge import mqtt
from cloud_bridge.backoff import delays
from cloud_bridge.endpoint import Endpoint, Incoming, Said
from cloud_bridge.topics import Gateway, Lane, every, parse
from edge import cloud_asks
from edge.checked import UnreadableError
from edge.cloud_asks import Answered, Ask, RefusedByCloud
from edge.errors import CloudError, StoregateError

Answer = Callable[[Gateway, Ask], Awaitable[Answered]]
"""Raises StoregateError where it can't tell: the gateway is answered `failed`. A gateway's name is as good as the
broker's access list."""
BACKOFF_MAX_S = 30.0
AT_ONCE = 256
"""Under way at once; what comes beside them is dropped, for its guest will not wait."""
ANSWER_S = 30.0
"""No gateway waits longer."""
MAX_SEEN = 10_000
CORRELATION_BYTES = range(8, 65)


class Answers:
    def __init__(
        self, *, endpoint: Endpoint, answer: Answer, share: str = "answers", say: Callable[[str], None]
    ) -> None:
        self._endpoint = endpoint
        self._answer = answer
        self._share = share
        self._say = say
        self._busy = 0
        self._seen: OrderedDict[tuple[Gateway, bytes], None] = OrderedDict()
        self.connected = False

    async def run(self) -> None:
        """Until cancelled; a lost broker is tried again."""
        waits = delays(BACKOFF_MAX_S, chance=random.random)
        while True:
            try:
                async with mqtt.connect(self._endpoint) as link:
                    await link.subscribe([every(Lane.REQUESTS, share=self._share)])
                    self.connected = True
                    waits = delays(BACKOFF_MAX_S, chance=random.random)
                    async with asyncio.TaskGroup() as group:
                        window = asyncio.Semaphore(min(AT_ONCE, link.granted.receive_maximum))
                        while True:
                            message = await link.receive()
                            link.ack(message)
                            if self._busy < AT_ONCE:
                                self._busy += 1
                                task = group.create_task(self._serve(link, message, window))
                                task.add_done_callback(self._served)
            except* CloudError as errors:
                self._say(_first(errors))
            finally:
                self.connected = False
            await asyncio.sleep(next(waits))

    def _served(self, _task: asyncio.Task[None]) -> None:
        self._busy -= 1

    async def _serve(self, link: mqtt.Link, message: Incoming, window: asyncio.Semaphore) -> None:
        parts = parse(message.topic)
        if parts is None or parts.lane is not Lane.REQUESTS:
            return
        gateway, name = parts.gateway, parts.kind
        # A gateway may publish below its own name only, but a response topic is free text: to another one's lane it
        # would be the cloud that forges.
        where = gateway.topic(Lane.REQUEST_ANSWERS, name)
        if message.response_topic != where or len(message.correlation) not in CORRELATION_BYTES:
            self._say(f"{gateway.source} asks {name[:64]} without a way to answer it: dropped")
            return
        if not self._is_new(gateway, message.correlation):
            return
        answer = await self._answered(gateway, name, message.payload)
        said = Said(where, msgspec.json.encode(answer))
        try:
            async with window:
                await link.tell(said, doing="answer a request", correlation=message.correlation)
        except CloudError as error:
            self._say(f"an answer to {gateway.source} was lost: {error}")

    async def _answered(self, gateway: Gateway, name: str, payload: bytes) -> Answered:
        try:
            ask = cloud_asks.parse(name, payload)
        except UnreadableError as error:
            self._say(f"{gateway.source} asks {name[:64]}, which can't be read: {error}")
            return RefusedByCloud(why="bad_request")
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._answer(gateway, ask)
        except (StoregateError, TimeoutError) as error:
            self._say(f"{name} of {gateway.source} failed: {type(error).__name__}")
            return RefusedByCloud(why="failed")

    def _is_new(self, gateway: Gateway, correlation: bytes) -> bool:
        """A request is sent with QoS 0; but who may publish here may repeat one."""
        key = (gateway, correlation)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        return True


def _first(errors: BaseExceptionGroup[CloudError]) -> str:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)
