"""``urnn-bench plot`` and ``table``: figures and tables from records alone."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urnn_bench.cli.display.output import echo, echo_err, echo_json, echo_table, shown
from urnn_bench.cli.parameters import Benchmark, Include, Json, Lengths, Results, complete_figure
from urnn_bench.cli.sources import included, recorded, run_command
from urnn_bench.errors import NothingToShowError, UnknownNameError, UsageError
from urnn_bench.records.folder import default_results, make_writable
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue
from urnn_bench.spec.sweep import Selection, check_benchmark
from urnn_bench.spec.types import ComponentSpec

if TYPE_CHECKING:
    import pandas as pd

    from urnn_bench.analysis.results import Results as Records


class Picture(StrEnum):
    """Formats of a figure."""

    png = "png"
    svg = "svg"
    pdf = "pdf"


class Format(StrEnum):
    """Formats of a table."""

    text = "text"
    markdown = "markdown"
    latex = "latex"
    csv = "csv"


def plot(
    benchmark: Benchmark = None,
    figures: Annotated[
        list[str] | None,
        typer.Option(
            "--figure",
            metavar="NAME",
            autocompletion=complete_figure,
            help="Only this figure; repeat. [default: all that the records allow]",
        ),
    ] = None,
    formats: Annotated[
        list[Picture] | None, typer.Option("--format", help="Repeat. [default: png]")
    ] = None,
    lengths: Lengths = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of the figures [default: figures/ beside the benchmark's runs]",
        ),
    ] = None,
    results: Results = None,
    include: Include = None,
    json: Json = False,
) -> None:
    """Draw figures from records; the path of each goes to stdout."""
    from urnn_bench.figures._drawing import draw

    known = included(include or [])
    if out:
        make_writable(out, "--out")
    folder = results or default_results()
    written: list[str] = []
    missing: list[str] = []
    suffixes = [each.value for each in formats or [Picture.png]]
    at = "".join(f"-T{T}" for T in sorted({*lengths})) if lengths else ""
    for loaded in _loaded(benchmark, lengths, results):
        name = loaded.benchmark
        for figure in _figures(known, benchmark or name, figures):
            target = (out / name if out else folder / name / "figures") / f"{figure.name}{at}"
            try:
                written += map(str, draw(known.figures, figure, loaded, target, suffixes))
            except NothingToShowError as error:
                missing.append(f"{figure.name}: {error}")
    _report(written, missing, json)


def table(
    benchmark: Benchmark = None,
    format_: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.text,
    lengths: Lengths = None,
    metric: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What is summarised, such as accuracy [default: loss]."),
    ] = None,
    results: Results = None,
    json: Json = False,
) -> None:
    """Summarise runs: a mean over seeds and its interval for each model and length."""
    import pandas as pd

    from urnn_bench.analysis.summary import summary, tested

    loaded = _loaded(benchmark, lengths, results)
    frames = [summary(each, metric) for each in loaded if metric in (None, *tested(each))]
    if not frames:
        known_ = {name for each in loaded for name in tested(each)}
        raise UnknownNameError("metric", metric or "", known_)
    frame = pd.concat(frames, ignore_index=True)
    rows = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    if json:
        echo_json(rows)
        return
    _WRITERS[format_](frame, [_for_people(row, len(frames) > 1) for row in rows])
    for name, metric in dict.fromkeys((row["benchmark"], row["metric"]) for row in rows):
        echo_err(f"{name}: test is {metric}")
    echo_err("test: mean over seeds (geometric of the loss); low, high: its 95 % t interval")
    if (frame["good"] < frame["seeds"]).any():
        echo_err(
            "good: not diverged, failed or stopped; what diverged is tested by its best weights"
        )
    echo_err("size: parameters; solved: seeds (95 % interval of the share) @ median update")


def _loaded(
    benchmark: str | None, lengths: list[int] | None, results: Path | None
) -> "list[Records]":
    """Return what is recorded of a benchmark, or of all, at some lengths, or at all."""
    from urnn_bench.analysis.results import load

    folder = results or default_results()
    names = recorded(folder, benchmark)
    found = [load(folder, name, run_command(benchmark or name, results)) for name in names]
    if not lengths:
        return found
    known = sorted({record.run.T for each in found for record in each.records})
    if unknown := [T for T in lengths if T not in known]:
        there = ", ".join(map(str, known))
        raise UsageError(f"no run is recorded at T = {unknown[0]}; there are: {there}")
    at = (each.at(lengths) for each in found)
    return [each for each in at if each.records]


def _report(written: list[str], missing: list[str], json: bool) -> None:
    for text in missing:
        echo_err(text)
    if json:
        echo_json({"figures": written, "missing": missing})
    elif written:
        echo("\n".join(written))
    if not written:
        raise NothingToShowError("no figure could be drawn from these records")


def _text(_: "pd.DataFrame", rows: list[dict[str, Any]]) -> None:
    echo_table(list(rows[0]), [list(row.values()) for row in rows])


def _markdown(_: "pd.DataFrame", rows: list[dict[str, Any]]) -> None:
    from tabulate import tabulate

    cells = [{k: shown(v).replace("|", r"\|") for k, v in row.items()} for row in rows]
    echo(tabulate(cells, headers="keys", tablefmt="github", disable_numparse=True))


def _latex(_: "pd.DataFrame", rows: list[dict[str, Any]]) -> None:
    import pandas as pd

    cells = [{k: shown(v) for k, v in row.items()} for row in rows]
    style = pd.DataFrame(cells).style.hide(axis="index").format(escape="latex")
    echo(style.format_index(escape="latex", axis="columns").to_latex(hrules=True).rstrip("\n"))


def _csv(frame: "pd.DataFrame", _: list[dict[str, Any]]) -> None:
    echo(frame.to_csv(index=False).rstrip("\n"))


_WRITERS: dict[Format, Callable[["pd.DataFrame", list[dict[str, Any]]], None]] = {
    Format.text: _text,
    Format.markdown: _markdown,
    Format.latex: _latex,
    Format.csv: _csv,
}


def _for_people(row: dict[Any, Any], several: bool) -> dict[str, Any]:
    """Return a row narrow enough for 80 columns: the geometric mean with its interval."""
    when = f"@{row['solved_step']}" if row["solved_step"] is not None else ""
    share = f"{row['solved']}/{row['seeds']} ({_per_cent(row)}){when}" if _sought(row) else "–"
    good = "" if row["good"] == row["seeds"] else f", {row['good']} good"
    return {
        **({"benchmark": row["benchmark"]} if several else {}),
        "model": row["model"],
        "T": row["T"],
        "size": row["parameters"],
        "updates": row["updates"],
        "solved": share + good,
        "test": row["test"],
        "low": row["test_low"],
        "high": row["test_high"],
        "memoryless": row["baseline"],
    }


def _sought(row: dict[Any, Any]) -> bool:
    """Return whether the benchmark says when its task is solved."""
    return row["solved"] is not None


def _per_cent(row: dict[Any, Any]) -> str:
    return f"{100 * row['solved_low']:.0f}-{100 * row['solved_high']:.0f} %"


def _figures(known: Components, benchmark: str, asked: list[str] | None) -> list[ComponentSpec]:
    """Return the figures asked for, else all, as the benchmark has them; its own come first."""
    own = _own_figures(known, benchmark)
    for name in asked or []:
        if name not in known.figures.names():
            raise UnknownNameError("figure", name, known.figures.names())
    wanted = asked or [*own, *known.figures.names()]
    return [own.get(name) or ComponentSpec(name=name) for name in dict.fromkeys(wanted)]


def _own_figures(known: Components, benchmark: str) -> dict[str, ComponentSpec]:
    """Return the figures of a benchmark's file; none if records are all that is left."""
    if benchmark not in catalogue.names() and not Path(benchmark).is_file():
        return {}
    checked = check_benchmark(*catalogue.find(benchmark), Selection(), known.cells.names())
    return {figure.name: figure for figure in checked.benchmark.figures}
