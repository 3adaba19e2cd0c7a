"""``urnn-bench plot`` and ``table``: figures and tables from records alone."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urnn_bench.cli.output import emit, emit_json, emit_table, say, shown
from urnn_bench.cli.parameters import Benchmark, Json, Results, complete_figure
from urnn_bench.errors import NothingToShowError, UnknownNameError
from urnn_bench.registry import Components
from urnn_bench.spec import catalogue
from urnn_bench.spec.schema import Named

if TYPE_CHECKING:
    import pandas as pd


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
            help="Only this figure; repeat. [default: those of the benchmark]",
        ),
    ] = None,
    formats: Annotated[
        list[Picture] | None, typer.Option("--format", help="Repeat. [default: png]")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of the figures [default: figures/ beside the benchmark's runs]",
        ),
    ] = None,
    results: Results = None,
    json: Json = False,
) -> None:
    """Draw figures from records; the path of each goes to stdout."""
    from urnn_bench.figures._drawing import draw
    from urnn_bench.records.results import load

    folder, written, missing = _folder(results), [], []
    suffixes = [each.value for each in formats or [Picture.png]]
    for name in _benchmarks(folder, benchmark):
        loaded = load(folder, name)
        for figure in _figures(name, figures):
            target = (out / name if out else folder / name / "figures") / figure.name
            try:
                paths = draw(figure, loaded, target, suffixes)
                written += [str(path) for path in paths]
            except NothingToShowError as error:
                missing.append(str(error))
                say(f"{figure.name}: {error}")
    if json:
        emit_json({"figures": written, "missing": missing})
    elif written:
        emit("\n".join(written))
    if not written:
        raise NothingToShowError("no figure could be drawn from these records")


def table(
    benchmark: Benchmark = None,
    format_: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.text,
    results: Results = None,
    json: Json = False,
) -> None:
    """Summarise runs: median and range over seeds for each model and length."""
    from urnn_bench.records.results import load
    from urnn_bench.records.summary import summary

    folder = _folder(results)
    frames = {n: summary(load(folder, n)) for n in _benchmarks(folder, benchmark)}
    if json:
        emit_json({name: frame.to_dict(orient="records") for name, frame in frames.items()})
        return
    for name, frame in frames.items():
        _WRITERS[format_](name, frame)


def _text(name: str, frame: "pd.DataFrame") -> None:
    plain = _merged_range(frame)
    emit_table(list(plain[0]), [list(row.values()) for row in plain], title=name)


def _markdown(_: str, frame: "pd.DataFrame") -> None:
    from tabulate import tabulate

    rows = [{k: shown(v) for k, v in row.items()} for row in _merged_range(frame)]
    emit(tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True))


def _latex(name: str, frame: "pd.DataFrame") -> None:
    import pandas as pd

    rows = [{k: shown(v) for k, v in row.items()} for row in _merged_range(frame)]
    style = pd.DataFrame(rows).style.hide(axis="index").format(escape="latex")
    style = style.format_index(escape="latex", axis="columns")
    emit(style.to_latex(hrules=True, caption=f"Benchmark {name.replace('_', chr(92) + '_')}"))


def _csv(name: str, frame: "pd.DataFrame") -> None:
    emit(frame.assign(benchmark=name).to_csv(index=False).rstrip("\n"))


_WRITERS: dict[Format, Callable[[str, "pd.DataFrame"], None]] = {
    Format.text: _text,
    Format.markdown: _markdown,
    Format.latex: _latex,
    Format.csv: _csv,
}


def _merged_range(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return rows for people: solved as k/n, the test score as median (lowest to highest)."""
    return [_for_people(row) for row in frame.to_dict(orient="records")]


def _for_people(row: dict[Any, Any]) -> dict[str, Any]:
    test = next(key for key in row if str(key).startswith("test_"))
    low, high = shown(row["lowest"]), shown(row["highest"])
    spread = f" ({low} to {high})" if row["seeds"] > 1 else ""
    return {
        "model": row["model"],
        "T": row["T"],
        "hidden": row["hidden"],
        "parameters": row["parameters"],
        "updates": row["updates"],
        "ended well": f"{row['good']}/{row['seeds']}",
        "solved": f"{row['solved']}/{row['seeds']}",
        "at update": row["solved_step"],
        test: f"{shown(row[test])}{spread}",
        "baseline": row["baseline"],
        "updates/s": row["updates_per_s"],
    }


def _folder(results: Path | None) -> Path:
    from urnn_bench.records.folder import default_results

    return results or default_results()


def _benchmarks(folder: Path, benchmark: str | None) -> Iterator[str]:
    """Return the benchmark asked for, or all that have records."""
    from urnn_bench.records.folder import records

    recorded = list(dict.fromkeys(r.run.benchmark for _, r in records(folder)))
    if benchmark is None and not recorded:
        text = f"{folder}: there are no runs to show; make some with: urnn-bench run copy"
        raise NothingToShowError(text)
    known = {*recorded, *catalogue.names()}
    if benchmark is not None and benchmark not in known:
        raise UnknownNameError("benchmark", benchmark, known)
    return iter([benchmark] if benchmark else recorded)


def _figures(benchmark: str, asked: list[str] | None) -> list[Named]:
    """Return the figures asked for, with the benchmark's options; else the benchmark's own."""
    known = Components().figures
    own = _own_figures(benchmark)
    if not asked:
        return list(own.values())
    for name in asked:
        if name not in known.names():
            raise UnknownNameError("figure", name, known.names())
    return [own.get(name) or Named(name=name) for name in asked]


def _own_figures(benchmark: str) -> dict[str, Named]:
    from urnn_bench.spec.sweep import Selection, plan

    if benchmark not in catalogue.names():
        return {name: Named(name=name) for name in Components().figures.names()}
    checked = plan(*catalogue.find(benchmark), Selection(), ())
    return {figure.name: figure for figure in checked.benchmark.figures}
