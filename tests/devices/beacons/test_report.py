"""The report of a bulk run: gone on with after anything, and nothing in it that is nobody's business."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.beacons.profile import Setting
from devices.beacons.provisioning import report
from devices.beacons.provisioning.job import PasswordNow, Provisioned, ProvisionError, Step
from edge.errors import UsageError

GOOD = Provisioned(
    before={}, settings={}, changed=frozenset({Setting.MAJOR}), left_out=frozenset(), password_changed=True
)
BAD = ProvisionError(Step.HEAR, "door: hear: not heard", hint="go", rolled_back=True, password_now=PasswordNow.UNKNOWN)


def test_a_run_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    assert report.todo(report.lines(path), ["a", "b", "c"]) == ["a", "b", "c"]
    report.add(path, report.done("a", GOOD))
    report.add(path, report.failed("b", BAD))
    assert report.todo(report.lines(path), ["a", "b", "c"]) == ["b", "c"]
    report.add(path, report.done("b", GOOD))
    assert report.todo(report.lines(path), ["c", "b", "a"]) == ["c"]
    assert path.read_text() == (
        '{"id":"a","ok":true,"changed":["major"],"password":"changed"}\n'
        '{"id":"b","ok":false,"step":"hear","problem":"door: hear: not heard",'
        '"rolled_back":true,"password":"unknown"}\n'
        '{"id":"b","ok":true,"changed":["major"],"password":"changed"}\n'
    )
    assert path.stat().st_mode & 0o077 == 0


def test_a_torn_line_counts_as_not_written(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    report.add(path, report.done("a", GOOD))
    whole = path.read_bytes()
    for cut in range(1, len(whole)):
        path.write_bytes(whole + whole[:cut])
        report.add(path, report.done("b", GOOD))
        assert report.todo(report.lines(path), ["a", "b", "c"]) == ["c"]


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary\n")
    with pytest.raises(UsageError, match="no report"):
        report.lines(path)
    with pytest.raises(UsageError, match="can't read"):
        report.lines(tmp_path)


def test_any_failure_has_a_line() -> None:
    line = report.failed("a", UsageError("it has no address"))
    assert (line.ok, line.step, line.problem) == (False, "", "it has no address")
