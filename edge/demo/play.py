"""The play: starts the programs, lets the day pass, cuts the line in the middle, counts at the end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path

import aiohttp
import msgspec

from edge.demo import account, day, peers, stage
from edge.demo.account import Account
from edge.demo.actors import Actors, SerialLine
from edge.demo.airwaves import Airwaves
from edge.demo.shop import Devices, Ports
from edge.errors import StoregateError

START_S = 30.0
"""A Raspberry Pi 3 needs about ten."""
SETTLE_S = 25.0
"""After the last act: what waits in the outbox reaches the cloud."""
OUTAGE = (0.45, 0.62)
"""Shares of the play in which there is no broker."""
CLONE = (0.3, 0.7)
"""Shares in which somebody at the door plays the till's beacon."""


class Line(StrEnum):
    UP = "up"
    CUT = "cut"


class Scene(msgspec.Struct, kw_only=True):
    """What the view shows. Changed by the play alone."""

    shop_clock: str = ""
    line: Line = Line.UP
    status: bytes = b"{}"
    account: Account = Account()
    ended: str = ""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    folder: Path
    seconds: float | None
    """Real time the play lasts; None: until Ctrl-C, day after day."""
    speed: float
    seed: int
    reset: bool


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """A stage with everything running on it."""

    options: Options
    stage: stage.Stage
    ports: Ports
    actors: Actors
    air: Airwaves
    broker: peers.Program
    daemon: peers.Program
    consumer: peers.Program
    http: aiohttp.ClientSession
    scene: Scene

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.admin}"


@asynccontextmanager
async def playing(options: Options, *, say: Callable[[str], None]) -> AsyncIterator[Play]:
    """Everything started; everything ended when the block is left, however it is left."""
    folder = options.folder
    async with AsyncExitStack() as stack:
        stack.enter_context(stage.taken(folder))
        await asyncio.to_thread(stage.prepare, folder, reset=options.reset)
        lines = SerialLine(), SerialLine()
        for line in lines:
            stack.callback(line.close)
        await lines[0].hold_up(folder / stage.SCAN_PIPE)
        ports = Ports(
            guest=peers.free_port(8080),
            shop=peers.free_port(8081),
            admin=peers.free_port(8082),
            broker=peers.free_port(),
            dns=peers.free_port(8053),
        )
        say("preparing the door camera's film (slow the first time only)")
        film, truth = await asyncio.to_thread(stage.door_film, folder)
        say("importing the catalogue, writing documents and keys")
        devices = Devices(kiosk_scanner=lines[0].device, till_scanner=lines[1].device, door_clip=film)
        ready = await stage.stage(folder, ports=ports, devices=devices, truth=truth)

        say("starting the broker, the gateway and the cloud's reader")
        http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        broker = peers.broker(folder, ports.broker)
        air = await asyncio.to_thread(partial(Airwaves, folder, seed=options.seed))
        stack.push_async_callback(air.stop)
        await air.start()
        consumer = peers.consumer(folder, ports.broker)
        daemon = peers.daemon(folder, ready.config, more=air.environment)
        for program in (broker, consumer, daemon):
            stack.push_async_callback(program.stop)
            await program.start()
        actors = Actors(
            http=http,
            guest_url=f"http://127.0.0.1:{ports.guest}",
            shop_url=f"http://127.0.0.1:{ports.shop}",
            till_key=ready.till_key,
            kiosk_line=lines[0],
            till_line=lines[1],
            hears=air.heard_at,
            seed=options.seed,
        )
        play = Play(
            options=options,
            stage=ready,
            ports=ports,
            actors=actors,
            air=air,
            broker=broker,
            daemon=daemon,
            consumer=consumer,
            http=http,
            scene=Scene(),
        )
        await _until_ready(play)
        await _bring_grants(play)
        yield play


async def run(play: Play) -> None:
    """The day, or day after day; returns when it is over and all that was said has arrived.

    Raises StoregateError when a program ended that should not.
    """
    try:
        await _run(play)
    except ExceptionGroup as group:
        ours = group.subgroup(StoregateError)
        if ours is None:
            raise
        raise ours.exceptions[0] from None


async def _run(play: Play) -> None:
    deaths = [play.daemon, play.consumer]
    async with asyncio.TaskGroup() as group:
        guards = [group.create_task(program.must_run()) for program in deaths]
        looks = group.create_task(_look(play))
        walks = group.create_task(play.air.live())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(play.options.seconds):
                number = 0
                while True:
                    await _day(play, seed=play.options.seed + number)
                    number += 1
                    if play.options.seconds is None:
                        continue
        await _settle(play)
        for task in (*guards, looks, walks):
            task.cancel()


async def _day(play: Play, *, seed: int) -> None:
    """One shop day at `speed`, with one outage in its middle (or in the middle of the seconds we have)."""
    speed = play.options.speed
    lasts_s = min(day.DAY_S / speed, play.options.seconds or float("inf"))
    acts = day.acts(seed=seed, codes=play.stage.codes, words=stage.WORDS)
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        outage = group.create_task(_outage(play, lasts_s))
        clone = group.create_task(_clone(play, lasts_s))
        try:
            for act in acts:
                wait_s = began + act.at_s / speed - time.monotonic()
                play.scene.shop_clock = _clock(act.at_s)
                if wait_s > 0:
                    await asyncio.sleep(wait_s)
                group.create_task(play.actors.do(act))
            await asyncio.sleep(max(0.0, began + lasts_s - time.monotonic()))
        finally:
            outage.cancel()
            clone.cancel()


async def _outage(play: Play, lasts_s: float) -> None:
    """No goodbye: the broker is killed, as a line that is cut says none either."""
    begins, ends = OUTAGE
    await asyncio.sleep(lasts_s * begins)
    play.scene.line = Line.CUT
    await play.broker.stop(signal.SIGKILL)
    await asyncio.sleep(lasts_s * (ends - begins))
    await _mend(play)


async def _clone(play: Play, lasts_s: float) -> None:
    begins, ends = CLONE
    await asyncio.sleep(lasts_s * begins)
    play.air.clone(on=True)
    await asyncio.sleep(lasts_s * (ends - begins))
    play.air.clone(on=False)


async def _mend(play: Play) -> None:
    if play.scene.line is Line.CUT:
        play.scene.line = Line.UP
        await play.broker.start()


async def _settle(play: Play) -> None:
    """Waits until the cloud has all there is."""
    if play.scene.line is Line.CUT:
        await _mend(play)
    ends = time.monotonic() + SETTLE_S
    calm = 0
    before = -1
    while time.monotonic() < ends and calm < 3:  # three equal looks: the ticker may still tell something
        await asyncio.sleep(1.2)
        await _look_once(play)
        found = play.scene.account
        done = found.produced > 0 and found.produced == found.received + found.lost
        calm = calm + 1 if done and found.produced == before else 0
        before = found.produced


async def _look(play: Play) -> None:
    while True:
        await _look_once(play)
        await asyncio.sleep(0.7)


async def _look_once(play: Play) -> None:
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with play.http.get(f"{play.admin_url}/api/v1/status", timeout=aiohttp.ClientTimeout(total=3)) as answer:
            play.scene.status = await answer.read()
    play.scene.account = await asyncio.to_thread(
        account.read, play.options.folder, truth=play.stage.truth, clip_s=stage.CLIP_S
    )


async def _until_ready(play: Play) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with play.http.get(f"{play.admin_url}/readyz", timeout=aiohttp.ClientTimeout(total=2)) as answer:
                if answer.status == 200:
                    return
        if not play.daemon.running:
            await play.daemon.must_run()
        await asyncio.sleep(0.1)
    raise StoregateError(f"the gateway was not ready in {START_S:.0f} s:\n{await asyncio.to_thread(play.daemon.tail)}")


async def _bring_grants(play: Play) -> None:
    for grant in stage.grants(play.stage):
        async with play.http.post(f"{play.admin_url}/api/v1/coupons/grant", data=msgspec.json.encode(grant)) as answer:
            if answer.status != 200:
                raise StoregateError(f"the grant was not taken: {await answer.text()}")


def _clock(at_s: float) -> str:
    minutes = int(day.OPENS_H * 60 + at_s / 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"
