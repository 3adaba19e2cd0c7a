"""Tables of ``urnn-bench kernels``, narrow enough for 80 columns; JSON has every column."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from urnn_bench.cli.display.output import TableRow, echo_err, echo_json, echo_rows

if TYPE_CHECKING:
    from urnn_bench.measure.forward import ForwardTiming
    from urnn_bench.measure.profile import OperationTime
    from urnn_bench.measure.stacking import StackingTiming
    from urnn_bench.measure.timing import Timing

_TIMING_LEGEND = (
    "All kernels agree with the time loop to 1e-9 in float64. Times are medians.",
    "loop ms: forward and backward pass of the recurrence; update: a whole update, in ms;",
    "share: of the update spent in the recurrence; x eager: speed-up over the time loop,",
    "range: its lowest and highest round; MiB: memory that the recurrence adds to the process;",
    "peak: GF/s relative to a large matrix product",
)
_FORWARD_LEGEND = (
    "All kernels agree with the time loop to 1e-9 in float64. Times are medians.",
    "forward ms: forward pass to the last state; steps/s: time steps of all sequences;",
    "x eager: speed-up over the time loop, range: its lowest and highest round;",
    "MiB: memory that the pass adds to the process",
)
_PEER_LEGEND = (
    "All kernels and peers agree with the time loop to 1e-9 in float64. Figures are medians.",
    "steps/s: time steps of all sequences, range: the lowest and highest round;",
    "x eager, x peer, x first: speed-up over the time loop, over the first peer, and over the",
    "first model by the same kernel; a peer is timed on the first sequences alone",
)
_STACKING_LEGEND = (
    "sequential ms, stacked ms: one update of every seed, one after another and as a stack,",
    "medians; x: speed-up of the stack, and its lowest and highest round",
)
_PROFILE_LEGEND = "ms: of a whole update, in the operation itself; the profiler slows it down"


def show_json(rows: "Sequence[Timing | ForwardTiming | StackingTiming | OperationTime]") -> None:
    """Write every column of all rows as JSON."""
    echo_json([asdict(row) for row in rows])


def show_timings(rows: "Sequence[Timing]") -> None:
    """Show the kernels that were timed, and why others cannot run."""
    echo_rows([_timing(row) for row in rows if row.obstacle is None])
    for row in rows:
        if row.obstacle:
            echo_err(f"{row.model} {row.kernel} cannot run at {row.hidden} units: {row.obstacle}")
    for line in _TIMING_LEGEND:
        echo_err(line)


def show_forward(rows: "Sequence[ForwardTiming]", peers: Sequence[str]) -> None:
    """Show the forward passes that were timed, and why others were not."""
    shown, legend = (_beside_peers, _PEER_LEGEND) if peers else (_forward, _FORWARD_LEGEND)
    echo_rows([shown(row) for row in rows if row.obstacle is None])
    models: dict[tuple[str, int, str], list[str]] = {}
    for row in rows:
        if row.obstacle:
            models.setdefault((row.kernel, row.steps, row.obstacle), []).append(row.model)
    for (kernel, steps, reason), names in models.items():
        echo_err(f"{kernel} is not timed for {', '.join(names)} at {steps:,} steps: {reason}")
    for line in legend:
        echo_err(line)


def show_stacking(rows: "Sequence[StackingTiming]") -> None:
    """Show sequential and stacked updates side by side."""
    echo_rows([_stacking(row) for row in rows])
    for line in _STACKING_LEGEND:
        echo_err(line)


def show_profile(rows: "Sequence[OperationTime]") -> None:
    """Show the operations of an update."""
    echo_rows([_operation(row) for row in rows])
    echo_err(_PROFILE_LEGEND)


def _what(row: "Timing | ForwardTiming | StackingTiming | OperationTime") -> TableRow:
    """Return what was timed."""
    return {
        "model": row.model,
        "kernel": row.kernel,
        "T": row.steps,
        "B": row.batch,
        "H": row.hidden,
    }


def _timing(row: "Timing") -> TableRow:
    return {
        **_what(row),
        "loop ms": row.recurrence_ms,
        "x eager": row.ratio,
        "range": _range(row.ratio_low, row.ratio_high),
        "update": row.update_ms,
        "share": None if row.share is None else round(row.share, 2),
        "MiB": row.memory_mb,
        "GF/s": row.gflop_per_s,
        "peak": None if row.of_peak is None else round(row.of_peak, 2),
    }


def _forward(row: "ForwardTiming") -> TableRow:
    return {
        **_what(row),
        "forward ms": row.forward_ms,
        "steps/s": row.steps_per_s,
        "x eager": row.ratio,
        "range": _range(row.ratio_low, row.ratio_high),
        "MiB": row.memory_mb,
    }


def _beside_peers(row: "ForwardTiming") -> TableRow:
    return {
        **_what(row),
        "steps/s": row.steps_per_s,
        "range": _range(row.steps_per_s_low, row.steps_per_s_high),
        "x eager": row.ratio,
        "x peer": row.peer_ratio,
        "x first": row.first_ratio,
    }


def _stacking(row: "StackingTiming") -> TableRow:
    return {
        **_what(row),
        "seeds": row.seeds,
        "sequential ms": row.sequential_ms,
        "stacked ms": row.stacked_ms,
        "x": row.ratio,
        "range": _range(row.ratio_low, row.ratio_high),
    }


def _operation(row: "OperationTime") -> TableRow:
    return {
        **_what(row),
        "operation": row.operation,
        "calls": row.calls,
        "ms": row.update_ms,
        "share": round(row.share, 3),
    }


def _range(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else f"{low:.3g}-{high:.3g}"
