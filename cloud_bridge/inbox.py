"""Messages to this gateway: commands are done and answered, the watermark and the cloud's answers are passed on.

A command is acknowledged to the broker once its answer is kept and sent. When the line breaks before that, the broker
brings it again (its session outlives ours by a day) and the kept answer is sent again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine

import msgspec

from cloud_bridge.endpoint import Incoming, Said
from cloud_bridge.mqtt import Link
from cloud_bridge.topics import Gateway, Lane, may_answer, parse
from edge.commands import Asked, CommandReply
from edge.errors import CloudError, JournalRefusedError, Refusal

log = logging.getLogger(__name__)
Answer = Callable[[Asked], Awaitable[bytes]]
"""edge.commands.Commands.answer"""
AT_ONCE = 4
"""A catalogue may take minutes: a ping must not wait for it."""
RETRY_S = 5.0
"""After an answer could not be kept (disk full)."""


async def run(
    link: Link,
    *,
    gateway: Gateway,
    answer: Answer,
    watermark: Callable[[Incoming], None],
    answered: Callable[[Incoming, str], None] | None = None,
) -> None:
    """Until the connection ends: raises CloudError. `answered` gets answers to our own requests, with their name."""
    places = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        while True:
            message = await link.receive()
            parts = parse(message.topic)
            if parts is not None and parts.gateway != gateway:
                parts = None
            if parts is not None and parts.lane is Lane.COMMANDS:
                # The task waits for its place, not this loop: behind it may be an answer that a guest waits for.
                group.create_task(_in_turn(places, _command(link, message, parts.kind, gateway=gateway, answer=answer)))
                continue
            if answered is not None and parts is not None and parts.lane is Lane.REQUEST_ANSWERS:
                answered(message, parts.kind)
            if message.topic == gateway.watermark:
                _pass_on(watermark, message)
            link.ack(message)


async def _in_turn(places: asyncio.Semaphore, work: Coroutine[None, None, None]) -> None:
    """Waiting ones are bounded by the Receive Maximum that we gave."""
    try:
        async with places:
            await work
    finally:
        work.close()


def _pass_on(watermark: Callable[[Incoming], None], message: Incoming) -> None:
    try:
        watermark(message)
    except Exception:  # a bug of ours: the retained message would end every connection from now on
        log.exception("a watermark could not be used")


async def _command(link: Link, message: Incoming, name: str, *, gateway: Gateway, answer: Answer) -> None:
    now_s = asyncio.get_running_loop().time()  # the monotonic clock
    not_after_s = None if message.expires_in_s is None else now_s + message.expires_in_s
    reply = await _answer(answer, Asked(name, message.payload, not_after_s))
    topics = [gateway.answer(name)]
    if may_answer(message.response_topic) and message.response_topic not in topics:
        topics.append(message.response_topic)
    for topic in topics:
        try:
            await link.tell(Said(topic, reply), doing=f"answer on {topic}", correlation=message.correlation)
        except CloudError as error:
            if not link.alive or topic == topics[0]:
                raise
            log.warning("a command's response topic can't be used: %s", error)  # its choice: it alone goes without
    link.ack(message)


async def _answer(answer: Answer, asked: Asked) -> bytes:
    """Always one: what the gateway stumbles over must not come again with every connection."""
    while True:
        try:
            return await answer(asked)
        except JournalRefusedError as error:
            if error.reason is not Refusal.FAULT:
                await asyncio.sleep(RETRY_S)
                continue
            log.exception("command %s could not be kept", asked.name)
        except Exception:
            log.exception("command %s failed", asked.name)
        text = "a fault in the gateway; its log says more"
        return msgspec.json.encode(CommandReply(id="", name=asked.name, ok=False, code="failed", text=text))
