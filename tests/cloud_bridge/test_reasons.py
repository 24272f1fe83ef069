"""Each failure in words a person can act on."""

from __future__ import annotations

import socket
import ssl

import pytest

from cloud_bridge import reasons
from cloud_bridge.backoff import delays
from cloud_bridge.consumer.__main__ import Files, endpoint_of
from edge.errors import UsageError


@pytest.mark.parametrize("code", [*range(0x80, 0xA3), 0xFF])
def test_every_code_has_words_and_a_next_step(code: int) -> None:
    error = reasons.refused(code, doing="connect")
    assert f"0x{code:02X}" in str(error)
    assert error.hint


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(-2, "x"), "the name is unknown"),
        (ConnectionRefusedError(), "nothing listens"),
        (ConnectionResetError(), "hung up"),
        (TimeoutError(), "no answer in time"),
        (OSError(101, "Network is unreachable"), "Network is unreachable"),
        (ssl.SSLError(1, "x"), "TLS failed"),
    ],
)
def test_why_there_is_no_connection(error: Exception, words: str) -> None:
    said = reasons.unreachable(error, address="broker:1883")
    assert words in str(said)
    assert said.hint


def test_waits_double_up_to_the_cap_and_are_spread() -> None:
    longest, shortest = delays(10, chance=lambda: 1.0), delays(10, chance=lambda: 0.0)
    assert [next(longest) for _ in range(7)] == [0.5, 1, 2, 4, 8, 10, 10]
    assert [next(shortest) for _ in range(3)] == [0.25, 0.5, 1]


def test_a_broker_s_address_is_read() -> None:
    made = endpoint_of("mqtts://me:p%40ss@[::1]", client_id="c", password_file="", files=Files(ca="ca.pem"))
    assert (made.host, made.port, made.tls, made.username, made.password.reveal()) == ("::1", 8883, True, "me", "p@ss")
    assert "p@ss" not in repr(made)


@pytest.mark.parametrize("url", ["localhost", "http://x", "mqtt://", "mqtt://x:99999"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        endpoint_of(url, client_id="c", password_file="", files=Files())
    assert caught.value.hint
