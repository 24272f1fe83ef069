"""Every MQTT topic there is: `storegate/v1/{tenant}/{store}/{gateway}/{lane}/{type}`.

Six slashes: AWS IoT allows seven, all other providers more. A topic, or a filter for topics, is written here and
nowhere else.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

import msgspec

ROOT = "storegate"
VERSION = "v1"
LEVEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What `[gateway]` allows for tenant, store and id, and what a type looks like."""
MAX_RESPONSE_TOPIC = 256
"""Characters of a response topic that a command may ask for."""
SESSION = "session"
"""`{type}` of the retained birth and of the will."""
WATERMARK = "watermark"
"""`{type}` of what the cloud publishes once events are in its database."""


class Lane(StrEnum):
    EVENTS = "ev"
    """Events as they happen."""
    BACKLOG = "bk"
    """Events from before this session, oldest first."""
    STATE = "st"
    """Retained: the birth, or the will after it."""
    COMMANDS = "cmd"
    ANSWERS = "rsp"
    CONFIG = "cfg"
    """Retained desired documents (reserved)."""
    ACKS = "ack"
    REQUESTS = "req"
    """What the gateway asks the cloud while somebody waits."""
    REQUEST_ANSWERS = "ans"


class Gateway(msgspec.Struct, frozen=True):
    """Who a topic belongs to."""

    tenant: str
    store: str
    id: str

    @property
    def source(self) -> str:
        """The CloudEvents `source` of everything this gateway says."""
        return f"/{ROOT}/{self.tenant}/{self.store}/{self.id}"

    @property
    def client_id(self) -> str:
        return f"{ROOT}-{self.tenant}-{self.store}-{self.id}"

    def topic(self, lane: Lane, kind: str) -> str:
        return f"{ROOT}/{VERSION}/{self.tenant}/{self.store}/{self.id}/{lane}/{kind}"

    def events(self, lane: Lane, kind: str) -> str:
        """Where events of a CloudEvents `type` go: the level is the type without `storegate.`."""
        return self.topic(lane, kind.removeprefix(f"{ROOT}."))

    @property
    def session(self) -> str:
        return self.topic(Lane.STATE, SESSION)

    @property
    def watermark(self) -> str:
        return self.topic(Lane.ACKS, WATERMARK)

    @property
    def commands(self) -> str:
        """Filter for all commands to this gateway."""
        return self.topic(Lane.COMMANDS, "+")

    def answer(self, command: str) -> str:
        return self.topic(Lane.ANSWERS, command)

    @property
    def request_answers(self) -> str:
        """Filter for all answers to this gateway's requests."""
        return self.topic(Lane.REQUEST_ANSWERS, "+")


class Parts(NamedTuple):
    gateway: Gateway
    lane: Lane
    kind: str


def parse(topic: str) -> Parts | None:
    """The parts of one of our topics, or None where it is somebody else's."""
    levels = topic.split("/")
    if len(levels) != 7 or levels[0] != ROOT or levels[1] != VERSION:
        return None
    if not all(LEVEL.fullmatch(level) for level in levels[2:]) or levels[5] not in set(Lane):
        return None
    return Parts(Gateway(*levels[2:5]), Lane(levels[5]), levels[6])


def gateway_of(source: str) -> Gateway | None:
    """The gateway of a CloudEvents `source`, or None."""
    levels = source.split("/")
    if len(levels) != 5 or levels[0] or levels[1] != ROOT or not all(map(LEVEL.fullmatch, levels[2:])):
        return None
    return Gateway(*levels[2:])


def every(lane: Lane, *, share: str = "") -> str:
    """Filter for one lane of every gateway; with `share`, the group's members divide it among them (`$share`)."""
    wanted = f"{ROOT}/{VERSION}/+/+/+/{lane}/+"
    return f"$share/{share}/{wanted}" if share else wanted


def template(lane: Lane, kind: str) -> str:
    """The address as AsyncAPI writes it."""
    return f"{ROOT}/{VERSION}/{{tenant}}/{{store}}/{{gateway}}/{lane}/{kind}"


def may_answer(topic: str) -> bool:
    """Whether a response topic that came with a command may be published to (MQTT 5, 3.3.2.3.5: no wildcards)."""
    return 0 < len(topic) <= MAX_RESPONSE_TOPIC and not set(topic) & set("+#\0") and not topic.startswith("$")
