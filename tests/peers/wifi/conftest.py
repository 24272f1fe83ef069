"""One network for all tests of a worker; phones are new for each test, so that no test knows another's guests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.peers.wifi.given_gateway import Gateway
from tests.peers.wifi.given_namespaces import missing
from tests.peers.wifi.given_network import Network
from tests.peers.wifi.given_phone import Phone

HERE = Path(__file__).parent
Join = Callable[..., Phone]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mine = [item for item in items if HERE in item.path.parents]
    reason = missing() if mine else ""
    for item in mine:
        item.add_marker(pytest.mark.peer)
        item.add_marker(pytest.mark.allow_blocking)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def wifi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Everything runs: gate, daemon, dnsmasq."""
    network = Network(tmp_path_factory.mktemp("wifi"))
    try:
        gateway = Gateway(network)
        gateway.start()
        yield gateway
        gateway.stop()
    finally:
        network.close()


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gate and dnsmasq; there is no daemon."""
    network = Network(tmp_path_factory.mktemp("gate"))
    try:
        gateway = Gateway(network)
        gateway.start_gate()
        gateway.start_dnsmasq()
        yield gateway
        gateway.stop()
    finally:
        network.close()


@pytest.fixture
def join(request: pytest.FixtureRequest) -> Iterator[Join]:
    """`join(gateway)`: a new phone on its network, with a lease; it leaves when the test ends."""
    here: list[Phone] = []

    def joined(gateway: Gateway, **wants: bool | str) -> Phone:
        here.append(Phone(gateway.network, **wants))  # type: ignore[arg-type]
        return here[-1]

    yield joined
    for phone in here:
        phone.close()
