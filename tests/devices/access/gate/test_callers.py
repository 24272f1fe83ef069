"""Who may speak to the gate, and what a rude caller can do: nothing to the others."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import sys

import pytest

from tests.devices.access.gate.given_gate import GUEST, Box, Caller, box, made, needs_network, until

__all__ = ["box"]
pytestmark = needs_network


def test_only_root_and_the_daemon_are_heard(box: Box) -> None:
    box.start_gate()
    code = f"""
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(int(sys.argv[1]))
s = socket.socket(socket.AF_UNIX); s.connect({str(box.socket)!r})
try:
    s.sendall(b'{{"id": 1, "verb": "status"}}\\n')
    print(len(s.recv(10)))
except OSError as error: print(type(error).__name__)
"""
    for uid, heard in ((65534, "10"), (12345, "refused"), (0, "10"), (1, "refused")):
        said = box.box.run(sys.executable, "-c", code, str(uid)).strip()
        assert (said if said == "10" else "refused") == heard, (uid, said)
    assert "a caller with user id 12345 was refused" in box.log.read_text()


def test_odd_requests_are_answered_and_the_next_one_is_done(box: Box) -> None:
    box.start_gate()
    caller = Caller(box.socket)
    for line in (b"{", b"[]", b"\xff\xfe", b"null", b'{"id": 5}', b'{"id": true, "verb": "list"}', b"[" * 50_000):
        caller.send(line)
        answer = caller.heard()
        assert (answer["ok"], answer["error"]) == (False, "bad_request")
    caller.send(b"\n\n  \r")
    assert caller.do("list") == {"members": []}
    caller.send(json.dumps({"id": 9, "verb": "allow", "mac": "ff:ff:ff:ff:ff:ff", "mark": 1, "end_s": 9}).encode())
    assert caller.heard()["id"] == 9
    assert box.members() == {}
    caller.close()


def test_too_long_a_line_is_hung_up_on(box: Box) -> None:
    box.start_gate()
    rude, polite = Caller(box.socket), Caller(box.socket)
    with pytest.raises((EOFError, OSError)):
        for _ in range(100):
            rude.socket.sendall(b"x" * 100_000)
        while True:
            assert rude.heard()["error"] == "bad_request"
    assert polite.do("status")["rules"] == "in_place"
    rude.close()
    polite.close()


def test_a_caller_who_does_not_read_hurts_nobody(box: Box) -> None:
    box.start_gate()
    caller = box.caller()
    caller.do(
        "reset",
        members=[
            {"mac": f"02:00:00:00:{at >> 8:02x}:{at & 255:02x}", "mark": at + 1, "end_s": 99} for at in range(4000)
        ],
    )
    deaf = Caller(box.socket)
    deaf.socket.setblocking(False)
    with pytest.raises((BlockingIOError, ConnectionError)):
        for at in range(1 << 20):
            deaf.socket.send(b'{"id": %d, "verb": "list"}\n' % at)
    assert caller.do("status")["members"] == 4000
    deaf.close()
    caller.do("allow", mac=GUEST, mark=7777, end_s=9)
    assert box.gate is not None
    assert int(box.box.run("ps", "-o", "rss=", "-p", str(box.gate.pid))) < 200_000


def test_half_a_line_and_gone(box: Box) -> None:
    box.start_gate()
    for _ in range(20):
        caller = Caller(box.socket)
        with contextlib.suppress(OSError):  # eight at once are heard
            caller.socket.sendall(b'{"id": 1, "verb": "status"}\n{"id": 2, "ver')
        caller.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        caller.close()
    until(box.answers)


def test_too_many_callers_and_room_again(box: Box) -> None:
    box.start_gate()
    callers = [Caller(box.socket) for _ in range(8)]
    for caller in callers:
        caller.do("status")
    ninth = Caller(box.socket)
    with pytest.raises((EOFError, OSError)):
        ninth.ask("status")
    ninth.close()
    callers.pop().close()
    until(box.answers)
    for caller in callers:
        caller.do("status")
        caller.close()


def test_a_request_in_pieces_and_many_in_one(box: Box) -> None:
    box.start_gate()
    caller = Caller(box.socket)
    for byte in b'{"id": 77, "verb": "list"}\n':
        caller.socket.sendall(bytes([byte]))
    assert caller.heard() == {"id": 77, "ok": True, "members": []}
    caller.socket.sendall(b"".join(b'{"id": %d, "verb": "status"}\n' % at for at in range(500)))
    assert [caller.heard()["id"] for _ in range(500)] == list(range(500))
    caller.close()


def test_a_stale_socket_is_no_obstacle_and_a_file_is_not_removed() -> None:
    with made() as box:
        old = socket.socket(socket.AF_UNIX)
        old.bind(str(box.socket))
        old.close()
        box.start_gate()
        assert box.caller().do("status")["rules"] == "in_place"
        box.stop_gate()
        box.socket.write_text("somebody's")
        refused = box.box.start(sys.executable, "-m", "devices.access.gate", "--config", str(box.config))
        assert "gate.socket" in refused.communicate(timeout=10)[1]
        assert refused.returncode == 1
        assert box.socket.read_text() == "somebody's"
        box.socket.unlink()
