"""Every deed the store can ask for. Imperative; done after the commit; a lost one heals itself.

Tables say what should be; drivers are made to match at start and after they came back. So an effect is
a hint to hurry, never the only copy of anything.
"""

from __future__ import annotations

import msgspec

from edge.events import Code
from edge.ids import Mac, StationId


class Effect(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something to do now."""


class ShowOnKiosk(Effect, frozen=True, kw_only=True):
    """The station's screen goes to what was scanned, from whatever page it shows."""

    station: StationId
    code: Code


class ReloadKiosk(Effect, frozen=True, kw_only=True):
    """Fetch the page anew (documents, prices or the program changed). None: every station."""

    station: StationId | None = None


class OpenGate(Effect, frozen=True, kw_only=True):
    """Let a guest through. Done before the guest hears yes: a phone looks for the internet at once."""

    mac: Mac
    mark: int
    left_s: float
    """Until the hard end."""


class ShutGate(Effect, frozen=True, kw_only=True):
    """A session is over: running downloads too."""

    mac: Mac
    mark: int
