"""What the desk, the ways in, the pages and the drivers say to one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from edge.access_answers import AccessWhy, Standing, Way
from edge.ids import Mac


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody on the guest network, as a request came from them."""

    address: str
    mac: Mac
    language: str = "zh-CN"
    wallet: str = ""
    """The holder of the browser's wallet cookie, where it has one."""
    standing: Standing | None = None
    """Their session, while one lasts."""
    sure: bool = True
    """The kernel saw this phone itself send the request. Else (nobody can be asked now) it may be another one that says
    it is this: it sees a page, and nothing is done in its name."""


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """A way in was shown to be theirs."""

    holder: str
    account: str = ""
    """What a policy that keeps records wants to know: a phone number, a WeChat id, a voucher's batch. Goes into the
    sealed record only."""
    voucher: str = ""
    """Hash of its code."""
    most_s: int = 0
    """No longer than this, for nobody vouched for it yet; 0: as long as the shop says."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One more page before it is proven."""

    part: str
    """`sms_code`, `member_code`, `wechat`: which page."""
    fields: Mapping[str, str] = {}
    """What the page shows; no secret that the guest may not see."""
    why: AccessWhy | None = None
    """What was wrong with the last try."""
    pass_s: int = 0
    """A temporary pass to reach an app, asked of the rules before the page is shown; 0: none."""


class WayIn(Protocol):
    """One module of `edge/portal/ways/`."""

    @property
    def way(self) -> Way: ...

    def ready(self) -> AccessWhy | None:
        """None: may be offered now. OFFLINE: it needs the cloud. NOT_OFFERED: gateway.toml has not what it needs."""

    async def prove(self, guest: Guest, form: Mapping[str, str]) -> Proven | Step | AccessWhy:
        """`form`: the fields of the page, each at most 512 characters; nothing in it is trusted."""


class Neighbours(Protocol):
    """Who is on the guest network. `devices.access.neighbours`, or its fake."""

    async def mac_of(self, address: str) -> Mac | None:
        """Whose address it is, now; None: not on the guest network, or not known. A guest can forge this."""


class Callers(Neighbours, Protocol):
    async def sent(self, mac: Mac, address: str, port: int) -> bool | None:
        """Whether this phone opened the connection from there, and not another in its name; None: can't be told now."""
