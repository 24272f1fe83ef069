"""The bar across the door: nothing of a guest's passes, in both families, until the rules are loaded again.

It goes to the kernel as messages and needs no program: it is for when `nft` can't run, and for the moments in which
somebody has taken our table away and thousands of members are being put back. Nobody hears a refusal, so connections
outlive those moments. Layouts: linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

import struct
from typing import Final

from devices.access.gate.netlink import Batch, attribute

NAME: Final = "storegate_wait"
_NEW_TABLE, _DELETE_TABLE, _NEW_CHAIN, _NEW_RULE = 0, 2, 3, 6
_PREROUTING, _RAW, _ACCEPT, _DROP = 0, -300, 1, 0
_VERDICT, _FIRST_REGISTER = 0, 1
_INCOMING_NAME, _EQUAL = 6, 0


def batch(interface: str) -> Batch:
    """There afterwards, whether it was there before or not."""
    name = NAME.encode() + b"\0"
    table = attribute(1, name)
    hook = attribute(1, _number(_PREROUTING)) + attribute(2, _number(_RAW))
    chain = table + attribute(3, name) + attribute(4, hook, nested=True) + attribute(5, _number(_ACCEPT))
    guests = interface.encode().ljust(16, b"\0")
    drop = attribute(2, attribute(1, _number(_DROP)), nested=True)
    rule = (
        _expression("meta", attribute(1, _number(_FIRST_REGISTER)) + attribute(2, _number(_INCOMING_NAME)))
        + _expression(
            "cmp",
            attribute(1, _number(_FIRST_REGISTER))
            + attribute(2, _number(_EQUAL))
            + attribute(3, attribute(1, guests), nested=True),
        )
        + _expression("immediate", attribute(1, _number(_VERDICT)) + attribute(2, drop, nested=True))
    )
    made = Batch(NAME)
    made.put(_NEW_TABLE, table)
    made.put(_DELETE_TABLE, table)
    made.put(_NEW_TABLE, table)
    made.put(_NEW_CHAIN, chain + attribute(7, b"filter\0"))
    made.put(_NEW_RULE, table + attribute(2, name) + attribute(4, rule, nested=True))
    return made


def _expression(name: str, data: bytes) -> bytes:
    return attribute(1, attribute(1, name.encode() + b"\0") + attribute(2, data, nested=True), nested=True)


def _number(value: int) -> bytes:
    return struct.pack(">i", value)
