"""The cloud's half for one namespace: sends SMS into a file, and believes whoever WeChat says it is but `nobody…`.

Run by the tests as a program of its own: `cloud.py FILE`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from cloud_bridge.answers import Answers
from cloud_bridge.endpoint import Endpoint
from cloud_bridge.topics import Gateway
from edge.cloud_asks import Answered, Ask, Done, RefusedByCloud, SmsWanted, WechatClaimed


async def answer(gateway: Gateway, ask: Ask) -> Answered:
    assert gateway.store
    match ask:
        case SmsWanted():
            with Path(sys.argv[1]).open("a", encoding="ascii") as sent:
                sent.write(f"{ask.number} {ask.code}\n")
            return Done()
        case WechatClaimed() if ask.open_id.startswith("nobody"):
            return RefusedByCloud(why="unknown")
    return Done()


async def main() -> None:
    there = Endpoint(host="127.0.0.1", port=1883, client_id="cloud", clean_start=True, session_s=0)
    await Answers(endpoint=there, answer=answer, say=print).run()


asyncio.run(main())
