"""``urnn-bench compare``: is one model, or one state of the code, better on the same seeds?"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from urnn_bench.cli.display.output import TableRow, echo_err, echo_json, echo_rows
from urnn_bench.cli.options.completion import complete_benchmark
from urnn_bench.cli.options.filters import All, Models, Wheres
from urnn_bench.cli.options.paths import NameOrPathOf
from urnn_bench.cli.options.shared import OUTPUT, SELECTION, Json, Lengths, Results
from urnn_bench.cli.sources import Request, filters_of, selected_runs
from urnn_bench.errors import GateError, NothingToShowError, UnknownNameError, UsageError

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
    lengths: Lengths = None,
    models: Models = None,
    where: Wheres = None,
    show_all: All = False,
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

    filters = filters_of(lengths, models, where, show_all)
    if Path(a).is_dir() and Path(b).is_dir():
        of_a, of_b = (_load(Request(benchmark, (Path(folder),), filters)) for folder in (a, b))
        rows = analysis.compare(of_a, of_b, True)
    else:
        request = Request(benchmark, (results,) if results else (), filters)
        rows = analysis.compare(*_of_models(a, b, request), False)
    if json:
        echo_json([_json_row(row) for row in rows])
    else:
        _show(rows)
    if gate:
        _check_gate(rows)


def _of_models(a: str, b: str, request: Request) -> "tuple[list[Record], list[Record]]":
    """Return the runs of two models; a name beside that of a folder is the one to be mended."""
    strangers = [name for name in (a, b) if not Path(name).is_dir()]
    try:
        loaded = _load(request)
    except NothingToShowError:
        # two unknown names may be models that are still to be trained
        if len(strangers) == 1:
            raise UnknownNameError(_SIDE, strangers[0], ()) from None
        raise
    for name in strangers:
        _of_model(loaded, name)
    return _of_model(loaded, a), _of_model(loaded, b)


def _of_model(loaded: "Sequence[Record]", name: str) -> "list[Record]":
    """Return the runs of a model; a name is its label, or that of its only configuration."""
    from urnn_bench.analysis.filters import names_of

    labels = {record.run.label for record in loaded}
    meant = {name} & labels or {label for label in labels if name in names_of(label)}
    if not meant:
        raise UnknownNameError(_SIDE, name, labels)
    if len(meant) > 1:
        choices = ", ".join(f"'{label}'" for label in sorted(meant))
        raise UsageError(f"'{name}' was trained with several settings; give one of {choices}")
    return [record for record in loaded if record.run.label in meant]


def _load(request: Request) -> "list[Record]":
    """Return the runs of a folder with the labels that a table gives them."""
    return [record for shown in selected_runs(request) for record in shown.records]


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
    from urnn_bench.analysis.statistics import FEWEST_PAIRS

    if worse := [row for row in rows if row.found.verdict == "higher"]:
        raise GateError(f"B's loss is higher than A's: {_places(worse)}")
    if any(row.found.pairs < FEWEST_PAIRS for row in rows):
        raise NothingToShowError(
            f"too few to judge: fewer than {FEWEST_PAIRS} seeds of some length are on both sides; "
            f"train more with --seeds {FEWEST_PAIRS}"
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
