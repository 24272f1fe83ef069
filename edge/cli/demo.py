"""`storegate demo`: a small shop at work on this machine."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli import say
from edge.errors import StoregateError

if TYPE_CHECKING:
    from edge.demo.play import Options, Play

REFRESH_S = 0.5


def demo(
    seconds: Annotated[
        float | None, typer.Option(min=5, help="End by itself after so many seconds, with an account. Else: Ctrl-C.")
    ] = None,
    speed: Annotated[float, typer.Option(min=1, max=5000, help="How much faster than real the shop day passes.")] = 240,
    seed: Annotated[int, typer.Option(min=0, help="The same seed is the same day.")] = 7,
    state: Annotated[Path, typer.Option("--state", help="Everything the demo writes is in this folder.")] = Path(
        ".state/demo"
    ),
    reset: Annotated[bool, typer.Option("--reset", help="Empty the folder first, the prepared film too.")] = False,
) -> None:
    """See a shop working: its own broker, the real gateway, a reader of the cloud, and acted shoppers.

    Shoppers search and scan at the kiosk, take coupons on their phones and use them at the till; people walk
    through a camera's film; in the middle the line to the cloud is cut. Nothing is left running at the end.

    Example: storegate demo --seconds 40 --speed 600
    """
    from edge.demo.play import Options  # noqa: PLC0415 - the demo's libraries are not --help's

    options = Options(folder=state.absolute(), seconds=seconds, speed=speed, seed=seed, reset=reset)
    try:
        good = asyncio.run(_play(options))
    except StoregateError as error:
        say.fail(error)
    raise typer.Exit(0 if good else 1)


async def _play(options: Options) -> bool:
    """Whether every event is accounted for; a Ctrl-C before the first event is no failure."""
    from edge.demo import play, view  # noqa: PLC0415

    task = asyncio.current_task()
    assert task is not None
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    good = True
    try:
        async with play.playing(options, say=lambda text: say.err.print(text, style="dim")) as scene:
            for what, url in view.urls(scene):
                say.err.print(f"{what:28}{url}", highlight=False, soft_wrap=True)
            for line in view.hints(scene):
                say.err.print(line, highlight=False, soft_wrap=True, markup=False)
            with suppress(asyncio.CancelledError):
                await _watched(scene)
            for line in view.report(scene):
                sys.stdout.write(line + "\n")
            good = stopped or scene.scene.account.good
    except asyncio.CancelledError:
        say.err.print("ended before it began", style="dim")
    return good


async def _watched(scene: Play) -> None:
    from rich.live import Live  # noqa: PLC0415

    from edge.demo import play, view  # noqa: PLC0415

    if not say.err.is_terminal:
        await play.run(scene)
        return
    with Live(console=say.err, auto_refresh=False, transient=True) as screen:
        async with asyncio.TaskGroup() as group:

            async def draw() -> None:
                while True:
                    screen.update(view.live(scene), refresh=True)
                    await asyncio.sleep(REFRESH_S)

            drawing = group.create_task(draw())
            await play.run(scene)
            drawing.cancel()
