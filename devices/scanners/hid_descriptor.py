"""HID report descriptors → the fields of input reports (Device Class Definition for HID 1.11, §6.2.2). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MAX_BYTES = 4096  # HID_MAX_DESCRIPTOR_SIZE of the kernel
_MAX_FIELDS = 4096
_LONG_ITEM = 0xFE

# Item prefixes without their size bits
_INPUT, _COLLECTION, _END_COLLECTION, _OUTPUT, _FEATURE = 0x80, 0xA0, 0xC0, 0x90, 0xB0
_USAGE_PAGE, _PUSH, _POP = 0x04, 0xA4, 0xB4
_USAGE, _USAGE_MIN, _USAGE_MAX = 0x08, 0x18, 0x28
_MAIN = frozenset({_INPUT, _COLLECTION, _END_COLLECTION, _OUTPUT, _FEATURE})


class Field(NamedTuple):
    """One value of an input report; an array of equal ones (`values`) stands as one field."""

    report_id: int
    """0: the device numbers no reports."""
    usage: int
    """Page in the upper, id in the lower 16 bits; 0 for padding."""
    bit: int
    """From the report's start, behind its id byte."""
    bits: int
    values: int


class _Globals(NamedTuple):
    page: int = 0
    size: int = 0
    values: int = 0
    report_id: int = 0


def input_fields(descriptor: bytes) -> tuple[Field, ...]:
    """Never raises: what can't be read is left out."""
    state, stack = _Globals(), [_Globals()]
    usages: list[int] = []
    low = 0
    used_bits: dict[int, int] = {}
    fields: list[Field] = []
    for tag, value, size in _items(descriptor[:MAX_BYTES]):
        if tag == _INPUT:
            bit = used_bits.get(state.report_id, 0)
            fields += _spread(state, usages, bit)[: _MAX_FIELDS - len(fields)]
            used_bits[state.report_id] = bit + state.size * state.values
        elif tag == _USAGE:
            usages.append(value if size == 4 else state.page << 16 | value)
        elif tag == _USAGE_MIN:
            low = value if size == 4 else state.page << 16 | value
        elif tag == _USAGE_MAX:
            high = value if size == 4 else state.page << 16 | value
            usages += range(low, min(high + 1, low + 256))
        elif tag == _PUSH:
            stack.append(state)
        elif tag == _POP:
            state = stack.pop() if stack else _Globals()
        else:
            state = _global(state, tag, value)
        if tag in _MAIN:
            usages, low = [], 0
    return tuple(fields)


def pages(descriptor: bytes) -> frozenset[int]:
    """Usage pages that the descriptor names anywhere."""
    return frozenset(value for tag, value, _ in _items(descriptor[:MAX_BYTES]) if tag == _USAGE_PAGE)


def _global(state: _Globals, tag: int, value: int) -> _Globals:
    match tag:
        case 0x04:  # usage page
            return state._replace(page=value & 0xFFFF)
        case 0x74:  # report size
            return state._replace(size=min(value, 32))
        case 0x84:  # report id
            return state._replace(report_id=value & 0xFF)
        case 0x94:  # report count
            return state._replace(values=min(value, MAX_BYTES))
        case _:
            return state


def _spread(state: _Globals, usages: list[int], bit: int) -> list[Field]:
    """One field a usage; the last usage takes the values that are left (§6.2.2.8)."""
    fields: list[Field] = []
    names = (usages or [0])[: max(state.values, 0)]
    for index, usage in enumerate(names):
        values = state.values - index if index == len(names) - 1 else 1
        fields.append(Field(state.report_id, usage, bit + index * state.size, state.size, values))
    return fields


def _items(descriptor: bytes) -> Iterator[tuple[int, int, int]]:
    """(prefix without size, value, size in bytes)."""
    at = 0
    while at < len(descriptor):
        prefix = descriptor[at]
        if prefix == _LONG_ITEM:
            if at + 1 >= len(descriptor):
                return
            at += 3 + descriptor[at + 1]
            continue
        size = (0, 1, 2, 4)[prefix & 3]
        data = descriptor[at + 1 : at + 1 + size]
        if len(data) < size:
            return
        yield prefix & 0xFC, int.from_bytes(data, "little"), size
        at += 1 + size
