"""nf_tables over a raw netlink socket: elements in and out of our sets, without a process and without a library.

Wire format: `linux/netfilter/nfnetlink.h` and `nf_tables.h`. Everything in one `Batch` is one transaction: the kernel
does all of it or nothing. A call blocks for as long as the kernel works (microseconds; 0.1 s for thousands).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

NETLINK_NETFILTER: Final = 12
_INET, _SUBSYSTEM, _NESTED = 1, 10, 0x8000
_NEW_ELEMENTS, _GET_ELEMENTS, _DELETE_ELEMENTS, _GET_GENERATION = 12, 13, 14, 16
_BEGIN, _END = 16, 17
_REQUEST, _ACK, _DUMP, _CREATE, _INTERRUPTED = 0x1, 0x4, 0x300, 0x400, 0x10
_ERROR, _DONE = 2, 3
_INTERVAL_END: Final = 0x1
_MADE: Final = frozenset({0, 3, 6, _NEW_ELEMENTS})
"""Tables, chains, rules, elements."""
_PER_MESSAGE: Final = 600
"""Elements: an attribute's length has 16 bits."""
_BUFFER_BYTES: Final = 16 << 20
_FORCE_SEND, _FORCE_RECEIVE = 32, 33
_TRIES: Final = 5
_PATIENCE_S: Final = 5.0


class Element(NamedTuple):
    key: bytes
    data: bytes = b""
    timeout_ms: int = 0
    """0: none, or the set's own."""
    end: bool = False
    """Of a set of intervals: the first key that is no longer in one."""


class Found(NamedTuple):
    """An element as the kernel has it."""

    key: bytes
    data: bytes
    left_ms: int
    """Until its timeout; 0: it has none."""
    octets: int
    packets: int
    end: bool = False


class Batch:
    """Changes to elements of one table, in order."""

    def __init__(self, table: str) -> None:
        self._table = _attribute(1, table.encode() + b"\0")
        self._parts: list[tuple[int, bytes]] = []
        self.over: list[int] = []
        """Marks of sessions that end with it: their connections are to be forgotten after it."""

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, name: str, elements: Iterable[Element]) -> None:
        """One that is there already stays as it is."""
        self._put(_NEW_ELEMENTS, name, [_packed(one) for one in elements])

    def remove(self, name: str, keys: Iterable[Element]) -> None:
        """The kernel refuses the batch when one is not there."""
        self._put(_DELETE_ELEMENTS, name, [_packed(Element(one.key, one.data)) for one in keys])

    def flush(self, name: str) -> None:
        self._parts.append((_DELETE_ELEMENTS, self._table + _attribute(2, name.encode() + b"\0")))

    def drop(self, name: str, elements: Iterable[Element]) -> None:
        """Gone, whether they were there or not (older kernels have no word for that)."""
        gone = [Element(one.key, one.data) for one in elements]
        self.add(name, gone)
        self.remove(name, gone)

    def renew(self, name: str, elements: Iterable[Element], was: Iterable[Element] | None = None) -> None:
        """There with a new timeout (and, `was` naming the old data, new data), whether they were there or not."""
        fresh = list(elements)
        self.drop(name, fresh if was is None else was)
        self.add(name, fresh)

    def extend(self, other: Batch) -> None:
        self._parts += other._parts
        self.over += other.over

    def put(self, kind: int, body: bytes) -> None:
        """Any other message of nf_tables."""
        self._parts.append((kind, body))

    def packed(self, first: int) -> tuple[bytes, int]:
        """The datagram, and the number of its last message that changes something."""
        out = [_message(_BEGIN, _REQUEST, first, b"", family=0, resource=_SUBSYSTEM)]
        number = first
        for kind, body in self._parts:
            number += 1
            flags = _REQUEST | (_CREATE if kind in _MADE else 0)
            flags |= _ACK if number == first + len(self._parts) else 0
            out.append(_message(_SUBSYSTEM << 8 | kind, flags, number, body))
        out.append(_message(_END, _REQUEST, number + 1, b"", family=0, resource=_SUBSYSTEM))
        return b"".join(out), number

    def _put(self, kind: int, name: str, packed: list[bytes]) -> None:
        head = self._table + _attribute(2, name.encode() + b"\0")
        for at in range(0, len(packed), _PER_MESSAGE):
            body = head + _attribute(3 | _NESTED, b"".join(packed[at : at + _PER_MESSAGE]))
            self._parts.append((kind, body))


class Netlink:
    """One socket to the kernel's nf_tables. Raises OSError: ENOENT where the table or set is not there."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
        try:
            self._socket.bind((0, 0))
            self._socket.settimeout(_PATIENCE_S)
            for force, plain in ((_FORCE_SEND, socket.SO_SNDBUF), (_FORCE_RECEIVE, socket.SO_RCVBUF)):
                try:
                    self._socket.setsockopt(socket.SOL_SOCKET, force, _BUFFER_BYTES)
                except PermissionError:
                    self._socket.setsockopt(socket.SOL_SOCKET, plain, _BUFFER_BYTES)
        except OSError:
            self._socket.close()
            raise
        self._number = 1

    def close(self) -> None:
        self._socket.close()

    def commit(self, batch: Batch) -> None:
        """All of it or nothing."""
        if not batch:
            return
        first = self._number + 1
        data, last = batch.packed(first)
        self._number = last + 1
        self._socket.send(data)
        failed = 0
        while True:
            for kind, number, body, _ in self._received():
                if kind != _ERROR or not first <= number <= last + 1:
                    continue
                code = -struct.unpack_from("=i", body)[0]
                failed = failed or code
                if number == last or code:
                    # the refusals of a batch come together, before or instead of the last answer
                    if failed:
                        raise OSError(failed, os.strerror(failed))
                    return

    def dump(self, table: str, name: str) -> list[Found]:
        """All elements that are not over."""
        body = _attribute(1, table.encode() + b"\0") + _attribute(2, name.encode() + b"\0")
        for _ in range(_TRIES):
            found, whole = self._dumped(body)
            if whole:
                break
        return found

    def get(self, table: str, name: str, key: bytes) -> Found | None:
        """One element; None: it is not there, or over."""
        wanted = _attribute(3 | _NESTED, _packed(Element(key)))
        body = _attribute(1, table.encode() + b"\0") + _attribute(2, name.encode() + b"\0") + wanted
        self._number += 1
        self._socket.send(_message(_SUBSYSTEM << 8 | _GET_ELEMENTS, _REQUEST, self._number, body))
        while True:
            for kind, number, answer, _ in self._received():
                if number != self._number:
                    continue
                if kind == _ERROR:
                    if -struct.unpack_from("=i", answer)[0] == errno.ENOENT:
                        return None
                    _refused(answer)
                for attribute, elements in attributes(answer[4:]):
                    if attribute == 3:
                        return next((_element(one) for _, one in attributes(elements)), None)

    def generation(self) -> int:
        """Counts the transactions of everybody in this network namespace."""
        self._number += 1
        self._socket.send(_message(_SUBSYSTEM << 8 | _GET_GENERATION, _REQUEST, self._number, b"", family=0))
        while True:
            for kind, number, body, _ in self._received():
                if number != self._number:
                    continue
                if kind == _ERROR:
                    _refused(body)
                for name, value in attributes(body[4:]):
                    if name == 1 and len(value) == 4:
                        return int.from_bytes(value, "big")

    def _dumped(self, body: bytes) -> tuple[list[Found], bool]:
        self._number += 1
        request = _message(_SUBSYSTEM << 8 | _GET_ELEMENTS, _REQUEST | _DUMP, self._number, body)
        self._socket.send(request)
        found: list[Found] = []
        whole = True
        while True:
            for kind, number, answer, flags in self._received():
                if number != self._number:
                    continue
                whole = whole and not flags & _INTERRUPTED
                if kind == _ERROR:
                    _refused(answer)
                if kind == _DONE:
                    return found, whole
                for name, elements in attributes(answer[4:]):
                    if name == 3:
                        found += [_element(one) for _, one in attributes(elements)]

    def _received(self) -> Iterator[tuple[int, int, bytes, int]]:
        try:
            data = self._socket.recv(1 << 20)
        except TimeoutError as error:
            raise OSError(errno.ETIMEDOUT, "the kernel does not answer") from error
        yield from messages(data)


def messages(data: bytes) -> Iterator[tuple[int, int, bytes, int]]:
    """Kind, number, body and flags of each netlink message."""
    at = 0
    while at + 16 <= len(data):
        length, kind, flags, number, _ = struct.unpack_from("=IHHII", data, at)
        if length < 16:
            return
        yield kind, number, data[at + 16 : at + length], flags
        at += (length + 3) & ~3


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        length, name = struct.unpack_from("=HH", data, at)
        if length < 4:
            return
        yield name & 0x3FFF, data[at + 4 : at + length]
        at += (length + 3) & ~3


def _refused(body: bytes) -> None:
    code = -struct.unpack_from("=i", body)[0]
    if code:
        raise OSError(code, os.strerror(code))


def _message(kind: int, flags: int, number: int, body: bytes, *, family: int = _INET, resource: int = 0) -> bytes:
    head = struct.pack("=IHHII", 20 + len(body), kind, flags, number, 0)
    return _padded(head + struct.pack("=BBH", family, 0, socket.htons(resource)) + body)


def attribute(name: int, value: bytes, *, nested: bool = False) -> bytes:
    return _attribute(name | _NESTED if nested else name, value)


def _attribute(name: int, value: bytes) -> bytes:
    return _padded(struct.pack("=HH", len(value) + 4, name) + value)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _packed(one: Element) -> bytes:
    body = _attribute(1 | _NESTED, _attribute(1, one.key))
    if one.data:
        body += _attribute(2 | _NESTED, _attribute(1, one.data))
    if one.end:
        body += _attribute(3, struct.pack(">I", _INTERVAL_END))
    if one.timeout_ms:
        body += _attribute(4, struct.pack(">Q", one.timeout_ms))
    return _attribute(1 | _NESTED, body)


def _element(body: bytes) -> Found:
    key = data = b""
    left_ms = octets = packets = flags = 0
    for name, value in attributes(body):
        if name in {1, 2}:
            plain = next((inner for kind, inner in attributes(value) if kind == 1), b"")
            key, data = (plain, data) if name == 1 else (key, plain)
        elif name == 3:
            flags = int.from_bytes(value, "big")
        elif name == 5:
            left_ms = int.from_bytes(value, "big")
        elif name in {7, 11}:  # one expression, or a list of them
            for expression in [value] if name == 7 else [inner for _, inner in attributes(value)]:
                for kind, inner in attributes(expression):
                    if kind == 2:
                        counts = dict(attributes(inner))
                        octets = int.from_bytes(counts.get(1, b""), "big")
                        packets = int.from_bytes(counts.get(2, b""), "big")
    return Found(key, data, left_ms, octets, packets, bool(flags & _INTERVAL_END))
