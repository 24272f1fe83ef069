"""Given bytes from the cloud, expect a command, or all that is wrong with it."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.commands.messages import (
    MAX_BYTES,
    MAX_MISTAKE_CHARS,
    MAX_MISTAKES,
    BadCommandError,
    CatalogueRefresh,
    CouponVoid,
    DocumentsPut,
    KioskReload,
    Ping,
    parse,
)

GOOD = [
    ("ping", {"id": "c-1"}, Ping(id="c-1")),
    ("documents.put", {"id": "c-2", "kind": "zones", "items": []}, DocumentsPut(id="c-2", kind="zones", items=[])),
    (
        "catalogue.refresh",
        {"id": "c-3", "url": "https://cloud.example/c.csv", "sha256": "0" * 64},
        CatalogueRefresh(id="c-3", url="https://cloud.example/c.csv", sha256="0" * 64),
    ),
    ("coupon.void", {"id": "c-4", "campaign": "tea"}, CouponVoid(id="c-4", campaign="tea")),
    ("kiosk.reload", {"id": "c-5", "station": "k1"}, KioskReload(id="c-5", station="k1")),
]


@pytest.mark.parametrize(("name", "data", "command"), GOOD)
def test_a_command_is_read(name: str, data: object, command: object) -> None:
    assert parse(name, msgspec.json.encode(data)) == command


@pytest.mark.parametrize(
    ("name", "payload", "code", "words"),
    [
        ("ping", b"", "bad_command", "not JSON"),
        ("ping", b"[]", "bad_command", ""),
        ("ping", b'{"id": "\xff"}', "bad_command", "not JSON"),
        ("ping", b"[" * 100_000, "bad_command", "nested too deeply"),
        ("ping", b'{"id": "c-1\\n"}', "bad_command", "id"),
        ("coupon.void", b'{"id":"1","campaign":"tea","serial":"ABCDEFGHIJKLMNOP\\n"}', "bad_command", "serial"),
        ("ping", b"{}", "bad_command", "id: is missing"),
        ("pin", b'{"id": "c-1"}', "unknown_command", "did you mean 'ping'"),
        ("ping", b'{"id": "c 1"}', "bad_command", "id"),
        ("ping", b'{"id": "c-1", "shell": "rm"}', "bad_command", "shell: no such key"),
        ("ping", b'{"id": "' + b"x" * MAX_BYTES + b'"}', "too_large", "bytes"),
        ("catalogue.refresh", b'{"id":"1","url":"file:///etc/passwd","sha256":"00"}', "bad_command", "url"),
        ("coupon.void", b'{"id":"1","campaign":"../x"}', "bad_command", "campaign"),
    ],
)
def test_a_mistake_is_named(name: str, payload: bytes, code: str, words: str) -> None:
    with pytest.raises(BadCommandError) as caught:
        parse(name, payload)
    assert caught.value.code == code
    assert words in " ".join((str(caught.value), *caught.value.mistakes))


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(BadCommandError) as caught:
        parse("catalogue.refresh", b'{"id":"c-9","url":"ftp://x","sha256":"short","more":1}')
    assert caught.value.command_id == "c-9"
    assert len(caught.value.mistakes) == 3


@pytest.mark.parametrize("depth", range(900, 1000, 3))
def test_depth_that_is_just_readable_is_an_answer_too(depth: int) -> None:
    payload = b'{"id":"c-1","kind":"zones","items":' + b"[" * depth + b"]" * depth + b"}"
    with contextlib.suppress(BadCommandError):
        parse("documents.put", payload)


def test_an_answer_stays_small_whatever_was_asked() -> None:
    with pytest.raises(BadCommandError) as caught:
        parse("ping", msgspec.json.encode({"id": "c-9"} | {f"{n}" + "x" * 9000: 1 for n in range(100)}))
    assert sum(map(len, caught.value.mistakes)) <= MAX_MISTAKES * MAX_MISTAKE_CHARS


@given(name=st.sampled_from(["ping", "documents.put", "nothing"]), payload=st.binary(max_size=200))
def test_no_bytes_crash_it(name: str, payload: bytes) -> None:
    with contextlib.suppress(BadCommandError):
        parse(name, payload)
