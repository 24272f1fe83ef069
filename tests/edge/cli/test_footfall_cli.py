"""Given a film and a line, expect counts, figures against a truth file, and a picture to recount."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from devices.footfall.clip import write_door_clip
from devices.pictures import read_picture
from edge.cli.footfall import app, parse_strip
from edge.errors import UsageError

runner = CliRunner()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int]:
    folder = tmp_path_factory.mktemp("film")
    true = write_door_clip(folder / "door.mp4", 11, 20)
    rows = [f"{one.time_s},{one.place},{'forward' if one.forward else 'backward'}" for one in true]
    (folder / "truth.csv").write_text("\n".join(["time_s,place,direction", *rows]), "utf-8")
    return folder / "door.mp4", folder / "truth.csv", len(true)


def test_counts_figures_and_the_slit_image(film: tuple[Path, Path, int], tmp_path: Path) -> None:
    path, truth, people = film
    slit = tmp_path / "slit.png"
    done = runner.invoke(app, ["count", str(path), "--truth", str(truth), "--slit", str(slit), "--json"])
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert abs(facts["entered"] + facts["exited"] - people) <= 2
    assert facts["truth"]["true"] == people
    assert facts["truth"]["f1"] >= 0.8
    picture = read_picture(slit)
    assert picture.shape[1] >= 1600


def test_entering_backward_turns_in_and_out_round(film: tuple[Path, Path, int]) -> None:
    counts = []
    for entering in ("forward", "backward"):
        done = runner.invoke(app, ["count", str(film[0]), "--strip", f"x=0.5,entering={entering}", "--json"])
        facts = json.loads(done.stdout)
        counts.append((facts["entered"], facts["exited"]))
    assert counts[0] == counts[1][::-1]


@pytest.mark.parametrize(
    ("text", "expect"),
    [
        ("x=0.5,strat=1", "start"),
        ("x=two", "not a number"),
        ("x=2", "at"),
        ("start=0.6,end=0.4", "end"),
        ("", "=value"),
    ],
)
def test_a_wrong_strip_is_told_with_what_was_meant(text: str, expect: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_strip(text)
    assert expect in str(raised.value) + raised.value.hint


def test_every_word_of_a_strip() -> None:
    strip = parse_strip("y=0.4,start=0.1,end=0.9,width=7,gap=14,person=80,entering=backward")
    assert (strip.axis, strip.at, strip.width_px, strip.gap_px, strip.person_px) == ("y", 0.4, 7, 14, 80)


@pytest.mark.parametrize(
    ("rows", "line"), [("time_s,place,direction\n1,0.5,sideways", 2), ("time_s,direction\n1,forward", 2)]
)
def test_a_wrong_truth_file_names_its_line(film: tuple[Path, Path, int], tmp_path: Path, rows: str, line: int) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text(rows, "utf-8")
    done = runner.invoke(app, ["count", str(film[0]), "--truth", str(truth)])
    assert done.exit_code == 2
    assert f"line {line}" in done.stderr


def test_what_is_no_film(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("hello", "utf-8")
    assert runner.invoke(app, ["count", str(path)]).exit_code != 0
    assert runner.invoke(app, ["count", str(tmp_path / "none.mp4")]).exit_code != 0
