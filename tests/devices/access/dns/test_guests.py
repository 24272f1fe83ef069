"""Whose a question is: a shop full of phones that all ask at once are soon told apart."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network

from devices.access.dns.guests import MOST_LEARNT, STRANGERS, Guests
from edge.ids import Mac

CROWD = 3 * MOST_LEARNT


class Everybody:
    async def mac_of(self, address: str) -> Mac | None:
        await asyncio.sleep(0)
        return Mac(f"02:00:00:00:00:{int(address.rpartition('.')[2]):02x}")


async def test_a_crowd_that_asks_at_once_is_nobody_s_stranger_for_long() -> None:
    guests = Guests([ip_network("10.64.0.0/24")], "guest0", Everybody())
    addresses = [f"10.64.0.{number}" for number in range(1, CROWD + 1)]
    try:
        for _ in range(3):
            for address in addresses:
                guests.may_ask(address, 1, 1.0)
            await asyncio.sleep(0.01)
        assert STRANGERS not in {guests.who(address) for address in addresses}
    finally:
        await guests.close()
