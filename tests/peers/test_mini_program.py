"""The mini-program of docs/shopper.md, as it stands there, in Node.js with a stand-in for `wx`, against a gateway."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.edge.guest.given_shaking import shop_of, stall
from tests.flows.given_daemon import daemon, settings
from tests.flows.test_shaking import DOCUMENTS, UUID, put

NODE = shutil.which("node") or ""
pytestmark = [pytest.mark.skipif(not NODE, reason="node is not installed (apt install nodejs)"), pytest.mark.peer]
MANUAL = Path(__file__).parents[2] / "docs" / "shopper.md"

WX = r"""
const given = JSON.parse(process.argv[2]);
const said = { stopped: 0, kept: {}, asked: [] };
let onBeacons = null, onMove = null;
globalThis.wx = {
  request: ({ url, method, data, success, fail }) => {
    said.asked.push(new URL(url).pathname);
    fetch(url, {
      method,
      body: data && JSON.stringify(data),
      headers: { "content-type": "application/json", referer: "https://servicewechat.com/wx01/1/page-frame.html" },
    }).then(async (r) => success({ statusCode: r.status, data: await r.json(), header: {} }), fail);
  },
  getStorageSync: (key) => said.kept[key] || "",
  setStorageSync: (key, value) => { said.kept[key] = value; },
  onBeaconUpdate: (listener) => { onBeacons = listener; },
  offBeaconUpdate: () => { onBeacons = null; },
  startBeaconDiscovery: ({ uuids, success, fail }) => {
    said.uuids = uuids;
    if (given.errCode && given.errCode !== 11003) return fail({ errCode: given.errCode, errMsg: "fail" });
    for (const list of given.lists) setTimeout(() => onBeacons?.({ beacons: list }), 5);
    given.errCode ? fail({ errCode: 11003, errMsg: "already start" }) : success({});
  },
  stopBeaconDiscovery: () => { said.stopped += 1; },
  onAccelerometerChange: (listener) => { onMove = listener; },
  startAccelerometer: () => {},
};
const { shake, onShaken } = require("./shake.js");
(async () => {
  try {
    for (let n = 0; n < (given.times || 1); n += 1) said.answer = await shake(given.place);
  } catch (error) {
    said.error = { code: error.code, message: error.message };
  }
  said.shaken = 0;
  onShaken(() => { said.shaken += 1; });
  for (const x of [0, 0.1, 0, 0.1, 0]) onMove({ x, y: 0, z: 1 });
  said.still = said.shaken;
  for (const x of [0, 2, -2, 2]) onMove({ x, y: 0, z: 1 });
  process.stdout.write(JSON.stringify(said));
})();
"""


async def run(folder: Path, url: str, **given: object) -> dict[str, Any]:
    text = await asyncio.to_thread(MANUAL.read_text, "utf-8")
    found = re.search(r"```js\n(.*?)```", text, re.DOTALL)
    assert found
    program = found[1].replace("https://s1.shop.example", url).replace("LISTEN_MS = 2500", "LISTEN_MS = 100")
    assert url in program
    assert "LISTEN_MS = 100" in program
    await asyncio.to_thread((folder / "shake.js").write_text, program)
    await asyncio.to_thread((folder / "run.js").write_text, WX)
    raw = msgspec.json.encode({"lists": []} | given).decode()
    ran = await asyncio.create_subprocess_exec(
        NODE, str(folder / "run.js"), raw, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, wrong = await ran.communicate()
    assert wrong == b""
    said: dict[str, Any] = msgspec.json.decode(out)
    return said


async def test_it_hears_shakes_and_wins(tmp_path: Path) -> None:
    async with stall(tmp_path, shop=shop_of(shake_cooldown_s=0.0)) as made:
        far = made.heard(3, accuracy=8.5)
        lists = [[far, made.heard(1, accuracy=9.0)], [made.heard(1, accuracy=0.9, proximity=1)]]
        said = await run(tmp_path, made.url, lists=lists, times=2)
        assert said["uuids"] == [far["uuid"]]
        assert (said["answer"]["outcome"], said["answer"]["beacon"]) == ("coupon", "b-dairy")
        assert said["stopped"] == 2
        shakes = await made.news("shake.made.v1")
        assert len({str(told["salt"]) for told in shakes}) == 2
        number = str(said["kept"]["shopper"]).partition(".")[0]
        assert len(await made.coupons.wallet(made.keys.holder("wallet", number))) == 2  # one shopper, both times
        assert (said["still"], said["shaken"]) == (0, 1)


async def test_it_shakes_at_the_whole_daemon(tmp_path: Path) -> None:
    async with daemon(await settings(tmp_path)) as running, aiohttp.ClientSession() as http:
        for kind in DOCUMENTS:
            await put(http, running, kind)
        heard = {"uuid": UUID, "major": 1, "minor": 7, "proximity": 0, "accuracy": 2.5, "rssi": -71}  # as on Android
        said = await run(tmp_path, running.guest.url, lists=[[heard]])
        assert (said["answer"]["outcome"], said["answer"]["beacon"]) == ("page", "b-door")


async def test_a_code_that_was_scanned_needs_no_bluetooth(tmp_path: Path) -> None:
    async with stall(tmp_path, shop=shop_of()) as made:
        said = await run(tmp_path, made.url, place=made.kiosk_code)
        assert said["answer"]["outcome"] in {"coupon", "won", "page"}
        assert "uuids" not in said


@pytest.mark.parametrize(
    ("error", "words"), [(11001, "请打开蓝牙"), (11002, "请打开定位，并允许微信使用"), (11005, "fail")]
)
async def test_what_the_phone_refuses_is_told(tmp_path: Path, error: int, words: str) -> None:
    async with stall(tmp_path, shop=shop_of()) as made:
        said = await run(tmp_path, made.url, errCode=error)
        assert said["error"]["message"] == words
        assert said["stopped"] == 1
        assert said["asked"] == ["/shake/v1/start"]


async def test_what_the_gateway_refuses_is_told(tmp_path: Path) -> None:
    async with stall(tmp_path, shop=shop_of()) as made:
        said = await run(tmp_path, made.url, errCode=11003)  # it runs already: no mistake; but nothing is heard
        assert said["error"]["code"] == "no_beacon"
        assert "没有找到本店的信号" in said["error"]["message"]
