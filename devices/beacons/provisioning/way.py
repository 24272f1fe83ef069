"""To a beacon and back: found, connected to, unlocked, listened to; each step announced, and given up in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from devices.beacons.advert import Advert
from devices.beacons.link import LinkError, LinkProblem, Radio
from devices.beacons.profile import Setting
from devices.beacons.provisioning.dialects.at import over_line
from devices.beacons.provisioning.dialects.dialect import Dialect
from devices.beacons.provisioning.dialects.open import opened
from devices.beacons.provisioning.job import Job, Progress, Step
from devices.beacons.provisioning.unlike import said_of
from devices.beacons.provisioning.values import Settings, Value


class Way:
    def __init__(self, job: Job, radio: Radio, progress: Progress) -> None:
        self._job = job
        self._radio = radio
        self._progress = progress
        self.step = Step.FIND
        """The one that is being done, or that failed."""

    @asynccontextmanager
    async def at(self, step: Step, *, most_s: float | None = None) -> AsyncIterator[None]:
        self.step = step
        self._progress(step)
        patience = self._job.patience
        by_step = {
            Step.FIND: patience.find_s,
            Step.CONNECT: patience.connect_s,
            Step.UNLOCK: patience.unlock_s,
            Step.HEAR: patience.hear_s,
        }
        limit_s = most_s or by_step.get(step, patience.talk_s)
        try:
            async with asyncio.timeout(limit_s):
                yield
        except TimeoutError as error:
            raise LinkError(LinkProblem.TIMEOUT, f"nothing came of it within {limit_s:g} s") from error

    async def find(self) -> None:
        if self._job.line is not None:
            return
        try:
            async with self.at(Step.FIND):
                await self._heard(lambda _: True)
        except LinkError as error:
            if error.problem is not LinkProblem.TIMEOUT:
                raise
            said = f"it was not heard within {self._job.patience.find_s:g} s"
            raise LinkError(LinkProblem.TIMEOUT, said) from error

    async def hear(self, is_right: Callable[[Advert], bool], *, frame: str = "the new frame") -> None:
        """Until it sends the frame that it should. Raises LinkError, which says whether it was heard at all."""
        others = 0

        def judged(advert: Advert) -> bool:
            nonlocal others
            right = is_right(advert)
            others += not right
            return right

        try:
            async with self.at(Step.HEAR):
                await self._heard(judged)
        except LinkError as error:
            if error.problem is not LinkProblem.TIMEOUT:
                raise
            said = f"it is on the air, but not with {frame}" if others and self._job.address else "it is not heard"
            raise LinkError(LinkProblem.TIMEOUT, said) from error

    async def sent_instead(self, is_right: Callable[[Advert], bool]) -> tuple[LinkError, Settings] | None:
        """None: it sends what it should. Else that it does not, and what it does send."""
        sent: dict[Setting, Value] = {}

        def judged(advert: Advert) -> bool:
            sent.update(said_of(advert))
            return is_right(advert)

        try:
            await self.hear(judged, frame="the frame of its document")
        except LinkError as error:
            if error.problem is not LinkProblem.TIMEOUT:
                raise
            return error, sent
        return None

    async def _heard(self, is_right: Callable[[Advert], bool]) -> None:
        address = self._job.address.upper()
        async with self._radio.hear() as adverts:
            async for advert in adverts:
                if (not address or advert.address.upper() == address) and is_right(advert):
                    return
        raise LinkError(LinkProblem.LOST, "the radio stopped")

    @asynccontextmanager
    async def talk(self, secret: str) -> AsyncIterator[Dialect]:
        """One connection, unlocked. Whatever happens in it, it is closed."""
        async with AsyncExitStack() as stack:
            async with self.at(Step.CONNECT):
                dialect = await self._connected(stack)
            async with self.at(Step.UNLOCK):
                await dialect.unlock(secret)
            yield dialect
            async with self.at(Step.DISCONNECT):
                await stack.aclose()

    async def _connected(self, stack: AsyncExitStack) -> Dialect:
        job = self._job
        if job.line is not None:
            return await stack.enter_async_context(over_line(job.profile, await stack.enter_async_context(job.line())))
        session = await stack.enter_async_context(
            self._radio.connect(job.address, timeout_s=self._job.patience.connect_s)
        )
        return await stack.enter_async_context(opened(job.profile, session, address=job.address))
