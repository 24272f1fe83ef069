"""For who keeps the box: the doctor and the status page beside the real gate, dnsmasq and kernel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.peers.wifi.given_gateway import Gateway
from tests.peers.wifi.given_namespaces import until
from tests.peers.wifi.given_network import Network


@pytest.fixture
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Its own: the test breaks it."""
    network = Network(tmp_path_factory.mktemp("keeper"))
    try:
        gateway = Gateway(network)
        gateway.start()
        until(gateway.gate_up, within_s=20, what="the daemon has its gate")
        yield gateway
        gateway.stop()
    finally:
        network.close()


def doctor(gateway: Gateway) -> dict[str, tuple[str, str]]:
    told = json.loads(gateway.storegate("doctor", "--json", check=False))
    return {line["what"]: (line["verdict"], line["text"]) for line in told["lines"]}


def findings(gateway: Gateway) -> dict[str, Any]:
    told = json.loads(gateway.admin("/api/v1/status?lang=en").text)
    return {each["code"]: each for each in told["findings"] if each["code"].startswith("wifi_")}


def told(gateway: Gateway, code: str) -> None:
    until(lambda: code in findings(gateway), within_s=30, what=f"{code} is on the status page")


def test_what_breaks_is_told_with_what_to_do(gateway: Gateway) -> None:
    """One box, since it takes a while to start; each step leaves what the next one needs."""
    lines = doctor(gateway)
    for what in ("wifi programs", "wifi guest0", "wifi wan0", "gate", "policy", "portal"):
        assert lines[what][0] == "ok", (what, lines[what])
    assert not {"wifi address", "wifi forwarding", "captive DNS"} & lines.keys()
    assert not {"wifi_gate", "wifi_rules_changed"} & findings(gateway).keys()

    gateway.space.run("nft", "flush", "ruleset")
    told(gateway, "wifi_rules_changed")
    assert doctor(gateway)["gate"][0] == "note"
    assert gateway.gate_up()

    gateway.space.run("ip", "link", "set", "guest0", "down")
    told(gateway, "wifi_interface_down")
    assert doctor(gateway)["wifi guest0"][0] == "wrong"

    gateway.kill("gate")
    told(gateway, "wifi_gate")
    assert "storegate-gate" in findings(gateway)["wifi_gate"]["next"]
    assert doctor(gateway)["gate"][0] == "wrong"
