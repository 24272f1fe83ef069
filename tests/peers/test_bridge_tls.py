"""TLS with client certificates; whatever is wrong is said in words a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.checked import Secret
from edge.config import MqttSection
from tests.peers.authority import Authority, Pair
from tests.peers.bridged import gate, until
from tests.peers.broker import Mosquitto, free_port

pytestmark = pytest.mark.peer


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca")


def tls_broker(tmp_path: Path, ca: Authority, server: Pair) -> Mosquitto:
    return Mosquitto(
        tmp_path / "broker",
        f"cafile {ca.file}",
        f"certfile {server.cert}",
        f"keyfile {server.key}",
        "require_certificate true",
        "use_identity_as_username true",
    ).start()


@pytest.fixture
def broker(tmp_path: Path, ca: Authority) -> Iterator[Mosquitto]:
    peer = tls_broker(tmp_path, ca, ca.pair("server", server=True))
    yield peer
    peer.stop()


def config(port: int, ca: Path, pair: Pair | None = None) -> MqttSection:
    files = {"cert_file": str(pair.cert), "key_file": str(pair.key)} if pair else {}
    return MqttSection(host="127.0.0.1", port=port, tls=True, ca_file=str(ca), **files)


async def problem_of(tmp_path: Path, section: MqttSection) -> str:
    async with gate(tmp_path) as shop, shop.bridge(section):
        await until(lambda: bool(shop.board.broker.problem))
        assert not shop.board.broker.connected
        return shop.board.broker.problem


async def test_a_client_certificate_opens_the_door(tmp_path: Path, ca: Authority, broker: Mosquitto) -> None:
    async with gate(tmp_path) as shop:
        await shop.found(3)
        async with shop.bridge(config(broker.port, ca.file, ca.pair("gateway"))):
            await shop.drained()


async def test_another_authority_is_named(tmp_path: Path, ca: Authority, broker: Mosquitto) -> None:
    other = Authority(tmp_path / "other", "other CA")
    said = await problem_of(tmp_path, config(broker.port, other.file, ca.pair("gateway")))
    assert "not signed by a CA we trust" in said
    assert "mqtt.ca_file" in said


async def test_an_expired_server_is_named(tmp_path: Path, ca: Authority) -> None:
    peer = tls_broker(tmp_path, ca, ca.pair("server", server=True, days=-1))
    try:
        said = await problem_of(tmp_path, config(peer.port, ca.file, ca.pair("gateway")))
    finally:
        peer.stop()
    assert "the broker's certificate has expired" in said


async def test_no_certificate_of_ours_is_named(tmp_path: Path, ca: Authority, broker: Mosquitto) -> None:
    said = await problem_of(tmp_path, config(broker.port, ca.file))
    assert "mqtt.cert_file" in said


async def test_our_expired_certificate_is_named(tmp_path: Path, ca: Authority, broker: Mosquitto) -> None:
    said = await problem_of(tmp_path, config(broker.port, ca.file, ca.pair("old", days=-1)))
    assert "expired" in said


async def test_a_missing_file_is_named(tmp_path: Path, broker: Mosquitto) -> None:
    said = await problem_of(tmp_path, config(broker.port, tmp_path / "nowhere.pem"))
    assert "nowhere.pem" in said


async def test_tls_towards_a_plain_port_is_named(tmp_path: Path, ca: Authority) -> None:
    peer = Mosquitto(tmp_path / "plain").start()
    try:
        said = await problem_of(tmp_path, config(peer.port, ca.file))
    finally:
        peer.stop()
    assert "TLS" in said or "hung up" in said or "closed" in said


async def test_nobody_there_is_named(tmp_path: Path) -> None:
    said = await problem_of(tmp_path, MqttSection(host="127.0.0.1", port=free_port()))
    assert "refused: nothing listens there" in said


async def test_an_unknown_name_is_named(tmp_path: Path) -> None:
    said = await problem_of(tmp_path, MqttSection(host="no-such-host.invalid", port=1883))
    assert "the name is unknown" in said


async def test_a_wrong_password_is_named_and_not_shown(tmp_path: Path) -> None:
    peer = Mosquitto(tmp_path / "broker", "allow_anonymous false").start()
    section = MqttSection(host="127.0.0.1", port=peer.port, username="shop", password=Secret("topsecret"))
    try:
        said = await problem_of(tmp_path, section)
    finally:
        peer.stop()
    assert "0x87" in said or "0x86" in said
    assert "topsecret" not in said
