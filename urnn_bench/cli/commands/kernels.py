"""``urnn-bench kernels``: how fast each way to compute a recurrence is here."""

from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from urnn_bench.cli.display.output import echo_err, echo_json, echo_table
from urnn_bench.cli.parameters import (
    DataDir,
    Device,
    Include,
    Json,
    complete_benchmark,
    complete_model,
)
from urnn_bench.cli.sources import included
from urnn_bench.errors import UnknownNameError, UsageError
from urnn_bench.files import write_atomically
from urnn_bench.registry import Components
from urnn_bench.run.matrix import matrix
from urnn_bench.spec.sweep import Selection

if TYPE_CHECKING:
    from urnn_bench.measure.correctness import Shape
    from urnn_bench.measure.profile import OperationTime
    from urnn_bench.measure.stacking import StackingTiming
    from urnn_bench.measure.timing import Timing

_STEPS, _HIDDEN, _BATCH = 520, 128, 20
_LEGEND = (
    "medians; loop ms: recurrence, forward and backward; update: a whole one, in ms, and",
    "the recurrence's share of it; x eager: times faster than the time loop, and the",
    "lowest and highest round; MiB: what a recurrence adds to the process's memory;",
    "peak: share of a large matrix product's pace; all agree with the loop to 1e-9",
)

_GAIN_LEGEND = (
    "medians; apart, together: an update of every seed, one after another and at once, in ms;",
    "x: times faster, and the lowest and highest round",
)


def kernels(
    benchmark: Annotated[
        str | None,
        typer.Argument(
            metavar="BENCHMARK",
            autocompletion=complete_benchmark,
            show_default=False,
            help="Take models and sizes from this benchmark.",
        ),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="NAME",
            autocompletion=complete_model,
            help="Only this model; repeat. [default: all]",
        ),
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
    device: Annotated[Device, typer.Option(help="Where to compute: cpu or cuda.")] = Device.cpu,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Threads, of torch too. [default: all]")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="Times each is timed.")] = 7,
    profile: Annotated[
        bool, typer.Option("--profile", help="Say where the time of a whole update goes instead.")
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="Time updates of N seeds at once and one after another instead.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write all columns, and on what, to this too."),
    ] = None,
    include: Include = None,
    data_dir: DataDir = None,  # noqa: ARG001  its callback has told the data layer
    json: Json = False,
) -> None:
    """Check every kernel against the time loop in float64, then time all of them in turn."""
    import os

    from urnn_bench.measure import timing
    from urnn_bench.measure.profile import profile_update
    from urnn_bench.measure.stacking import time_stacking
    from urnn_bench.run.device import configure_torch

    if profile and (csv is not None or device is Device.cuda):
        raise UsageError("--profile shows updates on a CPU; leave out --csv and --device")
    if seeds is not None and (csv is not None or profile):
        raise UsageError("--seeds shows a table of its own; leave out --csv and --profile")
    known = included(include or [])
    where = _device(device)
    sizes = _of_benchmark(known, benchmark) if benchmark else {}
    chosen = _sizes(known, sizes, models, lengths, batch, hidden)
    # these are of updates as a run makes them; timed contenders get their threads in turn
    as_a_run = profile or seeds is not None
    configure_torch(threads if as_a_run else threads or os.cpu_count())
    if profile:
        _show_costs(
            [c for s, each in chosen.items() for m in each for c in profile_update(known, m, s)],
            json,
        )
        return
    if seeds is not None:
        _show_gains(
            [
                g
                for s, each in chosen.items()
                for g in time_stacking(known, each, s, seeds, rounds, where)
            ],
            json,
        )
        return
    rows: list[Timing] = []
    for shape, each in chosen.items():
        rows += timing.time_kernels(known, each, shape, rounds, where)
        if csv is not None:
            _write(rows, csv, where)
    if json:
        echo_json([asdict(row) for row in rows])
        return
    _show(rows)


def _device(wanted: Device) -> str:
    """Return cpu or cuda; raise DeviceError if it is not here, UsageError if it cannot be timed."""
    from urnn_bench.run.device import device_of

    device = device_of(wanted.value).type
    if device not in ("cpu", "cuda"):
        raise UsageError(
            f"kernels are checked in float64, which {device} has not; use --device cpu"
        )
    return device


def _of_benchmark(known: Components, name: str) -> "dict[Shape, list[str]]":
    """Return the models of every shape that a benchmark trains."""
    from urnn_bench.measure.correctness import Shape
    from urnn_bench.run import build

    sizes: dict[Shape, list[str]] = {}
    for run in matrix(known, [name], Selection(seeds=(0,))).runs:
        steps = len(build.task_of(known, run).batch("train", 0, 1, 0).x)
        models = sizes.setdefault(Shape(steps, run.fit.batch, run.hidden), [])
        models += [run.cell.name] if run.cell.name not in models else []
    return sizes


def _sizes(
    known: Components,
    sizes: "dict[Shape, list[str]]",
    models: list[str] | None,
    lengths: list[int] | None,
    batch: list[int] | None,
    hidden: list[int] | None,
) -> "dict[Shape, list[str]]":
    """Return the models to time at every shape: a benchmark's, or those the options say."""
    from urnn_bench.measure.correctness import Shape

    for name in models or []:
        if name not in known.cells.names():
            raise UnknownNameError("model", name, known.cells.names())
    if sizes and (lengths or batch or hidden):
        raise UsageError("a benchmark says its sizes: leave out --T, --batch and --hidden")
    if sizes:
        kept = {s: [m for m in each if not models or m in models] for s, each in sizes.items()}
        if not any(kept.values()):
            raise UsageError(f"the benchmark does not train {' or '.join(models or [])}")
        return {shape: each for shape, each in kept.items() if each}
    every = product(lengths or [_STEPS], batch or [_BATCH], hidden or [_HIDDEN])
    asked = list(dict.fromkeys(models or known.cells.names()))
    return {Shape(*shape): asked for shape in every}


def _write(rows: "list[Timing]", path: Path, device: str) -> None:
    """Write the rows so far, each with the device's name and torch's version."""
    import pandas as pd
    import torch

    from urnn_bench.run.device import device_name

    beside = {"device_name": device_name(torch.device(device)), "torch": torch.__version__}
    lines = [asdict(row) | {"us_per_step": row.us_per_step} | beside for row in rows]
    text = pd.DataFrame(lines).to_csv(index=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: file.write(text.encode()))


def _show_costs(costs: "list[OperationTime]", json: bool) -> None:
    if json:
        echo_json([asdict(cost) for cost in costs])
        return
    names = ("model", "kernel", "T", "B", "H", "operation", "calls", "ms", "share")
    echo_table(names, [list((asdict(c) | {"share": round(c.share, 3)}).values()) for c in costs])
    echo_err("ms: of a whole update, spent in the operation itself; the profiler takes time too")


def _show_gains(rows: "list[StackingTiming]", json: bool) -> None:
    if json:
        echo_json([asdict(row) for row in rows])
        return
    names = ("model", "kernel", "T", "B", "H", "seeds", "apart ms", "together", "x", "range")
    echo_table(
        names,
        [
            [
                r.model,
                r.kernel,
                r.steps,
                r.batch,
                r.hidden,
                r.seeds,
                r.sequential_ms,
                r.stacked_ms,
                r.ratio,
                _range(r.ratio_low, r.ratio_high),
            ]
            for r in rows
        ],
    )
    for line in _GAIN_LEGEND:
        echo_err(line)


def _show(rows: "list[Timing]") -> None:
    shown = [_for_people(row) for row in rows if row.obstacle is None]
    echo_table(list(shown[0]), [list(row.values()) for row in shown])
    for row in rows:
        if row.obstacle:
            echo_err(f"{row.model} {row.kernel} at {row.hidden} units does not run: {row.obstacle}")
    for line in _LEGEND:
        echo_err(line)


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
