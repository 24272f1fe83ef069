"""What every test stands on: no blocking call in the event loop, no forgotten warning, a clock that a test moves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from tests.given import HandClock

with contextlib.suppress(ImportError):  # the virtual machine has none
    from hypothesis import HealthCheck, settings

    # How long an example takes is the machine's business: a busy one must not fail a rule that holds.
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")


def pytest_configure() -> None:
    """Says that there is no loop yet, or pytest-asyncio makes one after a plain test and leaves it unclosed."""
    asyncio.set_event_loop(None)


@pytest.fixture(autouse=True)
def no_blocking_in_the_loop(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """Fails a test whose event loop waits for a disk, a socket or a sleep. `@pytest.mark.allow_blocking` lifts it."""
    if request.node.get_closest_marker("allow_blocking"):
        yield None
        return
    with blockbuster_ctx(["edge", "devices", "cloud_bridge"]) as buster:
        yield buster


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock()
