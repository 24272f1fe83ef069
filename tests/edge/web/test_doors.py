"""Connections are bounded for a listener and for one address."""

from __future__ import annotations

import asyncio

import pytest

from edge.web.doors import Doors


class Peer(asyncio.Transport):
    """A connection from somewhere."""

    def __init__(self, address: str) -> None:
        super().__init__({"peername": (address, 1234)})
        self.closed = False
        self.served: asyncio.BaseProtocol | None = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.served = protocol

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


def come(doors: Doors, address: str) -> Peer:
    peer = Peer(address)
    doors().connection_made(peer)  # type: ignore[attr-defined]
    return peer


def test_one_address_has_so_many_and_no_more() -> None:
    doors = Doors(asyncio.Protocol, most=100, most_each=3)
    peers = [come(doors, "10.0.0.7") for _ in range(5)]
    assert [bool(peer.served) for peer in peers] == [True, True, True, False, False]
    assert come(doors, "10.0.0.8").served
    assert doors.turned_away == 2


def test_who_leaves_makes_room() -> None:
    doors = Doors(asyncio.Protocol, most=100, most_each=2)
    first, _ = come(doors, "10.0.0.7"), come(doors, "10.0.0.7")
    first.closed = True
    assert come(doors, "10.0.0.7").served
    assert not come(doors, "10.0.0.7").served


def test_a_listener_has_so_many_and_no_more() -> None:
    doors = Doors(asyncio.Protocol, most=4, most_each=3)
    peers = [come(doors, f"10.0.0.{number}") for number in range(6)]
    assert sum(bool(peer.served) and not peer.closed for peer in peers) == 4
    peers[-1].closed = True
    assert come(doors, "10.0.0.99").served


def test_a_crowd_with_all_places_keeps_nobody_out_who_has_fewer() -> None:
    doors = Doors(asyncio.Protocol, most=6, most_each=3)
    crowd = [come(doors, f"10.0.0.{phone}") for phone in (1, 2) for _ in range(3)]
    guest = come(doors, "10.0.0.9")
    assert guest.served
    assert [peer.closed for peer in crowd] == [True, False, False, False, False, False]
    again = come(doors, "10.0.0.2")
    assert not again.served
    assert not guest.closed


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_this_machine_is_not_counted(address: str) -> None:
    doors = Doors(asyncio.Protocol, most=100, most_each=2)
    assert all(come(doors, address).served for _ in range(10))
