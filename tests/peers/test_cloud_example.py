"""The program of docs/cloud.md that answers requests runs as it stands there."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from cloud_bridge.asks import CloudAsks
from edge.cloud_asks import Done, RefusedByCloud, SmsWanted, WechatClaimed
from edge.config import MqttSection
from edge.errors import CloudError
from tests.peers.bridged import GATEWAY, gate, until
from tests.peers.broker import Mosquitto

pytestmark = pytest.mark.peer
ROOT = Path(__file__).parents[2]


def program(port: int) -> str:
    (text,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "cloud.md").read_text("utf-8"), re.DOTALL)
    assert text.count('host="localhost", port=1883') == 1
    return str(text.replace('host="localhost", port=1883', f'host="127.0.0.1", port={port}'))


async def test_the_example_answers(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "broker").start()
    (tmp_path / "answering.py").write_text(program(broker.port), "utf-8")
    section = MqttSection(host="127.0.0.1", port=broker.port, backoff_max_s=0.2)
    asks, seen = CloudAsks(section, GATEWAY), list[str]()
    running = await asyncio.create_subprocess_exec(
        sys.executable, str(tmp_path / "answering.py"), cwd=ROOT, env={"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert running.stdout is not None
    try:
        async with gate(tmp_path) as shop, shop.bridge(section, asks=asks):
            await until(lambda: asks.online)
            sms = SmsWanted(number="+8613812345678", code="271828", language="en")
            for _ in range(20):  # it starts beside us
                try:
                    assert await asks.ask(sms, timeout_s=1) == Done()
                    break
                except CloudError as error:
                    seen.append(str(error))
            else:
                pytest.fail("\n".join(seen))
            async with asyncio.timeout(5):
                line = (await running.stdout.readline()).decode()
            assert line == "/storegate/acme/s1/gw1: to +8613812345678 in en: 271828\n"
            claim = WechatClaimed(open_id="oReal", shop_id="7")
            assert await asks.ask(claim, timeout_s=5) == RefusedByCloud(why="failed")
    finally:
        running.terminate()
        await running.wait()

        broker.stop()
