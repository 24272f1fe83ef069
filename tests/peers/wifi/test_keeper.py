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
    """One for each test: each breaks it."""
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


def test_the_doctor_finds_a_well_box_well(gateway: Gateway) -> None:
    told = doctor(gateway)
    for what in ("wifi programs", "wifi guest0", "wifi wan0", "gate", "policy", "portal"):
        assert told[what][0] == "ok", (what, told[what])
    assert not {"wifi address", "wifi forwarding", "captive DNS"} & told.keys()
    assert "wifi_gate" not in findings(gateway)


def test_rules_that_somebody_flushed_are_told(gateway: Gateway) -> None:
    gateway.space.run("nft", "flush", "ruleset")
    until(lambda: "wifi_rules_changed" in findings(gateway), within_s=30, what="it is on the status page")
    assert doctor(gateway)["gate"][0] == "note"
    assert gateway.gate_up()


def test_a_gate_that_died_is_told_with_what_to_do(gateway: Gateway) -> None:
    gateway.kill("gate")
    until(lambda: "wifi_gate" in findings(gateway), within_s=20, what="it is on the status page")
    assert "storegate-gate" in findings(gateway)["wifi_gate"]["next"]
    assert doctor(gateway)["gate"][0] == "wrong"


def test_an_interface_that_went_is_told(gateway: Gateway) -> None:
    gateway.space.run("ip", "link", "set", "guest0", "down")
    until(lambda: "wifi_interface_down" in findings(gateway), within_s=30, what="it is on the status page")
    assert doctor(gateway)["wifi guest0"][0] == "wrong"
