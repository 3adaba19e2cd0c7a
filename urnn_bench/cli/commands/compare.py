"""``urnn-bench compare``: is one model, or one state of the code, better on the same seeds?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urnn_bench.cli.display.output import TableRow, echo_err, echo_json, echo_rows
from urnn_bench.cli.options.completion import complete_benchmark
from urnn_bench.cli.options.paths import NameOrPathOf
from urnn_bench.cli.options.shared import OUTPUT, SELECTION, Json, Results
from urnn_bench.cli.sources import (
    Run,
    benchmark_name,
    run_command,
    runnable_name,
    runs_by_benchmark,
)
from urnn_bench.errors import GateError, NothingToShowError, UnknownNameError
from urnn_bench.records.folder import default_results

if TYPE_CHECKING:
    from urnn_bench.analysis.compare import Row
    from urnn_bench.records.record import Record

_SIDE = "recorded model or results folder"


def compare(
    a: Annotated[
        str,
        typer.Argument(parser=NameOrPathOf("A"), metavar="A", help="A model, or a results folder."),
    ],
    b: Annotated[
        str,
        typer.Argument(
            parser=NameOrPathOf("B"), metavar="B", help="A model or folder to compare against A."
        ),
    ],
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark",
            parser=NameOrPathOf("--benchmark"),
            metavar="NAME",
            autocompletion=complete_benchmark,
            help="Only this benchmark.",
            show_default="all with records",
            rich_help_panel=SELECTION,
        ),
    ] = None,
    results: Results = None,
    gate: Annotated[
        bool,
        typer.Option(
            "--gate",
            help="Exit with 4 if B's loss is higher, with 5 if fewer than six seeds decide it.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Compare two models, or a model's runs in two folders, seed by seed on the same data."""
    from urnn_bench.analysis import compare as analysis

    if Path(a).is_dir() and Path(b).is_dir():
        rows = analysis.compare(_load(Path(a), benchmark), _load(Path(b), benchmark), True)
    else:
        records_a, records_b = _of_models(a, b, results or default_results(), benchmark)
        rows = analysis.compare(records_a, records_b, False)
    if json:
        echo_json([_json_row(row) for row in rows])
    else:
        _show(rows)
    if gate:
        _check_gate(rows)


def _of_models(
    a: str, b: str, results: Path, benchmark: str | None
) -> "tuple[list[Record], list[Record]]":
    """Return the records of both models of a results folder."""
    runs = runs_by_benchmark(results)
    labels = {record.run.label for group in runs.values() for _, record in group}
    unknown = [name for name in (a, b) if name not in labels and not Path(name).is_dir()]
    # without any records, two unknown names may be models that are still to be trained
    if unknown and (labels or len(unknown) == 1):
        raise UnknownNameError(_SIDE, unknown[0], labels)
    loaded = _load(results, benchmark, runs)
    labels = {record.run.label for record in loaded}
    for name in (a, b):
        if name not in labels:
            raise UnknownNameError(_SIDE, name, labels)
    return (
        [record for record in loaded if record.run.label == a],
        [record for record in loaded if record.run.label == b],
    )


def _load(
    results: Path, benchmark: str | None, recorded: Mapping[str, Sequence[Run]] | None = None
) -> "list[Record]":
    """Return the records of a folder; of several settings only those requested last."""
    from urnn_bench.analysis.selection import select

    runs = runs_by_benchmark(results) if recorded is None else recorded
    names = [benchmark_name(results, benchmark)] if benchmark else list(runs)
    if not names:
        raise NothingToShowError(f"{results}: there are no runs to compare")
    commands = {
        name: run_command(runnable_name(benchmark or name, runs.get(name, ())), results)
        for name in names
    }
    selected = [select(results, name, runs.get(name, ()), commands[name]) for name in names]
    return [record for shown in selected for record in shown.records]


def _show(rows: "list[Row]") -> None:
    with_length = any(row.matter.length for row in rows)
    echo_rows([_table_row(row, with_length) for row in rows])
    metrics = " or ".join(dict.fromkeys(row.metric for row in rows))
    echo_err(f"B / A: ratio of test {metrics}, geometric mean over seeds with its 95 % t interval")
    for row in rows:
        if row.trained and not row.matter.length:
            place = f"{row.matter.benchmark} {row.matter.model} T={row.matter.T}"
            echo_err(f"{place}: A and B were not trained alike: {'; '.join(row.trained)}")
    if untested := sum(row.untested for row in rows):
        echo_err(f"{untested} seeds are left out: they are not tested on one of the two sides")
    echo_err("p: exact sign-flip test over seeds; fewer than six seeds are inconclusive")


def _table_row(row: "Row", with_length: bool) -> TableRow:
    comparison = row.found
    return {
        "benchmark": row.matter.benchmark,
        **({"model": row.matter.model} if row.matter.model else {}),
        "T": row.matter.T,
        **({"tested at": row.matter.tested} if with_length else {}),
        "seeds": comparison.pairs,
        "B / A": comparison.ratio.value,
        "low": comparison.ratio.low,
        "high": comparison.ratio.high,
        "p": comparison.p,
        "solved": f"{row.solved[0]}, {row.solved[1]}",
        "B is": comparison.verdict,
    }


def _json_row(row: "Row") -> dict[str, object]:
    comparison = row.found
    return {
        "benchmark": row.matter.benchmark,
        "model": row.matter.model,
        "T": row.matter.T,
        "length": row.matter.tested,
        "metric": row.metric,
        "seeds": comparison.pairs,
        "ratio": comparison.ratio.value,
        "untested": row.untested,
        "trained": list(row.trained),
        "ratio_low": comparison.ratio.low,
        "ratio_high": comparison.ratio.high,
        "p": comparison.p,
        "solved_a": row.solved[0],
        "solved_b": row.solved[1],
        "b_is": comparison.verdict,
    }


def _check_gate(rows: "list[Row]") -> None:
    """Raise GateError if B is worse, NothingToShowError if that cannot be decided."""
    from urnn_bench.analysis.statistics import FEWEST_SEEDS

    if worse := [row for row in rows if row.found.verdict == "higher"]:
        raise GateError(f"B's loss is higher than A's: {_places(worse)}")
    if any(row.found.pairs < FEWEST_SEEDS for row in rows):
        raise NothingToShowError(
            f"too few to judge: fewer than {FEWEST_SEEDS} seeds of some length are on both sides; "
            f"train more with --seeds {FEWEST_SEEDS}"
        )
    # p is NaN where a loss has no logarithm
    if undecided := [row for row in rows if row.untested or row.found.p != row.found.p]:
        raise NothingToShowError(
            f"nothing is judged, as a seed has no finite test loss above zero: {_places(undecided)}"
        )


def _places(rows: "list[Row]") -> str:
    return ", ".join(f"{row.matter.benchmark} {_lengths(row)}" for row in rows)


def _lengths(row: "Row") -> str:
    tested = f" tested at T={row.matter.length}" if row.matter.length else ""
    return f"T={row.matter.T}{tested}"
