"""A cloud without an SMS provider and without WeChat: it answers requests, and keeps the codes it would have sent."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from cloud_bridge.topics import Gateway
from edge.cloud_asks import Answered, Ask, Done, RefusedByCloud, SmsWanted, WechatClaimed

MAX_KEPT = 100


class Sms(NamedTuple):
    gateway: Gateway
    number: str
    code: str
    language: str


class FakeCloud:
    """`answer` is for `cloud_bridge.answers.Answers`."""

    def __init__(self) -> None:
        self.sent: deque[Sms] = deque(maxlen=MAX_KEPT)
        self.unreachable: set[str] = set()
        """Numbers that no SMS reaches."""
        self.strangers: set[str] = set()
        """WeChat ids that WeChat does not know."""
        self.claims: deque[str] = deque(maxlen=MAX_KEPT)

    async def answer(self, gateway: Gateway, ask: Ask) -> Answered:
        match ask:
            case SmsWanted() if ask.number in self.unreachable:
                return RefusedByCloud(why="number")
            case SmsWanted():
                self.sent.append(Sms(gateway, ask.number, ask.code, ask.language))
                return Done()
            case WechatClaimed():
                self.claims.append(ask.open_id)
                return RefusedByCloud(why="unknown") if ask.open_id in self.strangers else Done()
            case _:
                return RefusedByCloud(why="bad_request")
