"""The documents of the contract are those of the code."""

from __future__ import annotations

import json

from cloud_bridge import contract
from cloud_bridge.payloads import encode
from edge import telemetry
from tests.cloud_bridge.given_rows import row


def test_nothing_is_stale() -> None:
    assert contract.stale(contract.DOCS) == [], "run: python -m cloud_bridge.contract"


def test_every_type_has_a_schema_and_a_channel_in_both_lanes() -> None:
    document = contract.asyncapi()
    addresses = {channel["address"] for channel in document["channels"].values()}
    for kind in telemetry.all_types():
        assert (contract.DOCS / "schemas" / f"{kind.TYPE}.json").exists()
        assert sum(address.endswith(f"/{kind.TYPE}") for address in addresses) == 2


def test_references_lead_somewhere() -> None:
    text = json.dumps(contract.asyncapi())
    document = json.loads(text)

    def look(node: object) -> None:
        if isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str):
                if reference.startswith("#/"):
                    at = document
                    for part in reference[2:].split("/"):
                        at = at[part]
                else:
                    assert (contract.DOCS / reference).exists(), reference
            for item in node.values():
                look(item)
        elif isinstance(node, list):
            for item in node:
                look(item)

    look(document)


def test_an_envelope_has_what_its_schema_asks_for() -> None:
    schema = contract.schemas()["envelope"]
    (event,) = json.loads(encode([row(1)], source="/storegate/a/b/c", epoch="e", always_deflate=False).payload)
    assert set(schema["required"]) <= event.keys() <= schema["properties"].keys()
