"""Gives a beacon its settings, and proves that it took them: by hearing the new frame and by reading them back.

Whatever fails after the first write, the beacon is given back what was read before; the password is changed last, when
everything else is proven, and proven itself by unlocking again. A password is tried once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from devices.beacons.link import LinkError, LinkProblem, Radio
from devices.beacons.presence import heard
from devices.beacons.profile import Setting
from devices.beacons.provisioning import unlocks
from devices.beacons.provisioning.dialects.dialect import Dialect, Raw, RefusedSecretError
from devices.beacons.provisioning.dialects.open import changes_secret
from devices.beacons.provisioning.fitting import Fitted, fitted
from devices.beacons.provisioning.hints import hint_for
from devices.beacons.provisioning.job import (
    Job,
    PasswordNow,
    Patience,
    Progress,
    Provisioned,
    ProvisionError,
    Step,
    StoppedError,
    settings_of,
)  # fmt: skip
from devices.beacons.provisioning.unlike import unlike
from devices.beacons.provisioning.values import DoesNotFitError, NotUnderstoodError, Value
from devices.beacons.provisioning.way import Way
from edge.errors import StoregateError, UsageError

__all__ = [
    "Job", "PasswordNow", "Patience", "Progress", "ProvisionError", "Provisioned", "Step", "StoppedError", "identify",
    "provision", "read", "settings_of", "verify",
]  # fmt: skip
T = TypeVar("T")
FAILURES = (LinkError, RefusedSecretError, NotUnderstoodError, DoesNotFitError)
IDENTIFY_S = 15.0
ADDRESS = re.compile(r"(?:[0-9A-Fa-f]{2}[:_]){5}[0-9A-Fa-f]{2}")
"""Of a radio: whatever a library says, it goes into no message."""
GONE = {LinkProblem.LOST, LinkProblem.TIMEOUT}


def _is_gone(error: Exception) -> bool:
    """What was asked for last may have been done."""
    return isinstance(error, LinkError) and error.problem in GONE


def _silent(step: Step) -> None:
    del step


async def provision(job: Job, radio: Radio, *, progress: Progress = _silent) -> Provisioned:
    """Raises UsageError (nothing was done) or ProvisionError (which step, what state); if cancelled, StoppedError."""
    run = _Run(job, radio, progress, fitted(job.profile, job.wanted, unverified=job.unverified))
    run.check(will_write=True)
    try:
        await run.all()
    except FAILURES as error:
        raise await run.failed(error) from error
    except asyncio.CancelledError:
        raise await run.stopped() from None
    return run.done()


async def verify(job: Job, radio: Radio, *, progress: Progress = _silent) -> dict[Setting, tuple[Value, Value | None]]:
    """What differs from what is wanted: (wanted, found). It is found and heard first; nothing is written."""
    run = _Run(job, radio, progress, fitted(job.profile, job.wanted, unverified=job.unverified))
    run.check(will_write=False)
    return await _or_failed(run, run.compared())


async def read(job: Job, radio: Radio, *, progress: Progress = _silent) -> dict[Setting, Value]:
    """What it says it is set to. Raises UsageError, ProvisionError."""
    run = _Run(job, radio, progress, Fitted({}, frozenset()))
    run.check(will_write=False)
    return await _or_failed(run, run.read())


async def identify(job: Job, radio: Radio, *, progress: Progress = _silent) -> None:
    """It blinks or beeps. Raises UsageError, ProvisionError."""
    run = _Run(job, radio, progress, Fitted({}, frozenset()))
    run.check(will_write=False)
    await _or_failed(run, run.identify())


async def _or_failed(run: _Run, work: Awaitable[T]) -> T:
    try:
        return await work
    except FAILURES as error:
        raise await run.failed(error) from error


class _Run:
    """One beacon's way through the steps, and what is known of it on the way."""

    def __init__(self, job: Job, radio: Radio, progress: Progress, fit: Fitted) -> None:
        self._job = job
        self._profile = job.profile
        self._way = Way(job, radio, progress)
        self._wanted, self._left_out = fit
        self._before: dict[Setting, Value] = {}
        self._raw: Raw = {}
        self._todo: dict[Setting, Value] = {}
        self._written = False
        self._was_read_back = False
        self._given_back = False
        self._old = job.secret or job.profile.unlock.default
        self._new = job.new_secret if changes_secret(job.profile) and job.new_secret != self._old else ""
        self._may_be = [self._old]
        """Its password, likeliest first."""
        self._password: PasswordNow = PasswordNow.KEPT
        self._proven = False

    def check(self, *, will_write: bool) -> None:
        """Before anything is sent. Raises UsageError."""
        job, unlock = self._job, self._profile.unlock
        if self._profile.dialect in {"esphome", "gateway"}:
            raise UsageError(f"{job.beacon}: a {self._profile.dialect} beacon is not set over the air")
        if not job.address and job.line is None:
            raise UsageError(f"{job.beacon} has no address", hint="`storegate beacon scan` shows addresses")
        if self._old:
            unlocks.secret_bytes(unlock, self._old)
        elif unlock.scheme in {"md5-two-way", "pin-on-commit", "at-auth"}:
            raise UsageError(f"{job.beacon} has a password, and none is given", hint="give the one it has now")
        if self._new:
            unlocks.new_secret(unlock, self._new)
        elif will_write and changes_secret(self._profile) and unlock.default and self._old == unlock.default:
            hint = "write a new one into the passwords file"
            raise UsageError(f"{job.beacon} would keep the password it left the factory with", hint=hint)

    async def compared(self) -> dict[Setting, tuple[Value, Value | None]]:
        """What it sends and what it says of itself. One that sends something else is known to differ, even where it
        can't be read then: a password that nobody gave it yet is no other failure.
        """
        await self._way.find()
        other = await self._way.sent_instead(heard.recogniser(self._profile, self._wanted))
        differs = unlike(self._wanted, other[1]) if other else {}
        try:
            found = {} if self._profile.verify == "hear" else await self.read()
        except FAILURES:
            if not differs:
                raise
            return differs
        differs |= unlike(self._wanted, found)
        if other and not differs:
            self._way.step = Step.HEAR
            raise other[0]
        return differs

    async def read(self) -> dict[Setting, Value]:
        await self._way.find()
        async with self._way.talk(self._old) as dialect:
            self._used_up()
            async with self._way.at(Step.READ_BEFORE):
                found = await dialect.read(dialect.readable)
            await self._lock_again(dialect)
        return found

    async def identify(self) -> None:
        await self._way.find()
        async with self._way.talk(self._old) as dialect:
            self._used_up()
            async with self._way.at(Step.WRITE, most_s=IDENTIFY_S):
                await dialect.identify()
            await self._lock_again(dialect)

    async def all(self) -> None:
        again = self._profile.verify == "reconnect"
        await self._way.find()
        async with self._way.talk(self._old) as dialect:
            self._used_up()
            self._doubt(dialect)
            async with self._way.at(Step.READ_BEFORE):
                self._before = await dialect.read(dialect.settable & dialect.readable)
                self._raw = dialect.raw
            self._todo = {key: value for key, value in self._wanted.items() if self._before.get(key) != value}
            async with self._or_back(dialect):
                await self._set(dialect)
                if not again:
                    await self._lock_again(dialect)
        await self.hear()
        if again and (self._todo or self._new):
            async with self._way.talk(self._old) as dialect, self._or_back(dialect):
                await self._read_back(dialect)
                await self._change_secret(dialect)
        if again and self._new and self._profile.unlock.scheme != "pin-on-commit":  # a PIN is judged at a commit only
            async with self._way.talk(self._new) as dialect:
                async with self._way.at(Step.READ_BACK):
                    await dialect.read(dialect.settable & dialect.readable)
                self._proven = True

    def _doubt(self, dialect: Dialect) -> None:
        """Said to have the password that it shall have: if unlocking did not prove that, it is given it again. (But not
        an AES key: it travels under the one that is in doubt.)
        """
        if changes_secret(self._profile) and self._job.new_secret == self._old:
            self._proven = dialect.is_proven
            if not dialect.is_proven and self._profile.unlock.scheme != "aes-ecb-challenge":
                self._new = self._old

    async def _set(self, dialect: Dialect) -> None:
        """Writes what differs. Where there is no second connection, everything else happens here too."""
        how = self._profile.verify
        if self._todo:
            self._written |= self._profile.unlock.scheme != "pin-on-commit"  # there nothing counts before the commit
            async with self._way.at(Step.WRITE):
                await dialect.write(self._todo)
        if how == "hear" and self._profile.commit.how == "at":
            await self._change_secret(dialect)
        if self._todo:
            await self._commit(dialect)
        if how == "same-connection":
            await self._read_back(dialect)
            await self._change_secret(dialect)

    async def _commit(self, dialect: Dialect) -> None:
        async with self._way.at(Step.COMMIT):
            try:
                await dialect.commit()
            except (LinkError, asyncio.CancelledError):
                self._written = True
                raise
        self._written = True

    async def _read_back(self, dialect: Dialect) -> None:
        if not self._todo:
            return
        async with self._way.at(Step.READ_BACK):
            wrong = unlike(self._wanted, await dialect.read(dialect.settable & dialect.readable), dialect.readable)
            if wrong:
                said = ", ".join(f"{key} is {found!r}, not {wanted!r}" for key, (wanted, found) in wrong.items())
                raise NotUnderstoodError(f"it says something else than it was given: {said}")
        self._was_read_back = True

    async def _change_secret(self, dialect: Dialect) -> None:
        """Last of all. Where that locks the beacon, the new one is proven at once."""
        if not self._new:
            return
        async with self._way.at(Step.CHANGE_PASSWORD):
            await self._give_secret(dialect, self._new, PasswordNow.CHANGED)
            self._proven |= self._new == self._old
        if self._profile.commit.how == "at":
            await self._commit(dialect)
        if self._profile.unlock.relocks and not self._profile.unlock.single_use:
            async with self._way.at(Step.UNLOCK):
                await dialect.unlock(self._new)
            self._proven = True

    async def _give_secret(self, dialect: Dialect, secret: str, then: PasswordNow) -> None:
        """What it has is unknown from here on, until it said yes, or no."""
        was = self._written, self._password, self._may_be
        self._written, self._password, self._may_be = True, PasswordNow.UNKNOWN, [self._old, self._new]
        try:
            await dialect.change_secret(secret)
        except (LinkError, RefusedSecretError) as error:
            if not _is_gone(error):
                self._written, self._password, self._may_be = was
            raise
        self._password = then
        self._may_be = [self._old] if then is PasswordNow.KEPT else [self._new, self._old]

    def _used_up(self) -> None:
        """A password that unlocking used up is one more thing to give back."""
        self._written |= self._profile.unlock.single_use and bool(self._old)

    async def _lock_again(self, dialect: Dialect) -> None:
        """A beacon that forgets its password when it is unlocked is given it again."""
        if self._profile.unlock.single_use and self._old and self._password is PasswordNow.KEPT:
            async with self._way.at(Step.CHANGE_PASSWORD):
                await dialect.change_secret(self._old)

    async def hear(self) -> None:
        await self._way.hear(heard.recogniser(self._profile, self._wanted))

    @asynccontextmanager
    async def _or_back(self, dialect: Dialect) -> AsyncIterator[None]:
        """While it is still connected is the best moment to give back: some take no other connection soon."""
        try:
            yield
        except FAILURES as error:
            if self._written and not _is_gone(error):
                failed_at = self._way.step
                with suppress(RefusedSecretError):  # a new connection may be luckier
                    self._given_back = await self._restored(dialect)
                self._way.step = failed_at
            raise

    async def _restored(self, dialect: Dialect, unlocked_with: str | None = None) -> bool:
        """Whether all that was changed is as before, byte by byte where it can be read. Raises RefusedSecretError, even
        as late as at the commit: then nothing was given back, and the password is another.
        """
        done = True
        try:
            async with self._way.at(Step.ROLL_BACK):
                try:
                    if self._todo:
                        done = await self._put_back(dialect)
                finally:
                    self._learn(dialect, unlocked_with)
                await self._secret_back(dialect)
        except RefusedSecretError:
            raise
        except FAILURES:
            return False
        return done and self._password is PasswordNow.KEPT

    def _learn(self, dialect: Dialect, unlocked_with: str | None) -> None:
        """Of a conversation in which no password was changed yet."""
        if self._password is PasswordNow.UNKNOWN and unlocked_with is not None and dialect.is_proven:
            self._password = PasswordNow.CHANGED if unlocked_with == self._new else PasswordNow.KEPT

    async def _secret_back(self, dialect: Dialect) -> None:
        single_use = self._profile.unlock.single_use
        if self._old and self._password is not PasswordNow.KEPT:
            await self._give_secret(dialect, self._old, PasswordNow.KEPT)
        elif self._old and single_use:
            await dialect.change_secret(self._old)
        elif single_use:  # it had none, and unlocking left it without one
            self._password = PasswordNow.KEPT

    async def _put_back(self, dialect: Dialect) -> bool:
        able = dialect.settable & dialect.readable
        await dialect.read(able)
        done = await dialect.restore(self._raw, self._todo)
        await dialect.commit()
        if done and self._says_at_once():
            await dialect.read(able)
            return dialect.raw == self._raw
        return done

    def _says_at_once(self) -> bool:
        """Others restart first."""
        return self._profile.commit.how in {"none", "write"} and self._profile.dialect != "espruino"

    async def give_back(self) -> bool | None:
        """None: there is nothing to give back. Tries a new connection, once a password that it may have."""
        if not self._written or self._given_back:
            return self._given_back or None
        for secret in self._may_be[:]:
            try:
                async with self._way.talk(secret) as dialect:
                    self._given_back = await self._restored(dialect, secret)
                break
            except RefusedSecretError:
                self._may_be = [other for other in self._may_be if other != secret]
            except FAILURES:
                break
        return self._given_back

    async def stopped(self) -> StoppedError:
        """A second Ctrl-C while it is given back ends that too, and it is said."""
        step = self._way.step
        if step is Step.UNLOCK:
            self._used_up()
        try:
            given_back = await self.give_back()
        except asyncio.CancelledError:
            given_back = False
        when = " before anything was written" if given_back is None else ""
        said = f"{self._job.beacon}: {step.replace('_', ' ')}: stopped by Ctrl-C{when}"
        hint = "run the same command again: it goes on where it stopped"
        return StoppedError(step, said, hint=hint, rolled_back=given_back, password_now=self._password)

    async def failed(self, error: StoregateError) -> ProvisionError:
        step = self._way.step
        if isinstance(error, RefusedSecretError) and step is Step.UNLOCK:
            refused = self._new if self._password is PasswordNow.CHANGED else self._old
            self._may_be = [secret for secret in self._may_be if secret != refused]
            if self._password is PasswordNow.CHANGED:
                self._password = PasswordNow.UNKNOWN
        elif step is Step.UNLOCK:
            self._used_up()
        try:
            given_back = await self.give_back()
        except asyncio.CancelledError:
            raise await self.stopped() from None
        said = f"{self._job.beacon}: {step.replace('_', ' ')}: {ADDRESS.sub('(address)', str(error))}"
        return ProvisionError(
            step, said, hint=hint_for(step, error, self._profile), rolled_back=given_back, password_now=self._password
        )

    def done(self) -> Provisioned:
        return Provisioned(
            before=self._before,
            settings=self._before | self._wanted,
            changed=frozenset(self._todo),
            left_out=self._left_out,
            password_changed=self._password is PasswordNow.CHANGED and self._new != self._old,
            password_proven=self._proven,
            read_back=self._was_read_back or not self._todo,
        )
