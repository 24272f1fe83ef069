"""Whose turn a radio is, between two processes (here: two open files)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from devices.beacons.radios.turns import Turns
from edge.errors import DeviceError

ROOT = Path(__file__).parents[3]
HOLDER = """
import asyncio, sys
from pathlib import Path
from devices.beacons.radios.turns import Turns

async def main():
    async with Turns(Path(sys.argv[1]), "hci0").configuring():
        print("mine", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_the_daemon_gives_way_and_gets_it_back(tmp_path: Path) -> None:
    daemon, command = Turns(tmp_path, "hci0"), Turns(tmp_path, "hci0")
    order = []

    async def scans() -> None:
        for _ in range(2):
            async with daemon.scanning() as look:
                order.append("scan")
                while not look.somebody_wants_it():
                    await asyncio.sleep(0.01)
                order.append("pause")

    task = asyncio.create_task(scans())
    await asyncio.sleep(0.05)
    async with command.configuring():
        order.append("configure")
        await asyncio.sleep(0.15)
        order.append("done")
    async with asyncio.timeout(2):
        while order[-1] != "scan":
            await asyncio.sleep(0.01)
    task.cancel()
    assert order == ["scan", "pause", "configure", "done", "scan"]


async def test_adapters_have_turns_of_their_own(tmp_path: Path) -> None:
    async with Turns(tmp_path, "hci0").configuring(), Turns(tmp_path, "hci1").scanning() as look:
        assert not look.somebody_wants_it()


async def test_two_commands_one_after_the_other(tmp_path: Path) -> None:
    async with Turns(tmp_path, "hci0").configuring():
        with pytest.raises(DeviceError, match="configure a beacon") as caught:
            async with Turns(tmp_path, "hci0").configuring(timeout_s=0.1):
                pass
    assert caught.value.hint
    async with Turns(tmp_path, "hci0").configuring(timeout_s=0.1):
        pass


async def test_a_daemon_that_does_not_give_way(tmp_path: Path) -> None:
    async with Turns(tmp_path, "hci0").scanning() as look:
        with pytest.raises(DeviceError, match="does not pause") as caught:
            async with Turns(tmp_path, "hci0").configuring(timeout_s=0.1):
                pass
        assert "stop" in caught.value.hint
        assert not look.somebody_wants_it()


async def test_who_dies_gives_its_turn_back(tmp_path: Path) -> None:
    holder = await asyncio.to_thread(
        subprocess.Popen, [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert holder.stdout is not None
    await asyncio.to_thread(holder.stdout.readline)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.15), Turns(tmp_path, "hci0").scanning():
            pass
    holder.kill()
    await asyncio.to_thread(holder.wait)
    holder.stdout.close()
    async with asyncio.timeout(1), Turns(tmp_path, "hci0").scanning():
        pass


async def test_without_a_daemon_s_folder_nobody_is_in_the_way(tmp_path: Path) -> None:
    async with Turns(tmp_path / "none", "hci0").configuring():
        pass
    assert not (tmp_path / "none").exists()
    with pytest.raises(DeviceError, match="state_dir|can't use"):
        async with Turns(tmp_path / "none", "hci0").scanning():
            pass
