"""A merchant's program, and the gateway it calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.edge.web.shakearound.given_calls import Caller, calling
from tests.given import HandClock


@pytest.fixture
async def caller(tmp_path: Path, hand_clock: HandClock) -> AsyncIterator[Caller]:
    async with calling(tmp_path, hand_clock) as made:
        yield made
