"""``urnn-bench kernels``: how fast each way to compute a recurrence is here."""

from dataclasses import asdict
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urnn_bench.cli.output import emit_json, emit_table, say
from urnn_bench.cli.parameters import Include, Json, complete_model
from urnn_bench.cli.sources import included
from urnn_bench.errors import UnknownNameError

if TYPE_CHECKING:
    from urnn_bench.breakdown import Cost
    from urnn_bench.speed import Timing

_STEPS, _HIDDEN, _BATCH = 520, 128, 20
_LEGEND = (
    "medians; loop ms: recurrence, forward and backward; update: a whole one, in ms, and",
    "the recurrence's share of it; x eager: times faster than the time loop, and the",
    "lowest and highest round; MiB: what a recurrence adds to the process's memory;",
    "peak: share of a large matrix product's pace; all agree with the loop to 1e-9",
)


def kernels(
    models: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="NAME", autocompletion=complete_model,
                     help="Only this model; repeat. [default: all]"),
    ] = None,
    lengths: Annotated[
        list[int] | None,
        typer.Option("--T", min=3, metavar="N", help=f"Steps; repeat. [default: {_STEPS}]"),
    ] = None,
    hidden: Annotated[
        list[int] | None,
        typer.Option(min=1, metavar="N", help=f"Width; repeat. [default: {_HIDDEN}]"),
    ] = None,
    batch: Annotated[
        list[int] | None,
        typer.Option(min=1, metavar="N", help=f"Sequences; repeat. [default: {_BATCH}]"),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Threads, of torch too. [default: all]")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="Times each is timed.")] = 7,
    profile: Annotated[
        bool, typer.Option("--profile", help="Say where the time of a whole update goes instead.")
    ] = False,
    include: Include = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Check every kernel against the time loop in float64, then time all of them in turn."""
    import os

    from urnn_bench import bench, speed
    from urnn_bench.agreement import Shape
    from urnn_bench.breakdown import breakdown

    known = included(include or [])
    for name in models or []:
        if name not in known.cells.names():
            raise UnknownNameError("model", name, known.cells.names())
    # a profile is of an update as a run makes it; timed contenders get their threads in turn
    bench.set_up(threads if profile else threads or os.cpu_count())
    chosen = tuple(dict.fromkeys(models or known.cells.names()))
    shapes = [
        Shape(*shape)
        for shape in product(lengths or [_STEPS], batch or [_BATCH], hidden or [_HIDDEN])
    ]
    if profile:
        _show_costs([c for s in shapes for m in chosen for c in breakdown(known, m, s)], json)
        return
    rows = [row for shape in shapes for row in speed.table(known, chosen, shape, rounds)]
    if json:
        emit_json([asdict(row) for row in rows])
        return
    _show(rows)


def _show_costs(costs: "list[Cost]", json: bool) -> None:
    if json:
        emit_json([asdict(cost) for cost in costs])
        return
    names = ("model", "kernel", "T", "B", "H", "operation", "calls", "ms", "share")
    emit_table(names, [list((asdict(c) | {"share": round(c.share, 3)}).values()) for c in costs])
    say("ms: of a whole update, spent in the operation itself; the profiler takes time too")


def _show(rows: "list[Timing]") -> None:
    shown = [_for_people(row) for row in rows if row.obstacle is None]
    emit_table(list(shown[0]), [list(row.values()) for row in shown])
    for row in rows:
        if row.obstacle:
            say(f"{row.model} {row.kernel} at {row.hidden} units does not run: {row.obstacle}")
    for line in _LEGEND:
        say(line)


def _range(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f"{low:.3g}-{high:.3g}"


def _for_people(row: "Timing") -> dict[str, Any]:
    """Return a row narrow enough for 80 columns; all of it is in the JSON."""
    return {
        "model": row.model,
        "kernel": row.kernel,
        "T": row.steps,
        "B": row.batch,
        "H": row.hidden,
        "loop ms": row.recurrence_ms,
        "x eager": row.ratio,
        "range": _range(row.ratio_low, row.ratio_high),
        "update": row.update_ms,
        "share": None if row.share is None else round(row.share, 2),
        "MiB": row.memory_mb,
        "GF/s": row.gflop_per_s,
        "peak": None if row.of_peak is None else round(row.of_peak, 2),
    }
