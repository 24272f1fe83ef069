"""`storegate config check`: what would keep guests out is said before a restart, with the file's own mistakes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from edge.cli.config import check
from edge.documents import Documents
from edge.policies import FOLDER

BOX = """[gateway]
tenant = "t"
store = "s"
id = "g"
state_dir = "{state}"
[gate]
interface = "br-guest"
uplink = "eth0"
[portal]
policy = "{policy}"
"""


def box(folder: Path, policy: str, more: str = "") -> Path:
    file = folder / "gateway.toml"
    file.write_text(BOX.format(state=folder, policy=policy) + more, "utf-8")
    return file


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, list[str]]:
    facts: dict[str, list[str]] = json.loads(capsys.readouterr().out)
    return facts


def test_a_mistake_in_a_policy_of_ones_own_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = tmp_path / "mine.toml"
    policy.write_text((FOLDER / "eu.toml").read_text("utf-8").replace("title_zh", "titel_zh"), "utf-8")
    with pytest.raises(SystemExit) as ended:
        check(box(tmp_path, str(policy)))
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"portal.policy: {policy}: titel_zh: no such key — did you mean 'title_zh'?" in said
    assert "title_zh: is missing" in said


def test_a_policy_that_cant_be_read_from_here_is_a_doubt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(box(tmp_path, f"{tmp_path}/none.toml"), as_json=True)
    assert any("can't read the policy" in each for each in told(capsys)["warnings"])


def put(folder: Path, ways: list[str]) -> None:
    portal = {"id": "shop", "name_zh": "店", "name_en": "Shop", "ways": ways}
    asyncio.run(Documents.open(folder).put("portals", [portal], by="cli"))


def test_ways_that_only_staff_can_use_let_no_guest_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, ["click", "sms", "staff"])
    staff = '[portal.staff]\nmei = "fernsehturm-11"\n'
    check(box(tmp_path, "cn", staff), as_json=True)
    [doubt] = [each for each in told(capsys)["warnings"] if "no way in" in each]
    assert "only the staff's" in doubt
    assert "click is not allowed by the policy cn/1, sms is not set up" in doubt
    check(box(tmp_path, "eu", staff), as_json=True)
    assert not [each for each in told(capsys)["warnings"] if "no way in" in each]


def test_without_a_document_it_is_a_plain_click(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(box(tmp_path, "cn"), as_json=True)
    assert [each for each in told(capsys)["warnings"] if "no way in is left for guests, none: click" in each]
