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
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from devices.access.gate import orders
from devices.access.gate.changes import Change
from devices.access.gate.gate import Answer, Gate

TICK_S: Final = 0.1
_MOST_CALLERS: Final = 8
_MOST_UNREAD: Final = 1 << 20
"""Bytes of answers that a caller leaves lying; more is asked of us in vain until it reads them."""
_READ_BYTES: Final = 256 << 10
_AT_ONCE: Final = 256
"""Changes of one caller that are done before the next one's turn; whatever takes longer than a change is done alone."""


_SAID_AGAIN_S: Final = 60.0


class BusyError(Exception):
    """Another gate has the socket."""


class _Caller:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.heard = bytearray()
        """The beginning of a line."""
        self.lines: deque[bytes] = deque()
        self.unsent = bytearray()
        self.gone = False
        self.wanted = 0
        """Events that the selector watches for."""

    @property
    def busy(self) -> bool:
        """Has enough before it for now."""
        return self.gone or bool(self.lines) or len(self.unsent) > _MOST_UNREAD


class Server:
    def __init__(self, gate: Gate, *, path: Path, user: str, say: Callable[[str], None]) -> None:
        """Raises BusyError, OSError."""
        self._gate = gate
        self._user = user
        self._say = say
        self._path = path
        self._callers: dict[int, _Caller] = {}
        self._selector = selectors.DefaultSelector()
        self._refused_said_s = -_SAID_AGAIN_S
        self._lock = _locked(path)
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(path.lstat().st_mode):
                path.unlink()
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._listening.bind(str(path))
        path.chmod(0o666)  # anybody may knock; who it is decides
        self._listening.listen(64)
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
        waiting = any(caller.lines and len(caller.unsent) <= _MOST_UNREAD for caller in self._callers.values())
        knocked = False
        for key, events in self._selector.select(0 if waiting else wait_s):
            caller = self._callers.get(key.fd)
            if caller is None:
                knocked = True
                continue
            if events & selectors.EVENT_WRITE:
                self._send(caller)
            if events & selectors.EVENT_READ and not caller.busy:
                self._hear(caller)
        asked = [one for caller in self._callers.values() for one in self._taken(caller)]
        done = iter(self._gate.do([order for _, _, order in asked if not isinstance(order, orders.OrderError)]))
        for caller, number, order in asked:
            wrong = isinstance(order, orders.OrderError)
            self._tell(caller, number, _bad(str(order)) if wrong else next(done))
        for caller in list(self._callers.values()):
            self._send(caller)
            if caller.gone and not caller.lines and not caller.unsent:
                self._hang_up(caller)
        if knocked:  # last: who has just gone has made room
            self._answer_the_door()

    def _answer_the_door(self) -> None:
        with contextlib.suppress(OSError):  # until nobody stands there, or one went away again
            while True:
                connection, _ = self._listening.accept()
                connection.settimeout(0)
                self._let_in(connection)

    def _let_in(self, connection: socket.socket) -> None:
        peer = struct.calcsize("=iII")
        _, uid, _ = struct.unpack("=iII", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, peer))
        known = uid in self._welcome()
        if known and len(self._callers) < _MOST_CALLERS:
            caller = self._callers[connection.fileno()] = _Caller(connection)
            self._want(caller, selectors.EVENT_READ)
            return
        connection.close()
        if time.monotonic() - self._refused_said_s > _SAID_AGAIN_S:
            self._refused_said_s = time.monotonic()
            self._say("too many callers" if known else f"a caller with user id {uid} was refused")

    def _welcome(self) -> set[int]:
        """Asked anew each time: the user may be made after the gate started."""
        with contextlib.suppress(KeyError):
            return {0, pwd.getpwnam(self._user).pw_uid}
        return {0}

    def _hear(self, caller: _Caller) -> None:
        """Who sends a line that is too long is hung up on: where it ends nobody knows."""
        try:
            data = caller.connection.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            caller.gone = True
            return
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = bytes(caller.heard) + lines[0]
            caller.heard = bytearray(rest)
            caller.lines += (line for line in lines if line.strip())
        else:
            caller.heard += rest
        if len(caller.heard) > orders.MOST_BYTES:
            self._tell(caller, None, _bad("a line of more than 2 MiB"))
            caller.gone = True

    def _taken(self, caller: _Caller) -> list[tuple[_Caller, int | None, orders.Order | orders.OrderError]]:
        """What of its requests is done now."""
        taken: list[tuple[_Caller, int | None, orders.Order | orders.OrderError]] = []
        while caller.lines and len(caller.unsent) <= _MOST_UNREAD and len(taken) < _AT_ONCE:
            number, order = orders.read(caller.lines.popleft())
            taken.append((caller, number, order))
            if not isinstance(order, Change):
                break
        return taken

    def _tell(self, caller: _Caller, number: int | None, answer: Answer) -> None:
        caller.unsent += json.dumps({"id": number, **answer}, separators=(",", ":")).encode() + b"\n"

    def _send(self, caller: _Caller) -> None:
        while caller.unsent:
            try:
                sent = caller.connection.send(memoryview(caller.unsent)[: 1 << 20])
            except BlockingIOError:
                break
            except OSError:
                caller.gone = True
                caller.lines.clear()
                caller.unsent.clear()
                return
            del caller.unsent[:sent]
        wanted = 0 if caller.busy else selectors.EVENT_READ
        wanted |= selectors.EVENT_WRITE if caller.unsent else 0
        if wanted != caller.wanted:
            self._want(caller, wanted)

    def _want(self, caller: _Caller, wanted: int) -> None:
        if not caller.wanted:
            self._selector.register(caller.connection, wanted)
        elif not wanted:
            self._selector.unregister(caller.connection)
        else:
            self._selector.modify(caller.connection, wanted)
        caller.wanted = wanted

    def _hang_up(self, caller: _Caller) -> None:
        if caller.wanted:
            self._want(caller, 0)
        self._callers.pop(caller.connection.fileno(), None)
        caller.connection.close()


def _bad(text: str) -> Answer:
    return {"ok": False, "error": "bad_request", "text": text}


def _locked(path: Path) -> int:
    """One gate at a time: two would undo each other's work."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise BusyError(f"another gate is at work: {path}.lock is taken") from error
    return lock
