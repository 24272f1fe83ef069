"""Policies per country: ours hold to what they promise, and a shop's own file is checked whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.access_answers import Way
from edge.config import parse
from edge.documents import Documents
from edge.errors import ConfigError, StoregateError, UsageError
from edge.policies import BUNDLED, CLOSED, FOLDER, UNKNOWN_DAYS, in_force, load
from edge.store.access_visits import KEEP_DAYS

GOOD = (FOLDER / "eu.toml").read_text("utf-8")


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_ours_are_right_and_named_after_themselves(path: Path) -> None:
    policy = load(path.stem)
    assert policy.id == path.stem
    assert policy.consent == f"{policy.id}/{policy.version}"
    assert policy.log_days == policy.logs.keep_days
    assert "可" in policy.marketing_zh  # may: it is never a condition
    for text in (policy.text_zh, policy.text_en):
        assert all(line.strip() for line in text.strip().splitlines())


def test_china_knows_who_is_on_and_keeps_it_six_months() -> None:
    policy = load("cn")
    assert policy.log_days >= 183
    assert not policy.allows(Way.CLICK)
    assert policy.allows(Way.SMS)
    assert str(policy.log_days) in policy.text_zh
    assert str(policy.log_days) in policy.text_en


def test_laws_are_named_without_articles_whose_numbers_change() -> None:
    raw = (FOLDER / "cn.toml").read_text("utf-8")
    assert "《网络安全法》和公安部第82号令" in raw
    assert not re.search(r"第[〇一二三四五六七八九十百]+条|\bart\.|article [0-9]", raw, re.IGNORECASE)


def test_how_long_a_pseudonym_is_kept_is_said_once() -> None:
    """The page says it, from the rules' own number."""
    assert not [name for name in BUNDLED if str(KEEP_DAYS) in load(name).text_zh + load(name).text_en]


def test_where_no_law_asks_nothing_is_kept() -> None:
    assert [load(name).log_days for name in ("none", "eu")] == [0, 0]
    assert load("none").allows(Way.CLICK)


def test_a_file_of_the_shops_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD.replace('id = "eu"', 'id = "mine"') + '[logs]\nkeep_days = 7\nfields = ["mac"]\n', "utf-8")
    policy = load(str(file))
    assert (policy.consent, policy.log_days) == ("mine/1", 7)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (GOOD.replace("version = 1", "version = 0"), "version"),
        (GOOD.replace("title_zh", "titel_zh"), "did you mean 'title_zh'"),
        (GOOD + '[logs]\nfields = ["hostname"]\n', "logs.fields"),
        (GOOD + '[logs]\nfields = ["mac"]\n', "keep_days is 0"),
        (GOOD + "[logs]\nkeep_days = 7\n", "no fields are named"),
        (GOOD + 'ways = ["telepathy"]\n', "ways"),
        ("= = =", "TOML"),
        ("#" * 70_000, "larger"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, wrong: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=wrong):
        load(str(file))


@pytest.mark.parametrize("name", ["fr", "/nowhere/at/all.toml", "/", "\0"])
def test_what_is_not_there_is_told(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(name)
    assert "none" in caught.value.hint


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    file = tmp_path / "bytes.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(StoregateError):
        load(str(file))


def test_one_that_cant_be_used_closes_the_portal_and_deletes_no_record(tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(GOOD.replace("version = 1", "version = 0"), "utf-8")
    found = in_force(str(file))
    assert found.policy is CLOSED
    assert ("version" in found.problem, bool(found.hint)) == (True, True)
    assert not any(found.policy.allows(way) for way in Way if way is not Way.PASS)
    config = parse(f'[gateway]\ntenant = "a"\nstore = "b"\nid = "c"\n[portal]\npolicy = "{file}"\n', where="test")
    shop = Documents.open(tmp_path).shop(config)
    assert (shop.policy, shop.log_days) == ("closed/1", UNKNOWN_DAYS)
    assert in_force("cn").policy == load("cn")
    assert not in_force("cn").problem


def test_the_rules_know_the_policy_and_the_limits_of_the_box(tmp_path: Path) -> None:
    head = '[gateway]\ntenant = "a"\nstore = "b"\nid = "c"\n'
    config = parse(f'{head}[portal]\npolicy = "cn"\ndevices = 5\nmost_guests = 70\n', where="test")
    shop = Documents.open(tmp_path).shop(config)
    assert (shop.policy, shop.log_days, shop.guest_devices, shop.most_guests) == ("cn/1", 183, 5, 70)
