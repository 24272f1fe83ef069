"""The cloud's half for one namespace: prints SMS, and believes whoever WeChat says it is but `nobody…`.

Run by the tests as a program of its own.
"""

from __future__ import annotations

import asyncio

from cloud_bridge.answers import Answers
from cloud_bridge.endpoint import Endpoint
from cloud_bridge.topics import Gateway
from edge.cloud_asks import Answered, Ask, Done, RefusedByCloud, SmsWanted, WechatClaimed


async def answer(gateway: Gateway, ask: Ask) -> Answered:
    assert gateway.store
    match ask:
        case SmsWanted():
            print(ask.number, ask.code, flush=True)
            return Done()
        case WechatClaimed() if ask.open_id.startswith("nobody"):
            return RefusedByCloud(why="unknown")
    return Done()


async def main() -> None:
    there = Endpoint(host="127.0.0.1", port=1883, client_id="cloud", clean_start=True, session_s=0)
    await Answers(endpoint=there, answer=answer, say=print).run()


asyncio.run(main())
