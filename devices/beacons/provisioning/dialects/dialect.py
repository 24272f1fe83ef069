"""What provisioning needs of every way of talking."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from devices.beacons.link import GattSession
from devices.beacons.profile import BeaconProfile, Setting
from devices.beacons.provisioning.values import Settings, Value
from edge.errors import DeviceError

Raw = Mapping[str, Any]


class RefusedSecretError(DeviceError):
    """The beacon does not take this password, or can't prove that it knows it. Never tried again in the same run."""


class BlockedError(RefusedSecretError):
    """It takes none any more for a while: too many wrong ones."""


class Dialect(Protocol):
    """A conversation with one beacon. Raises LinkError, RefusedSecretError, DoesNotFitError, NotUnderstoodError."""

    @property
    def settable(self) -> frozenset[Setting]: ...

    @property
    def readable(self) -> frozenset[Setting]: ...

    @property
    def is_proven(self) -> bool:
        """Whether the beacon showed in this conversation that the password is its own: one that is open, or that judges
        it at the commit, takes any.
        """

    async def unlock(self, secret: str) -> None:
        """One try."""

    async def read(self, settings: Collection[Setting]) -> dict[Setting, Value]:
        """Those that are readable; one that the beacon has no value for is left out."""

    async def write(self, settings: Settings) -> None:
        """These and no others. What lies in the same bytes keeps what the last `read` of this conversation found."""

    @property
    def raw(self) -> Raw:
        """What the reads of this conversation found, as the beacon said it: also what our settings have no word for."""

    async def restore(self, raw: Raw, settings: Collection[Setting]) -> bool:
        """Puts back what these settings lie in. False: some of it was not known."""

    async def commit(self) -> None:
        """Makes it keep what was written. The connection may be gone afterwards: that is no error."""

    async def change_secret(self, new: str) -> None:
        """Raises LinkError where the model has no way to do it. Kept by `commit`."""

    async def identify(self) -> None:
        """Blinks or beeps. Raises LinkError(NO_CHARACTERISTIC) where the model can't."""


class GattTalk:
    """What every conversation over GATT remembers."""

    def __init__(
        self,
        profile: BeaconProfile,
        session: GattSession,
        settable: frozenset[Setting],
        *,
        readable: frozenset[Setting] | None = None,
    ) -> None:
        self._profile = profile
        self._session = session
        self.settable = settable
        self.readable = settable if readable is None else readable
        self.is_proven = False
        self._known: dict[Setting, Value] = {}
        self._raw: dict[str, Any] = {}

    @property
    def raw(self) -> Raw:
        return dict(self._raw)
