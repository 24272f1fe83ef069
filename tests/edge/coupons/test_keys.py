"""The gateway's secrets and what gateway.toml says of keys; grants that are not right."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge import grants, keys
from edge.config import parse
from edge.errors import ConfigError, StoregateError
from edge.grants import Grant, GrantError
from edge.keys import GatewayKeys, public_bytes, verifier

CLOUD = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"cloud").digest())
ISSUERS = {"cloud": verifier(public_bytes(CLOUD))}
GRANT = Grant(grant_id="g1", campaign="milk", gateway="/storegate/a/b/c", units=5, not_after_ms=10, seq=1)
HEAD = '[gateway]\ntenant = "a"\nstore = "b"\nid = "c"\n'


def test_secrets_are_made_once_and_for_the_daemon_alone(tmp_path: Path) -> None:
    first, second = GatewayKeys.open(tmp_path), GatewayKeys.open(tmp_path)
    assert first.public == second.public
    assert (first.short, first.guest, first.beacon) == (second.short, second.guest, second.beacon)
    assert first.made == keys.NAMES
    assert second.made == ()
    assert first.beacon_key("nonce") == second.beacon_key("nonce") != first.beacon_key("place")
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {
        "coupon.key": 0o600,
        "short.key": 0o600,
        "guest.key": 0o600,
        "beacon.key": 0o600,
        "wifi.key": 0o600,
    }
    assert "key" not in repr(first).lower().replace("gatewaykeys", "")


@pytest.mark.parametrize("content", [b"", b"AAAA", b"\xff" * 40, b"A" * 4000])
def test_a_damaged_key_stops_the_start_with_a_next_step(tmp_path: Path, content: bytes) -> None:
    GatewayKeys.open(tmp_path)
    (tmp_path / "keys" / "short.key").write_bytes(content)
    with pytest.raises(StoregateError, match="damaged") as caught:
        GatewayKeys.open(tmp_path)
    assert "backup" in caught.value.hint
    assert (tmp_path / "keys" / "short.key").read_bytes() == content


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    GatewayKeys.open(tmp_path)
    (tmp_path / "keys" / "coupon.key").chmod(0o644)
    with pytest.raises(StoregateError, match="read by others"):
        GatewayKeys.open(tmp_path)
    with pytest.raises(FileExistsError):
        keys.make(tmp_path / "keys" / "guest.key")


def test_wrong_keys_are_mistakes_of_the_configuration() -> None:
    text = HEAD + (
        '[stations.a]\nkind = "till"\nkey = "same"\n[stations.b]\nkind = "till"\nkey = "same"\n'
        '[coupons.issuer_keys]\ncloud = "short"\n[coupons.peer_keys]\nx = "%%%"\n'
    )
    with pytest.raises(ConfigError) as caught:
        parse(text, where="test")
    paths = [mistake.path for mistake in caught.value.mistakes]
    assert paths == ["stations.b.key", "coupons.issuer_keys.cloud", "coupons.peer_keys.x"]


def test_a_grant_goes_through_its_document_and_back() -> None:
    signed = grants.sign(GRANT, key_id="cloud", key=CLOUD)
    read = grants.parse(msgspec.json.encode(signed))
    assert grants.verified(read, issuers=ISSUERS, gateway="/storegate/a/b/c") == GRANT


@pytest.mark.parametrize(
    ("change", "words"),
    [({"units": 6}, "signature"), ({"seq": 2}, "signature"), ({"gateway": "/storegate/a/b/d"}, "signature")],
)
def test_a_changed_grant_is_refused(change: dict[str, object], words: str) -> None:
    signed = grants.sign(GRANT, key_id="cloud", key=CLOUD)
    forged = msgspec.structs.replace(signed, grant=msgspec.structs.replace(GRANT, **change))
    with pytest.raises(GrantError, match=words):
        grants.verified(forged, issuers=ISSUERS, gateway="/storegate/a/b/c")


def test_a_grant_of_another_gateway_or_key_is_refused() -> None:
    signed = grants.sign(GRANT, key_id="cloud", key=CLOUD)
    with pytest.raises(GrantError, match="is for /storegate/a/b/c"):
        grants.verified(signed, issuers=ISSUERS, gateway="/storegate/a/b/d")
    with pytest.raises(GrantError, match="not known"):
        grants.verified(signed, issuers={}, gateway="/storegate/a/b/c")
    stranger = grants.sign(GRANT, key_id="cloud", key=Ed25519PrivateKey.generate())
    with pytest.raises(GrantError, match="signature"):
        grants.verified(stranger, issuers=ISSUERS, gateway="/storegate/a/b/c")


@given(st.one_of(st.binary(max_size=200), st.text().map(str.encode), st.just(b"[" * 4000), st.just(b"{" * 5000)))
def test_any_bytes_are_a_grant_or_a_typed_refusal(raw: bytes) -> None:
    with pytest.raises(StoregateError):
        grants.verified(grants.parse(raw), issuers=ISSUERS, gateway="/storegate/a/b/c")


def test_what_is_signed_is_what_the_manual_says() -> None:
    assert grants.canonical(GRANT) == b'storegate grant 1\0["g1","milk","/storegate/a/b/c",5,0,10,1]'
    assert base64.b64decode(grants.sign(GRANT, key_id="k", key=CLOUD).signature) == CLOUD.sign(grants.canonical(GRANT))
