"""What ways in are tried with: a cloud that answers as it is told, phones, keys."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.access_answers import AccessRefusal, AccessWhy, Admitted
from edge.cloud_asks import Answered, Ask, Done, SmsWanted, UnansweredError
from edge.errors import CloudError
from edge.ids import Mac
from edge.keys import GatewayKeys
from edge.portal.asks import Guest, Proven, Step
from edge.portal.ways.app_login import AppLogin
from tests.given import NOON_MS


class Cloud:
    """`edge.cloud_asks.Asks`, answering from memory."""

    def __init__(self) -> None:
        self.online = True
        self.private = True
        self.asked: list[Ask] = []
        self.answer: Answered | None = Done()
        """None: it never answers."""
        self.waits: asyncio.Event | None = None

    async def ask(self, request: Ask, *, timeout_s: float) -> Answered:
        if not self.online:
            raise CloudError("the line to the cloud is cut")
        self.asked.append(request)
        if self.waits is not None:
            await self.waits.wait()
        if self.answer is None:
            raise UnansweredError(f"no answer in {timeout_s} s")
        return self.answer

    @property
    def sms(self) -> list[SmsWanted]:
        return [ask for ask in self.asked if isinstance(ask, SmsWanted)]


def keys() -> GatewayKeys:
    return GatewayKeys(
        signing=Ed25519PrivateKey.from_private_bytes(b"c" * 32),
        short=b"s" * 32,
        guest=b"g" * 32,
        beacon=b"b" * 32,
        wifi=b"w" * 32,
    )


def phone(number: int = 1, *, language: str = "zh-CN") -> Guest:
    """The n-th phone in the shop."""
    mac = Mac(f"02:00:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}")
    return Guest(address=f"10.64.{number >> 8 & 15}.{number & 255}", mac=mac, language=language)


class Shop:
    """A desk that lets in whoever proves a way: `edge.portal.ways.app_login.Desk`."""

    def __init__(self, login: AppLogin) -> None:
        self.login = login
        self.phones: dict[str, Guest] = {}
        self.let_in: dict[str, tuple[Guest, str]] = {}
        """Session → who, and the holder they proved."""
        self.passes: list[Guest] = []
        self.forms: list[Mapping[str, str]] = []
        self.closed: AccessWhy | None = None

    def join(self, guest: Guest) -> Guest:
        self.phones[guest.address] = guest
        return guest

    async def guest(self, address: str, port: int, *, language: str, wallet: str = "") -> Guest | None:
        return self.phones.get(address)

    async def enter(self, way: object, guest: Guest, form: Mapping[str, str]) -> Admitted | Step | AccessRefusal:
        self.forms.append(form)
        why = self.closed or self.login.ready()
        proof = why or await self.login.prove(guest, form)
        match proof:
            case Proven():
                session = f"s{len(self.let_in)}"
                self.let_in[session] = (guest, proof.holder)
                return Admitted(session=session, way=self.login.way, to_ms=NOON_MS)
            case Step():
                self.passes.append(guest)
                return proof
            case _:
                return AccessRefusal(why=proof)

    async def end(self, session: str | None) -> int:
        return int(self.let_in.pop(str(session), None) is not None)
