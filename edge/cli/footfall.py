"""`storegate footfall`: count people in a film, and see how well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.progress import Progress

from edge.cli import say
from edge.config import Strip
from edge.errors import StoregateError, UsageError

if TYPE_CHECKING:
    from devices.footfall.crossing import Crossing
    from devices.footfall.score import Score
    from devices.footfall.slit import Slit

app = typer.Typer(no_args_is_help=True)
STRIP = {"x": "at", "y": "at", "width": "width_px", "gap": "gap_px", "person": "person_px"}
"""Words of --strip → keys of `[footfall.strip]`; the others are the same."""
FEW_FRAMES, MANY_FRAMES = 2_000, 10_000

_HELP = """Count who walks over a line in a film.

--strip says where the line is: x=0.5 is an upright line in the middle (people walk left and right), y=0.5 a level
one. start and end cut it (shares of the picture), width and gap are pixels, entering=backward turns in and out
round, person is how long somebody is along the line in pixels (else it is learned).

--slit writes the strip over time as a picture: recount it by eye. --truth compares with a list of true crossings
(columns time_s, place, direction); a counted one and a true one match within 0.8 s.

[bold]Examples[/bold]

  storegate footfall count door.mp4 --strip x=0.5 --slit slit.png

  storegate footfall count door.mp4 --strip y=0.4,start=0.1,end=0.9,entering=backward --json

  storegate footfall count vtest.avi --strip x=0.729 --truth truth.csv
"""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What --json prints."""

    file: str
    seconds: float
    frames: int
    entered: int
    exited: int
    ms_a_frame: float
    crossings: tuple[dict[str, object], ...]
    truth: dict[str, float] | None = None


@app.callback()
def footfall() -> None:
    """Count people in a film."""


@app.command("count", help=_HELP)
def count(
    file: Annotated[str, typer.Argument(help="A film: MP4, AVI, MKV, WebM.", metavar="FILE")],
    *,
    strip: Annotated[str, typer.Option(help="Where the line is; see above.", metavar="x=0.5[,…]")] = "x=0.5",
    slit: Annotated[Path | None, typer.Option(help="Write the strip over time to this .png.")] = None,
    truth: Annotated[Path | None, typer.Option(help="CSV file of true crossings to compare with.")] = None,
    as_json: say.JsonOption = False,
) -> None:
    try:
        line = parse_strip(strip)
        from devices.footfall.score import matched, read_truth  # noqa: PLC0415

        true = read_truth(truth) if truth else None
        crossings, result, picture = _count(file, line, with_slit=slit is not None)
        score = matched(crossings, true) if true is not None else None
        if slit and picture:
            _write(slit, picture, crossings, score, line)
    except StoregateError as error:
        say.fail(error)
    if score is not None:
        result = msgspec.structs.replace(result, truth=_figures(score))
    say.show(result, as_json=as_json, human=lambda: _words(result, score, slit))


def parse_strip(text: str) -> Strip:
    """`x=0.5,start=0.1,…` → a Strip. Raises UsageError with what was meant."""
    from edge import config_rules  # noqa: PLC0415
    from edge.checked import check, nearest  # noqa: PLC0415

    words = {"x", "y", "start", "end", "width", "gap", "person", "entering"}
    values: dict[str, object] = {}
    for part in text.split(","):
        key, equals, value = part.strip().partition("=")
        if not equals or key not in words:
            near = nearest(key, words)
            hint = f"did you mean {near}=…?" if near else f"wanted one of {', '.join(sorted(words))}, each with =value"
            raise UsageError(f"--strip: {part.strip()!r} is not understood", hint=hint)
        if key in {"x", "y"}:
            values["axis"] = key
        values[STRIP.get(key, key)] = value if key == "entering" else _number(key, value)
    found, mistakes = check(values, Strip)
    mistakes = mistakes or tuple(rule.mistake for rule in config_rules.strip(found or Strip(), ""))
    if found is None or mistakes:
        raise UsageError("--strip: " + "; ".join(str(mistake) for mistake in mistakes))
    return found


def _number(key: str, value: str) -> float | int:
    try:
        return float(value) if key in {"x", "y", "start", "end"} else int(value)
    except ValueError as error:
        raise UsageError(f"--strip: {key}={value!r} is not a number") from error


def _count(file: str, line: Strip, *, with_slit: bool) -> tuple[list[Crossing], Counted, Slit | None]:
    import time  # noqa: PLC0415

    from devices.footfall.slit import Slit  # noqa: PLC0415
    from devices.footfall.strip import StripCounter, cut  # noqa: PLC0415
    from devices.pictures import open_source  # noqa: PLC0415

    counter, found, frames, spent_s, at_s = StripCounter(line), [], 0, 0.0, 0.0
    with open_source(file) as source, Progress(console=say.err, transient=True) as progress:
        if not source.film:
            raise UsageError(f"{file} is a camera", hint="the gateway counts those: [[footfall]] in gateway.toml")
        frame_px = 8 if source.count < FEW_FRAMES else 4 if source.count < MANY_FRAMES else 2
        picture = Slit(frame_px=frame_px) if with_slit else None
        bar = progress.add_task(Path(file).name, total=source.count or None)
        for frame in source.play(paced=False):
            began_s = time.perf_counter()
            found += counter.see(frame.at_s, frame.gray)
            spent_s += time.perf_counter() - began_s
            if picture is not None:
                picture.add(frame.at_s, cut(frame.gray, line)[0])
            frames, at_s = frames + 1, frame.at_s
            progress.advance(bar)
    found = sorted(found + counter.close())
    enters = line.entering == "forward"
    return (
        found,
        Counted(
            file=file,
            seconds=round(at_s, 2),
            frames=frames,
            entered=sum(crossing.forward is enters for crossing in found),
            exited=sum(crossing.forward is not enters for crossing in found),
            ms_a_frame=round(spent_s / max(1, frames) * 1000, 3),
            crossings=tuple(
                {
                    "time_s": round(crossing.time_s, 2),
                    "place": round(crossing.place, 3),
                    "direction": "forward" if crossing.forward else "backward",
                    "entering": crossing.forward is enters,
                }
                for crossing in found
            ),
        ),
        picture,
    )


def _write(path: Path, picture: Slit, crossings: list[Crossing], score: Score | None, line: Strip) -> None:
    from devices.footfall.slit import GREEN, RED, VIOLET, YELLOW, Mark  # noqa: PLC0415
    from devices.pictures import write_picture  # noqa: PLC0415

    enters = line.entering == "forward"
    false = score.false if score else ()
    marks = [
        Mark(one.time_s, one.place, VIOLET if one in false else GREEN if one.forward is enters else RED, str(number))
        for number, one in enumerate(crossings, start=1)
    ]
    if score:  # a truth file's places are of the whole picture, the slit's of the strip
        marks += [Mark(one.time_s, _on_strip(one.place, line), YELLOW, "") for one in score.missed]
    write_picture(path, picture.draw(marks))


def _on_strip(place: float, line: Strip) -> float:
    return min(1.0, max(0.0, (place - line.start) / (line.end - line.start)))


def _figures(score: Score) -> dict[str, float]:
    return {
        "true": score.true,
        "counted": score.counted,
        "matched": score.matched,
        "precision": round(score.precision, 3),
        "recall": round(score.recall, 3),
        "f1": round(score.f1, 3),
        "net_error": round(score.net_error, 3),
        "direction": round(score.direction, 3),
    }


def _words(result: Counted, score: Score | None, slit: Path | None) -> None:
    print(f"in {result.entered}, out {result.exited}   ({result.seconds:.0f} s, {result.ms_a_frame:.2f} ms a frame)")
    if slit:
        print(f"slit image: {slit}   (green in, red out, numbered; recount it by eye)")
    if score:
        print(
            f"truth {score.true}, counted {score.counted}, matched {score.matched} (within ±0.8 s):"
            f" precision {score.precision:.3f}, recall {score.recall:.3f}, F1 {score.f1:.3f},"
            f" net error {score.net_error:+.1%}, direction {score.direction:.3f}"
        )
        for what, ones in (("missed", score.missed), ("false", score.false)):
            if ones:
                print(f"{what}: " + ", ".join(f"{one.time_s:.1f} s" for one in ones))
