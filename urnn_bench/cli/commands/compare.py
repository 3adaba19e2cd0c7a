"""``urnn-bench compare``: is one better than the other, on the same seeds?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urnn_bench.cli.display.output import echo_err, echo_json, echo_table
from urnn_bench.cli.parameters import Json, Results, complete_benchmark
from urnn_bench.cli.sources import known, run_command
from urnn_bench.errors import GateError, NothingToShowError, UnknownNameError
from urnn_bench.records.folder import default_results, records

if TYPE_CHECKING:
    from urnn_bench.analysis.compare import Row
    from urnn_bench.records.record import Record


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="A model, or a results folder.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one, against A.")],
    benchmark: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=complete_benchmark,
            help="Only this benchmark. [default: all that have records]",
        ),
    ] = None,
    gate: Annotated[
        bool,
        typer.Option(
            "--gate",
            help="Exit with 4 if B's loss is higher, with 5 if fewer than six seeds can tell.",
        ),
    ] = False,
    results: Results = None,
    json: Json = False,
) -> None:
    """Compare two models, or a model's runs in two folders, seed by seed on the same data."""
    from urnn_bench.analysis import compare as comparing

    folder = results or default_results()
    sides, by_model = _sides(a, b, folder, benchmark)
    rows = comparing.compare(*sides, by_model)
    if json:
        echo_json([_plain(row) for row in rows])
    else:
        _show(rows)
    if gate:
        _judge(rows)


def _sides(
    a: str, b: str, results: Path, benchmark: str | None
) -> "tuple[tuple[list[Record], list[Record]], bool]":
    """Return the records of both sides, and whether models are kept apart."""
    if Path(a).is_dir() and Path(b).is_dir():
        one, two = (_found(Path(each), benchmark) for each in (a, b))
        return (one, two), True
    known = {record.run.label for _, record in records(results)}
    strange = [name for name in (a, b) if name not in known and not Path(name).is_dir()]
    # two names of nothing, where there are no records, are models that are still to be trained
    if strange and (known or len(strange) == 1):
        raise UnknownNameError("recorded model or results folder", strange[0], known)
    found = _found(results, benchmark)
    labels = {record.run.label for record in found}
    for name in (a, b):
        if name not in labels:
            raise UnknownNameError("recorded model or results folder", name, labels)
    one, two = ([r for r in found if r.run.label == name] for name in (a, b))
    return (one, two), False


def _found(results: Path, benchmark: str | None) -> "list[Record]":
    """Return the records of a folder, of several settings those asked for last."""
    from urnn_bench.analysis.results import load

    if benchmark:
        command = run_command(benchmark, results)
        return list(load(results, known(results, benchmark), command).records)
    names = dict.fromkeys(r.run.benchmark for _, r in records(results))
    found = [
        record
        for name in names
        for record in load(results, name, run_command(name, results)).records
    ]
    if not found:
        raise NothingToShowError(f"{results}: there are no runs to compare")
    return found


def _show(rows: "list[Row]") -> None:
    shown = []
    for row in rows:
        found = row.found
        shown.append(
            {
                "benchmark": row.matter.benchmark,
                **({"model": row.matter.model} if row.matter.model else {}),
                "T": row.matter.T,
                "seeds": found.pairs,
                "B / A": found.ratio.value,
                "low": found.ratio.low,
                "high": found.ratio.high,
                "p": found.p,
                "solved": f"{row.solved[0]}, {row.solved[1]}",
                "B is": found.verdict,
            }
        )
    echo_table(list(shown[0]), [list(row.values()) for row in shown])
    metrics = " or ".join(dict.fromkeys(row.metric for row in rows))
    echo_err(f"B / A: ratio of test {metrics}, geometric mean over seeds with its 95 % t interval")
    for row in rows:
        if row.trained:
            at = f"{row.matter.benchmark} {row.matter.model} T={row.matter.T}"
            echo_err(f"{at}: A and B were not trained alike: {'; '.join(row.trained)}")
    if untested := sum(row.untested for row in rows):
        echo_err(f"{untested} seeds are recorded on both sides but not tested on one, and left out")
    echo_err("p: exact sign-flip test over seeds; fewer than six seeds are inconclusive")


def _plain(row: "Row") -> dict[str, Any]:
    found = row.found
    return {
        "benchmark": row.matter.benchmark,
        "model": row.matter.model,
        "T": row.matter.T,
        "metric": row.metric,
        "seeds": found.pairs,
        "ratio": found.ratio.value,
        "untested": row.untested,
        "trained": list(row.trained),
        "ratio_low": found.ratio.low,
        "ratio_high": found.ratio.high,
        "p": found.p,
        "solved_a": row.solved[0],
        "solved_b": row.solved[1],
        "b_is": found.verdict,
    }


def _judge(rows: "list[Row]") -> None:
    from urnn_bench.analysis.statistics import FEWEST_PAIRS

    worse = [row for row in rows if row.found.verdict == "higher"]
    if worse:
        where = ", ".join(f"{r.matter.benchmark} T={r.matter.T}" for r in worse)
        raise GateError(f"B's loss is higher than A's: {where}")
    if any(row.found.pairs < FEWEST_PAIRS for row in rows):
        raise NothingToShowError(
            f"fewer than {FEWEST_PAIRS} seeds of some length are on both sides, too few to judge; "
            f"run more with --seeds {FEWEST_PAIRS}"
        )
    if broken := [r for r in rows if r.untested or r.found.p != r.found.p]:
        where = ", ".join(f"{r.matter.benchmark} T={r.matter.T}" for r in broken)
        raise NothingToShowError(
            f"a seed has no test loss that is finite and above zero, so nothing is judged: {where}"
        )
