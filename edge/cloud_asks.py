"""What a gateway asks its cloud, and what it is answered: typed, and the same on both sides. Pure.

These are questions of one moment: whoever asked waits for the answer, or goes without. So nothing of them is in the
journal, the outbox or a log, and none shows itself: a phone number leaves the box here, and only here.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, ClassVar, Protocol

import msgspec
from msgspec import Meta

from edge.checked import UnreadableError, decoded
from edge.errors import CloudError

MAX_BYTES = 4096
"""Of a request, and of an answer."""
Number = Annotated[str, Meta(pattern=r"^\+[1-9][0-9]{6,14}\Z")]
Digits = Annotated[str, Meta(pattern=r"^[0-9]{4,8}\Z")]
Foreign = Annotated[str, Meta(pattern=r"^[!-~]{1,256}\Z")]
"""What another company made: printable ASCII."""


class Ask(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all. Its name is the last level of its topic."""

    NAME: ClassVar[str]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class SmsWanted(Ask, frozen=True, kw_only=True):
    """A guest of the Wi-Fi wants their code by SMS, now: after the message's expiry it is worth nothing."""

    NAME = "sms.send"
    number: Number
    """E.164: +8613812345678."""
    code: Digits
    language: Annotated[str, Meta(pattern=r"^(zh-CN|en)\Z")] = "zh-CN"
    """Of the text, which is the cloud's: providers want it registered."""
    minutes: Annotated[int, Meta(ge=1, le=60)] = 5
    """So long the code is good; for the text."""


class WechatClaimed(Ask, frozen=True, kw_only=True):
    """A phone says that WeChat knows its user as this one. Refused: the guest is let out again."""

    NAME = "wechat.check"
    open_id: Foreign
    tid: Annotated[str, Meta(max_length=512)] = ""
    """The phone number as WeChat encrypted it: for the register the law asks of a shop, and for nothing else."""
    shop_id: Foreign
    """The shop as WeChat names it."""


KINDS: tuple[type[Ask], ...] = (SmsWanted, WechatClaimed)


class CloudAnswer(msgspec.Struct, frozen=True, kw_only=True, tag_field="answer"):
    """Base of both."""


class Done(CloudAnswer, frozen=True, kw_only=True, tag="ok"):
    """It is done, or it is so."""


class RefusedByCloud(CloudAnswer, frozen=True, kw_only=True, tag="refused"):
    """It is not done and will not be."""

    why: Annotated[str, Meta(pattern=r"^[a-z_]{1,32}\Z")]
    """number (no SMS can be sent there) | too_often | unknown (WeChat knows no such user) | bad_request | failed"""


Answered = Done | RefusedByCloud


class UnansweredError(CloudError):
    """It went out and no answer came: whether it was done is not known."""


class Asks(Protocol):
    """The cloud, as whoever has a question sees it."""

    @property
    def online(self) -> bool: ...

    @property
    def private(self) -> bool:
        """Whether nobody between here and the broker can read along."""

    async def ask(self, request: Ask, *, timeout_s: float) -> Answered:
        """Raises UnansweredError when no answer came, CloudError when it was not even asked."""


def is_loopback(host: str) -> bool:
    """Whether what is said to this host stays on this box."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse(name: str, payload: bytes) -> Ask:
    """For the cloud. Raises UnreadableError; its text repeats nothing of the payload."""
    known = {kind.NAME: kind for kind in KINDS}
    if name not in known or len(payload) > MAX_BYTES:
        raise UnreadableError("no such request" if name not in known else "too long")
    return decoded(payload, known[name])


def answered(payload: bytes) -> Answered:
    """For the gateway. Raises UnreadableError."""
    if len(payload) > MAX_BYTES:
        raise UnreadableError("too long")
    return decoded(payload, Answered)  # type: ignore[arg-type]  # a union is no `type` to mypy
