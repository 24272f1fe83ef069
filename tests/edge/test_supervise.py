from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from edge.board import Board, State
from edge.errors import DeviceError
from edge.sdnotify import Notifier
from edge.supervise import keep, words


class Ends:
    """A service that ends each time, after `lasts_s`."""

    def __init__(self, *problems: Exception | None, lasts_s: float = 0.0) -> None:
        self.problems = list(problems)
        self.lasts_s = lasts_s
        self.began: list[float] = []

    async def __call__(self) -> None:
        self.began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.lasts_s)
        problem = self.problems.pop(0) if self.problems else None
        if problem is not None:
            raise problem


async def told_by(service: Ends, *, for_s: float) -> tuple[Board, list[str]]:
    board, told = Board(), []

    async def on_fail(name: str, problem: str, retry_in_s: float) -> None:
        told.append(f"{name}: {problem}")
        assert 0 < retry_in_s <= 60

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(for_s):
            await keep("scanner dock-1", service, board, on_fail=on_fail)
    return board, told


@pytest.mark.looptime
async def test_it_comes_back_later_and_later_and_is_told_once_a_problem() -> None:
    service = Ends(*[DeviceError("unplugged", hint="plug it in")] * 1000)
    board, told = await told_by(service, for_s=3600)
    gaps = [after - before for before, after in zip(service.began, service.began[1:], strict=False)]
    assert gaps[0] <= 1 < gaps[2]
    assert all(30 <= gap <= 60 for gap in gaps[5:])
    assert told == ["scanner dock-1: unplugged"]
    shown = board.services["scanner dock-1"]
    assert (shown.state, shown.problem, shown.hint) == (State.WAITING, "unplugged", "plug it in")
    assert shown.restarts == len(service.began)


@pytest.mark.looptime
async def test_a_long_run_makes_the_next_wait_short_again() -> None:
    service = Ends(*[DeviceError("gone")] * 100, lasts_s=100)
    _, told = await told_by(service, for_s=1000)
    gaps = [after - before for before, after in zip(service.began, service.began[1:], strict=False)]
    assert all(100 < gap <= 101 for gap in gaps)
    assert len(told) == len(service.began) - 1


@pytest.mark.looptime
async def test_to_end_is_to_fail() -> None:
    _, told = await told_by(Ends(None), for_s=2)
    assert told == ["scanner dock-1: it ended by itself"]


def test_the_first_real_error_of_a_group_is_told() -> None:
    group = ExceptionGroup("many", [ExceptionGroup("inner", [DeviceError("no such port", hint="look")])])
    assert words(group) == ("no such port", "look")
    assert words(KeyError("x"))[0] == "KeyError: 'x'"


def heard(peer: socket.socket) -> list[str]:
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(peer.recv(4096).decode())
    return found


@pytest.fixture
def systemd(tmp_path: Path) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    peer.bind(str(tmp_path / "notify"))
    peer.setblocking(False)
    with peer:
        yield peer


def test_systemd_hears_ready_status_and_stopping(systemd: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "30000000"})
    notifier.ready("all\nwell")
    notifier.status("busy")
    notifier.stopping()
    assert heard(systemd) == ["READY=1\nSTATUS=all well", "STATUS=busy", "STOPPING=1"]
    assert notifier.watchdog_s == 30
    notifier.close()
    notifier.ready()  # after the end: nothing, and no error


@pytest.mark.looptime
async def test_the_watchdog_is_fed_only_while_work_is_done(systemd: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "3000000"})
    trouble = ""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2.5):
            await notifier.beat(lambda: trouble)
    assert heard(systemd) == ["WATCHDOG=1"] * 3
    trouble = "the journal does not commit"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await notifier.beat(lambda: trouble)
    assert heard(systemd) == ["STATUS=the journal does not commit"]
    notifier.close()


def test_without_systemd_nothing_happens() -> None:
    notifier = Notifier({})
    notifier.ready("x")
    notifier.watchdog()
    assert notifier.watchdog_s is None
    assert Notifier({"WATCHDOG_USEC": "x"}).watchdog_s is None
    assert Notifier({"WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"}).watchdog_s is None
    broken = Notifier({"NOTIFY_SOCKET": "/nowhere/at/all"})
    broken.ready()
    broken.close()
