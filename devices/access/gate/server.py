"""The gate's socket: one thread, one loop. Callers are told apart by their user id, which the kernel vouches for.

Whatever lies ready when the loop comes round is done together, so a rush of guests costs one transaction and a single
guest waits for nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import selectors
import socket
import stat
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from devices.access.gate import orders
from devices.access.gate.gate import Answer, Gate

TICK_S: Final = 0.1
_MOST_CALLERS: Final = 8
_MOST_UNREAD: Final = 16 << 20
"""Bytes of answers that a caller leaves lying; then it is hung up on."""
_READ_BYTES: Final = 256 << 10
_AT_ONCE_BYTES: Final = 4 << 20


class BusyError(Exception):
    """Another gate has the socket."""


class _Caller:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.heard = bytearray()
        self.unsent = bytearray()
        self.gone = False


class Server:
    def __init__(self, gate: Gate, *, path: Path, user: str, say: Callable[[str], None]) -> None:
        """Raises BusyError, OSError."""
        self._gate = gate
        self._user = user
        self._say = say
        self._path = path
        self._callers: dict[int, _Caller] = {}
        self._selector = selectors.DefaultSelector()
        self._refused_said_s = -60.0
        self._lock = _locked(path)
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(path.lstat().st_mode):
                path.unlink()
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._listening.bind(str(path))
        path.chmod(0o666)  # anybody may knock; who it is decides
        self._listening.listen(16)
        self._listening.settimeout(0)
        self._selector.register(self._listening, selectors.EVENT_READ)

    def close(self) -> None:
        for caller in list(self._callers.values()):
            self._hang_up(caller)
        self._selector.close()
        self._listening.close()
        self._path.unlink(missing_ok=True)
        os.close(self._lock)

    def run(self, stopped: Callable[[], bool], *, after_tick: Callable[[], None] = lambda: None) -> None:
        next_tick_s = 0.0
        while not stopped():
            now_s = time.monotonic()
            if now_s >= next_tick_s:
                self._gate.tick()
                after_tick()
                next_tick_s = time.monotonic() + TICK_S
            self._turn(max(next_tick_s - time.monotonic(), 0.0))

    def _turn(self, wait_s: float) -> None:
        asked: list[tuple[_Caller, int | None, orders.Order | orders.OrderError]] = []
        for key, events in self._selector.select(wait_s):
            caller = self._callers.get(key.fd)
            if caller is None:
                self._answer_the_door()
                continue
            if events & selectors.EVENT_WRITE:
                self._send(caller)
            if events & selectors.EVENT_READ and not caller.gone:
                asked += [(caller, *orders.read(line)) for line in self._lines(caller)]
        if asked:
            given = [order for _, _, order in asked if not isinstance(order, orders.OrderError)]
            done = iter(self._gate.do(given))
            for caller, number, order in asked:
                wrong = isinstance(order, orders.OrderError)
                answer = {"ok": False, "error": "bad_request", "text": str(order)} if wrong else next(done)
                self._tell(caller, number, answer)
            for caller in {id(caller): caller for caller, _, _ in asked}.values():
                self._send(caller)
        for caller in [one for one in self._callers.values() if one.gone]:
            self._hang_up(caller)

    def _answer_the_door(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except OSError:
            return
        peer = struct.calcsize("=iII")
        _, uid, _ = struct.unpack("=iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, peer))
        if uid not in self._welcome() or len(self._callers) >= _MOST_CALLERS:
            full = uid in self._welcome()
            if time.monotonic() - self._refused_said_s > 60:
                self._refused_said_s = time.monotonic()
                self._say("too many callers" if full else f"a caller with user id {uid} was refused")
            connection.close()
            return
        connection.settimeout(0)
        self._callers[connection.fileno()] = _Caller(connection)
        self._selector.register(connection, selectors.EVENT_READ)

    def _welcome(self) -> set[int]:
        """Asked anew each time: the user may be made after the gate started."""
        with contextlib.suppress(KeyError):
            return {0, pwd.getpwnam(self._user).pw_uid}
        return {0}

    def _lines(self, caller: _Caller) -> list[bytes]:
        """Whole lines that lie ready. Who sends a line that is too long is hung up on: where it ends nobody knows."""
        read = 0
        while read < _AT_ONCE_BYTES:
            try:
                data = caller.connection.recv(_READ_BYTES)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                caller.gone = True
                break
            read += len(data)
            caller.heard += data
        *lines, rest = bytes(caller.heard).split(b"\n")
        caller.heard = bytearray(rest)
        if len(rest) > orders.MOST_BYTES or any(len(line) > orders.MOST_BYTES for line in lines):
            self._tell(caller, None, {"ok": False, "error": "bad_request", "text": "a line of more than 2 MiB"})
            self._send(caller)
            caller.gone = True
            return []
        return [line for line in lines if line.strip()]

    def _tell(self, caller: _Caller, number: int | None, answer: Answer) -> None:
        caller.unsent += json.dumps({"id": number, **answer}, separators=(",", ":")).encode() + b"\n"
        if len(caller.unsent) > _MOST_UNREAD:
            caller.gone = True

    def _send(self, caller: _Caller) -> None:
        while caller.unsent:
            try:
                sent = caller.connection.send(memoryview(caller.unsent)[: 1 << 20])
            except BlockingIOError:
                break
            except OSError:
                caller.gone = True
                return
            del caller.unsent[:sent]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if caller.unsent else 0)
        with contextlib.suppress(KeyError):
            self._selector.modify(caller.connection, wanted)

    def _hang_up(self, caller: _Caller) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(caller.connection)
        self._callers.pop(caller.connection.fileno(), None)
        caller.connection.close()


def _locked(path: Path) -> int:
    """One gate at a time: two would undo each other's work."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise BusyError(f"another gate is at work: {path}.lock is taken") from error
    return lock
