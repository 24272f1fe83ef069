"""Options of the soak, its progress on standard error, and a folder that stays when a test fails."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

KILLS, CUTS = 200, 100
FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("soak")
    group.addoption("--kills", type=int, default=KILLS, help="times the daemon is killed")
    group.addoption("--cuts", type=int, default=CUTS, help="times the power of the journal's disk is cut")
    group.addoption("--soak-seed", type=int, help="repeat a run: the same moments, as far as they are ours to choose")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "soak" in config.getoption("-m"):
        return
    skip = pytest.mark.skip(reason="takes minutes: make soak")
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    given = request.config.getoption("--soak-seed", None)
    return secrets.randbelow(1_000_000) if given is None else given


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--kills", KILLS)


@pytest.fixture
def cuts(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--cuts", CUTS)


@pytest.fixture
def folder(request: pytest.FixtureRequest, seed: int) -> Iterator[Path]:
    """New; kept when the test fails, with the seed that made it."""
    made = Path(tempfile.mkdtemp(prefix="storegate-soak-"))
    yield made
    if request.node.stash.get(FAILED, False):
        _say(request, f"\n{request.node.name} failed: --soak-seed={seed}, everything is in {made}")
    else:
        shutil.rmtree(made, ignore_errors=True)


class Told:
    """Where a test says how far it is, past pytest's capture; without a terminal, a line now and then."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request
        self._bar: Progress | None = None
        self._every = 1

    def begin(self, what: str, total: int) -> None:
        console = Console(file=sys.__stderr__)
        self._every = max(1, total // 20)
        if console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=console, transient=True)
            self._bar.add_task(what, total=total)
            self._bar.start()

    def step(self, done: int, total: int, figures: str) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, description=figures)
        elif done % self._every == 0:
            self.say(f"{done}/{total} {figures}")

    def say(self, text: str) -> None:
        _say(self._request, text)

    def end(self) -> None:
        if self._bar is not None:
            self._bar.stop()


@pytest.fixture
def told(request: pytest.FixtureRequest) -> Iterator[Told]:
    made = Told(request)
    yield made
    made.end()


def _say(request: pytest.FixtureRequest, text: str) -> None:
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
