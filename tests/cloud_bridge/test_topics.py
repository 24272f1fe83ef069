"""Topics: six slashes, one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from cloud_bridge import topics
from cloud_bridge.topics import Gateway, Lane, every, gateway_of, may_answer, parse
from edge import telemetry

GATEWAY = Gateway("acme", "berlin-1", "gw.1")


@pytest.mark.parametrize("lane", Lane)
def test_every_topic_has_six_slashes_and_reads_back(lane: Lane) -> None:
    for kind in telemetry.all_types():
        topic = GATEWAY.events(lane, f"storegate.{kind.TYPE}")
        assert topic.count("/") == 6
        assert parse(topic) == (GATEWAY, lane, kind.TYPE)


@pytest.mark.parametrize(
    "topic",
    ["", "storegate", "storegate/v2/a/b/c/ev/x", "storegate/v1/a/b/c/xx/x", "storegate/v1/a/+/c/ev/x", "a" * 70000],
)
def test_other_topics_are_nobody_s(topic: str) -> None:
    assert parse(topic) is None


def test_a_source_reads_back() -> None:
    assert gateway_of(GATEWAY.source) == GATEWAY
    assert gateway_of("/else/acme/s/g") is None
    assert gateway_of("/storegate/a/../g/x") is None


def test_a_shared_filter() -> None:
    assert every(Lane.EVENTS, share="ingest") == "$share/ingest/storegate/v1/+/+/+/ev/+"


@pytest.mark.parametrize(
    ("topic", "may"), [("answers/me", True), ("", False), ("a/#", False), ("$SYS/x", False), ("x" * 300, False)]
)
def test_where_an_answer_may_go(topic: str, may: bool) -> None:
    assert may_answer(topic) is may


def test_no_other_file_has_a_topic() -> None:
    root = Path(topics.__file__).parents[1]
    found = [
        f"{path.name}: {node.value}"
        for top in ("edge", "devices", "cloud_bridge")
        for path in (root / top).rglob("*.py")
        if path.name != "topics.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("storegate/v1/")
    ]
    assert found == []
