"""These tests need the small machine of this folder: `make vm`. Anywhere else they skip."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.vm)
        # The kernel is emulated and slow to answer: what blocks here is the test's own playing of hardware.
        item.add_marker(pytest.mark.allow_blocking)
        if os.environ.get("STOREGATE_VM") != "1":
            item.add_marker(pytest.mark.skip(reason="needs the virtual machine: make vm"))
