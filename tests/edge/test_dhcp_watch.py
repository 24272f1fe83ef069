"""Whether somebody gives guests their addresses, told from the machine's sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge import dhcp_watch
from edge.board import Board
from edge.config import Config, parse
from edge.dhcp_watch import serves

HEAD = "  sl  local_address rem_address   st\n"
OWN = "10.64.0.1/20"


@pytest.mark.parametrize(
    ("sockets", "served"),
    [
        (HEAD + " 1: 0100400A:0035 00000000:0000 07\n 2: 00000000:0043 00000000:0000 07\n", True),
        (HEAD + " 1: 00000000:0035 00000000:0000 07\n 2: 0100400A:0043 00000000:0000 07\n", True),
        (HEAD + " 1: 00000000000000000000000000000000:0035 0:0 07\n 2: 00000000:0043 00000000:0000 07\n", True),
        (HEAD + " 1: 017AA8C0:0035 00000000:0000 07\n 2: 00000000:0043 00000000:0000 07\n", False),
        (HEAD + " 1: 0100400A:0035 00000000:0000 07\n", False),
        (HEAD + " 2: 00000000:0043 0100400A:0035 07\n", False),
        (HEAD, False),
        ("", None),
        ("nonsense\n\n:\n", None),
    ],
)
def test_ports_53_and_67(sockets: str, served: bool | None) -> None:
    assert serves(OWN, sockets) is served


def box() -> Config:
    head = '[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\n[gate]\ninterface = "br-guest"\nuplink = "eth0"\n'
    return parse(head, where="test")


def test_nothing_is_said_of_an_interface_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/udp").write_text(HEAD, "ascii")
    (tmp_path / "there/br-guest").mkdir(parents=True)
    assert dhcp_watch.look(box(), proc=tmp_path, net=tmp_path / "gone") is None
    assert dhcp_watch.look(box(), proc=tmp_path, net=tmp_path / "there") is False


async def test_one_miss_is_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [True, False, True, False, False, None, True]
    seen: list[bool | None] = []
    board, config = Board(), await asyncio.to_thread(box)

    def look(_: Config) -> bool | None:
        seen.append(board.wifi.served)
        return looks.pop(0) if looks else True

    monkeypatch.setattr(dhcp_watch, "look", look)
    monkeypatch.setattr(dhcp_watch, "LOOK_S", 0)
    task = asyncio.create_task(dhcp_watch.watch(config, board))
    async with asyncio.timeout(5):
        while len(seen) < 8:
            await asyncio.sleep(0.005)
    task.cancel()
    assert seen[:8] == [None, True, True, True, True, False, None, True]
