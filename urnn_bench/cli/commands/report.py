"""``urnn-bench plot`` and ``table``: figures and tables from records alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

from urnn_bench.cli.display.output import (
    TableRow,
    csv_text,
    echo,
    echo_block,
    echo_err,
    echo_json,
    echo_rows,
    shown,
)
from urnn_bench.cli.options import report as options
from urnn_bench.cli.options.shared import Benchmark, Include, Json, Lengths, Results
from urnn_bench.cli.sources import load_components, recorded_runs, run_command
from urnn_bench.errors import (
    NothingToShowError,
    RecordsError,
    UnknownNameError,
    UrnnBenchError,
    UsageError,
    attempt,
)
from urnn_bench.files import require_real_folder
from urnn_bench.records import metrics
from urnn_bench.records.folder import (
    METRICS,
    default_results,
    make_writable,
    without_garbage_collection,
)
from urnn_bench.registry import Components
from urnn_bench.run.matrix import check_figures
from urnn_bench.spec import catalogue
from urnn_bench.spec.sweep import Selection, check_benchmark
from urnn_bench.spec.types import ComponentSpec
from urnn_bench.text import markdown

if TYPE_CHECKING:
    from urnn_bench.analysis.results import Results as LoadedResults
    from urnn_bench.analysis.selection import Selected


class _SummaryRow(TypedDict):
    """The columns of a summary that a table shows; None is what is not known."""

    benchmark: str
    metric: str
    model: str
    T: int
    parameters: int | None
    updates: int
    seeds: int
    good: int
    solved: int | None
    solved_low: float
    solved_high: float
    solved_step: int | None
    test: float | None
    test_low: float | None
    test_high: float | None
    baseline: float | None


def plot(
    benchmark: Benchmark = None,
    figures: options.Figures = None,
    lengths: Lengths = None,
    results: Results = None,
    out: options.Out = None,
    include: Include = None,
    formats: options.Formats = None,
    json: Json = False,
) -> None:
    """Draw figures from the records and write their paths to stdout."""
    from urnn_bench.analysis.results import framed

    components = load_components(include or [])
    if out:
        make_writable(out, "--out")
    suffixes = [format_.value for format_ in formats or [options.FigureFormat.png]]
    written: list[str] = []
    missing: list[str] = []
    failed: dict[str, Exception] = {}
    root = out or results or default_results()
    for selected in _load(benchmark, lengths, results, include):
        loaded = framed(selected)
        folder = _figure_folder(out, results, loaded.benchmark)
        for figure in _figures(components, benchmark or loaded.benchmark, figures):
            path = folder / f"{figure.name}{_lengths_suffix(lengths)}"
            drawn = _drawn(components, figure, loaded, path, suffixes, root)
            if isinstance(drawn, list):
                written += map(str, drawn)
            else:
                missing.append(_reason(figure.name, drawn))
                failed |= {} if isinstance(drawn, NothingToShowError) else {figure.name: drawn}
    _report(written, missing, json)
    # without a name every figure is tried, and some are of a user's
    if failed and figures:
        raise UrnnBenchError(f"could not be drawn: {', '.join(failed)}")
    if not written:
        raise NothingToShowError("no figure could be drawn from these records")


def _drawn(
    components: Components,
    figure: ComponentSpec,
    loaded: "LoadedResults",
    path: Path,
    suffixes: Sequence[str],
    root: Path,
) -> list[Path] | Exception:
    """Return the files of a figure, or why it could not be drawn; its code may be a user's.

    Raises UrnnBenchError for wrong options, or if the folder cannot be written to.
    """
    from urnn_bench.figures._drawing import draw

    with _writing_to(path.parent, root):
        drawn = attempt(draw, components.figures, figure, loaded, path, suffixes)
        if isinstance(drawn, OSError):
            raise drawn
    if isinstance(drawn, UrnnBenchError) and not isinstance(drawn, NothingToShowError):
        raise drawn
    return drawn


def _reason(figure: str, error: Exception) -> str:
    if isinstance(error, NothingToShowError):
        return f"{figure}: {error}"
    return f"figure {figure}: {type(error).__name__}: {error}"


def _figure_folder(out: Path | None, results: Path | None, benchmark: str) -> Path:
    return out / benchmark if out else (results or default_results()) / benchmark / "figures"


@contextmanager
def _writing_to(folder: Path, root: Path) -> Iterator[None]:
    """Raise RecordsError that names --out if nothing can be written, or only through a link."""
    try:
        require_real_folder(folder, root)
        yield
    except OSError as error:
        raise RecordsError(
            f"{error.filename or folder}: no figure can be written there ({error.strerror}); "
            "choose another folder with --out"
        ) from error


def _lengths_suffix(lengths: list[int] | None) -> str:
    return "".join(f"-T{T}" for T in sorted({*(lengths or [])}))


def table(
    benchmark: Benchmark = None,
    lengths: Lengths = None,
    metric: options.Metric = None,
    results: Results = None,
    format_: options.Format = options.TableFormat.text,
    json: Json = False,
) -> None:
    """Summarise the records: a mean over seeds and its interval for each model and length."""
    with without_garbage_collection():
        loaded = _load(benchmark, lengths, results)
        rows = _summary(loaded, metric)
        _warn_of_damage(loaded)
    if json:
        echo_json(rows)
        return
    _write_table(format_, cast("list[_SummaryRow]", rows))


def _summary(loaded: "list[Selected]", metric: str | None) -> list[dict[str, object]]:
    """Return the summaries of several benchmarks; raise UnknownNameError if none has the metric."""
    from urnn_bench.analysis.summary import summary, tested

    shown_runs = [runs for runs in loaded if metric in (None, *tested(runs))]
    if not shown_runs:
        raise UnknownNameError("metric", metric or "", {n for runs in loaded for n in tested(runs)})
    return [row for runs in shown_runs for row in summary(runs, metric)]


def _warn_of_damage(loaded: "list[Selected]") -> None:
    """Warn about files that a table does not need, as it may be all that is looked at."""
    for runs in loaded:
        for folder in runs.folders:
            metrics.FORMAT.check(folder / METRICS)


def _write_table(format_: options.TableFormat, rows: list[_SummaryRow]) -> None:
    benchmarks = {row["benchmark"] for row in rows}
    _WRITERS[format_](rows, [_narrow(row, with_benchmark=len(benchmarks) > 1) for row in rows])
    for name, metric in dict.fromkeys((row["benchmark"], row["metric"]) for row in rows):
        echo_err(f"{name}: test is {metric}")
    echo_err("test: mean over seeds (geometric for the loss); low, high: its 95 % t interval")
    if any(row["good"] < row["seeds"] for row in rows):
        echo_err("good: not diverged, failed or stopped; a diverged run is tested at its best")
    echo_err("size: parameters; solved: seeds (95 % interval of the share) @ median update")


def _load(
    benchmark: str | None,
    lengths: list[int] | None,
    results: Path | None,
    include: list[Path] | None = None,
) -> "list[Selected]":
    """Return the records of one benchmark or of all, at some lengths or at all.

    Raises UsageError if nothing is recorded at one of the lengths.
    """
    from urnn_bench.analysis.selection import select

    folder = results or default_results()
    recorded = recorded_runs(folder, benchmark)
    commands = {name: run_command(benchmark or name, results, include) for name in recorded}
    loaded = [select(folder, name, runs, commands[name]) for name, runs in recorded.items()]
    if not lengths:
        return loaded
    recorded_lengths = sorted({record.run.T for runs in loaded for record in runs.records})
    if unknown := [T for T in lengths if T not in recorded_lengths]:
        choices = ", ".join(map(str, recorded_lengths))
        raise UsageError(f"no run is recorded at T = {unknown[0]}; there are: {choices}")
    selected = (runs.at(lengths) for runs in loaded)
    return [runs for runs in selected if runs.records]


def _report(written: list[str], missing: list[str], json: bool) -> None:
    for text in missing:
        echo_err(text)
    if json:
        echo_json({"figures": written, "missing": missing})
    elif written:
        echo(*written)


def _write_text(_: Sequence[_SummaryRow], rows: Sequence[TableRow]) -> None:
    echo_rows(rows)


def _write_markdown(_: Sequence[_SummaryRow], rows: Sequence[TableRow]) -> None:
    from tabulate import tabulate

    cells = [{k: markdown(shown(v)) for k, v in row.items()} for row in rows]
    echo_block(tabulate(cells, headers="keys", tablefmt="github", disable_numparse=True))


def _write_latex(_: Sequence[_SummaryRow], rows: Sequence[TableRow]) -> None:
    import pandas as pd

    cells = [{k: shown(v) for k, v in row.items()} for row in rows]
    style = pd.DataFrame(cells).style.hide(axis="index").format(escape="latex")
    style = style.format_index(escape="latex", axis="columns")
    echo_block(style.to_latex(hrules=True).rstrip("\n"))


def _write_csv(rows: Sequence[_SummaryRow], _: Sequence[TableRow]) -> None:
    import pandas as pd

    from urnn_bench.analysis.summary import COUNTS

    frame = pd.DataFrame(rows).astype(dict.fromkeys(COUNTS, "Int64"))
    echo_block(csv_text(frame).rstrip("\n"))


_WRITERS: dict[options.TableFormat, Callable[[Sequence[_SummaryRow], Sequence[TableRow]], None]] = {
    options.TableFormat.text: _write_text,
    options.TableFormat.markdown: _write_markdown,
    options.TableFormat.latex: _write_latex,
    options.TableFormat.csv: _write_csv,
}


def _narrow(row: _SummaryRow, with_benchmark: bool) -> TableRow:
    """Return a row that fits into 80 columns."""
    return {
        **({"benchmark": row["benchmark"]} if with_benchmark else {}),
        "model": row["model"],
        "T": row["T"],
        "size": row["parameters"],
        "updates": row["updates"],
        "solved": _solved(row),
        "test": row["test"],
        "low": row["test_low"],
        "high": row["test_high"],
        "memoryless": row["baseline"],
    }


def _solved(row: _SummaryRow) -> str:
    """Return "2/3 (21-94 %)@500, 2 good"; a dash where nothing says when the task is solved."""
    good = "" if row["good"] == row["seeds"] else f", {row['good']} good"
    if row["solved"] is None:
        return f"–{good}"
    percent = f"{100 * row['solved_low']:.0f}-{100 * row['solved_high']:.0f} %"
    update = f"@{row['solved_step']}" if row["solved_step"] is not None else ""
    return f"{row['solved']}/{row['seeds']} ({percent}){update}{good}"


def _figures(
    components: Components, benchmark: str, requested: list[str] | None
) -> list[ComponentSpec]:
    """Return the requested figures, else all, with the benchmark's options; its own come first."""
    own = _own_figures(components, benchmark)
    for name in requested or []:
        if name not in components.figures.names():
            raise UnknownNameError("figure", name, components.figures.names())
    names = requested or [*own, *components.figures.names()]
    return [own.get(name) or ComponentSpec(name=name) for name in dict.fromkeys(names)]


def _own_figures(components: Components, benchmark: str) -> dict[str, ComponentSpec]:
    """Return the figures of a benchmark's file; none if only records are left of it."""
    if benchmark not in catalogue.names() and not Path(benchmark).is_file():
        return {}
    checked = check_benchmark(*catalogue.find(benchmark), Selection(), components.cells.names())
    check_figures(components, checked)
    return {figure.name: figure for figure in checked.benchmark.figures}
