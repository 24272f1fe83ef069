"""The report of a bulk run: gone on with after anything, and nothing in it that is nobody's business."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.beacons.profile import Setting
from devices.beacons.provisioning import report
from devices.beacons.provisioning.dialects.dialect import BlockedError, RefusedSecretError
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


@pytest.mark.parametrize(
    ("earlier", "now", "wrong", "then"),
    [
        ("kept", "kept", True, "kept"),
        ("kept", "unknown", False, "unknown"),
        ("changed", "kept", False, "changed"),
        ("changed", "kept", True, "changed"),
        ("unknown", "kept", False, "unknown"),
        ("unknown", "kept", True, "kept"),
    ],
)
def test_what_is_known_of_a_password_goes_from_line_to_line(earlier: str, now: str, *, wrong: bool, then: str) -> None:
    error = ProvisionError(Step.UNLOCK, "door: no", hint="go", password_now=PasswordNow(now))
    error.__cause__ = RefusedSecretError("no") if wrong else None
    assert report.failed("a", error, earlier=earlier).password == then
    assert report.failed("a", UsageError("no address"), earlier=earlier).password == earlier


def test_a_blocked_beacon_says_nothing_about_its_password() -> None:
    error = ProvisionError(Step.UNLOCK, "door: no", hint="go")
    error.__cause__ = BlockedError("too many")
    assert report.failed("a", error, earlier="unknown").password == "unknown"


def test_only_what_was_proven_settles_which_password_it_is() -> None:
    same = Provisioned(before={}, settings={}, changed=frozenset(), left_out=frozenset(), password_proven=True)
    assert report.done("a", same, earlier="unknown").password == "changed"
    assert report.done("a", same).password == "kept"
    open_one = Provisioned(before={}, settings={}, changed=frozenset(), left_out=frozenset())
    assert report.done("a", open_one, earlier="unknown").password == "unknown"
    assert report.done("a", open_one, earlier="changed").password == "changed"
