"""DNS messages as bytes: questions of guests read, answers built; our own questions, and what a resolver answered.

Everything from outside is hostile: its length is looked at before anything in it. Pure; the one file with dnspython.
"""

from __future__ import annotations

import struct
from collections.abc import Collection
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

Address = IPv4Address | IPv6Address
A, NS, PTR, SOA, AAAA, SRV, SVCB, HTTPS = 1, 2, 12, 6, 28, 33, 64, 65
UDP_BYTES = 512
"""Of an answer to who says nothing of EDNS."""
EDNS_BYTES = 1232
"""Of any message, both ways: fits every path unbroken."""
TCP_BYTES = 65_535
MOST_ADDRESSES = 16
"""In one answer, so that a small question never makes a large one."""
MOST_CNAMES = 8
_HEAD = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHHIH")
_OPT = struct.pack("!BHHIH", 0, 41, EDNS_BYTES, 0, 0)
_OPT_BAD_VERSION = struct.pack("!BHHIH", 0, 41, EDNS_BYTES, 1 << 24, 0)
_SHORTEST = _HEAD.size + 1 + 4
_QR, _TC, _RD, _RA, _OPCODE = 0x8000, 0x0200, 0x0100, 0x0080, 0x7800
_TO_QUESTION = 0xC000 | _HEAD.size
_IN = 1


class Code(IntEnum):
    """Of an answer (RFC 1035)."""

    OK = 0
    MALFORMED = 1
    FAILED = 2
    NO_SUCH_NAME = 3
    NOT_IMPLEMENTED = 4
    REFUSED = 5
    BAD_VERSION = 16


class Question(NamedTuple):
    """What a guest asked."""

    number: int
    name: str
    """Lower case, without the last dot; \\ddd for bytes that no host name has."""
    kind: int
    recursion: bool
    room: int
    """Bytes of an answer over UDP that they can take."""
    edns: bool
    asked: bytes
    """The question's own bytes, which stand in the answer as they came."""


class Unreadable(NamedTuple):
    """A packet that is no question we answer; `answer`: what it deserves, or nothing."""

    answer: bytes


class Found(NamedTuple):
    """What a resolver knew."""

    code: int
    addresses: tuple[Address, ...]
    ttl_s: int
    """The shortest on the way there; 0 where nothing says."""
    ends_at: str
    """Last name of the chain: more has to be asked of it where there is no address."""


class NotAnAnswerError(Exception):
    """Bytes that don't answer what was asked: malformed, somebody else's, or forged."""


def read(packet: bytes) -> Question | Unreadable:
    wrong = _wrong_head(packet)
    if wrong is not None:
        return Unreadable(wrong)
    number, flags, *_ = _HEAD.unpack_from(packet)
    try:
        message = dns.message.from_wire(packet)
    except dns.exception.DNSException:
        return Unreadable(_head(number, flags, Code.MALFORMED))
    (asked,) = message.question
    _, length = dns.name.from_wire(packet, _HEAD.size)
    question = Question(
        number=number,
        name=_text(asked.name),
        kind=int(asked.rdtype),
        recursion=bool(flags & _RD),
        room=min(max(int(message.payload), UDP_BYTES), EDNS_BYTES) if message.edns >= 0 else UDP_BYTES,
        edns=message.edns >= 0,
        asked=packet[_HEAD.size : _HEAD.size + length + 4],
    )
    if message.edns > 0:
        return Unreadable(answer(question, Code.BAD_VERSION))
    return question if asked.rdclass == dns.rdataclass.IN else Unreadable(answer(question, Code.REFUSED))


def _wrong_head(packet: bytes) -> bytes | None:
    """What a packet deserves that is no question by its head alone; None: it may be one."""
    if not _SHORTEST <= len(packet) <= EDNS_BYTES:
        return b""
    number, flags, *counts = _HEAD.unpack_from(packet)
    if flags & _QR:  # an answer to nothing we asked: to answer it again would make two servers talk for ever
        return b""
    if flags & _OPCODE:
        return _head(number, flags, Code.NOT_IMPLEMENTED)
    questions, answers_, authorities, additional = counts
    if questions != 1 or answers_ or authorities or additional > 1:
        return _head(number, flags, Code.MALFORMED)
    return None


def answer(
    question: Question, code: Code = Code.OK, addresses: Collection[Address] = (), *, ttl_s: int = 0, room: int = 0
) -> bytes:
    """`room`: bytes the way back has; 0: what the question says. What is too long says so (TC) and leaves it out."""
    records = [
        _RECORD.pack(_TO_QUESTION, A if len(each.packed) == 4 else AAAA, _IN, ttl_s, len(each.packed)) + each.packed
        for each in list(addresses)[:MOST_ADDRESSES]
    ]
    opt = (_OPT_BAD_VERSION if code is Code.BAD_VERSION else _OPT) if question.edns else b""
    flags = _QR | _RA | (_RD if question.recursion else 0) | (code & 0xF)
    size = _HEAD.size + len(question.asked) + len(opt) + sum(map(len, records))
    if size > (room or question.room):
        flags |= _TC
        records = []
    head = _HEAD.pack(question.number, flags, 1, len(records), 0, 1 if opt else 0)
    return b"".join((head, question.asked, *records, opt))


def _head(number: int, flags: int, code: Code) -> bytes:
    """An answer to what can't be read: nothing of it is repeated."""
    return _HEAD.pack(number, _QR | (flags & (_OPCODE | _RD)) | code, 0, 0, 0, 0)


def ask(name: str, kind: int, number: int) -> bytes:
    """Our own question to a resolver. Raises ValueError for what is no name."""
    try:
        message = dns.message.make_query(name, dns.rdatatype.RdataType.make(kind), use_edns=0, payload=EDNS_BYTES)
    except dns.exception.DNSException as error:
        raise ValueError("not a name of DNS") from error
    message.id = number
    return message.to_wire()


def is_cut(packet: bytes) -> bool:
    """Whether an answer says that it is longer than UDP could bring."""
    return len(packet) >= _HEAD.size and bool(_HEAD.unpack_from(packet)[1] & _TC)


def read_answer(packet: bytes, asked: bytes) -> Found:
    """`asked`: the bytes of our question. Raises NotAnAnswerError."""
    message, question = _answer_to(packet, asked)
    kind = question.question[0].rdtype
    if message.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        return Found(int(message.rcode()), (), 0, "")
    name = question.question[0].name
    ttls: list[int] = []
    for _ in range(MOST_CNAMES + 1):
        found = message.get_rrset(message.answer, name, dns.rdataclass.IN, kind)
        if found is not None:
            addresses = tuple(ip_address(record.to_text()) for record in list(found)[:MOST_ADDRESSES])
            return Found(int(message.rcode()), addresses, min([*ttls, found.ttl]), _text(name))
        alias = message.get_rrset(message.answer, name, dns.rdataclass.IN, dns.rdatatype.CNAME)
        if alias is None:
            return Found(int(message.rcode()), (), min(ttls, default=0), _text(name))
        ttls.append(alias.ttl)
        name = alias[0].target
    raise NotAnAnswerError


def is_answer(packet: bytes, asked: bytes) -> bool:
    """Whether it answers that very question, however."""
    try:
        _answer_to(packet, asked)
    except NotAnAnswerError:
        return False
    return True


def _answer_to(packet: bytes, asked: bytes) -> tuple[dns.message.Message, dns.message.Message]:
    question = dns.message.from_wire(asked)
    if len(packet) < _SHORTEST:
        raise NotAnAnswerError
    try:
        message = dns.message.from_wire(packet, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError) as error:
        raise NotAnAnswerError from error
    if not question.is_response(message) or message.question != question.question:
        raise NotAnAnswerError
    return message, question


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
