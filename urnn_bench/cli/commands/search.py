"""``urnn-bench search``: from a benchmark's section ``search`` to its trials."""

from collections.abc import Iterable
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from urnn_bench.cli.display.output import echo, echo_err, json_text, shown
from urnn_bench.cli.extras import require
from urnn_bench.cli.options import run as options_of_run
from urnn_bench.cli.options import search as options
from urnn_bench.cli.options.shared import DataDir, Device, Include, Results, use_data
from urnn_bench.proposals import Command, same_command, table_of_trials
from urnn_bench.spec.grid import values_text

if TYPE_CHECKING:
    from urnn_bench.records.trials import Trial
    from urnn_bench.run.context import ExecutionOptions
    from urnn_bench.search.plan import Plan

_SOME_FAILED = 3


def search(
    benchmark: options.Benchmark,
    trials: options.Trials = None,
    random: options.Random = False,
    seed: options.Seed = 0,
    length: options.Length = None,
    updates: options.Updates = None,
    device: options_of_run.Device = Device.auto,
    kernel: options_of_run.Kernel = "auto",
    threads: options_of_run.Threads = None,
    results: Results = None,
    data_dir: DataDir = None,
    include: Include = None,
    json: options_of_run.JsonLines = False,
    quiet: options_of_run.Quiet = False,
) -> None:
    """Search for values of a model's keys: propose, train and score on validation."""
    require("optuna", "Optuna", "a search", "search")
    from urnn_bench.cli.display.log import show_log
    from urnn_bench.cli.selection import selection_of
    from urnn_bench.cli.sources import load_components
    from urnn_bench.records.folder import make_writable
    from urnn_bench.run.context import ExecutionOptions
    from urnn_bench.run.device import Backend, configure_torch
    from urnn_bench.search.plan import plan_of

    show_log(quiet)
    use_data(data_dir)
    components = load_components(include or [])
    lengths = None if length is None else [length]
    selection = selection_of(lengths, None, [], None, steps=updates)
    plan = plan_of(components, benchmark, selection, results)
    make_writable(plan.results)
    configure_torch(threads)
    command = _command(plan.checked.name, benchmark, results, include)
    backend = Backend(device.value, kernel)
    execution = ExecutionOptions(components, backend, plan.results, command=command)
    proposals = _Proposals(trials or plan.search.trials, random, seed)
    raise typer.Exit(_searched(plan, proposals, execution, json, quiet))


class _Proposals(NamedTuple):
    """How many trials there are in all, and how they are proposed."""

    trials: int
    is_random: bool
    seed: int


def _searched(
    plan: "Plan", proposals: _Proposals, execution: "ExecutionOptions", json: bool, quiet: bool
) -> int:
    """Train the trials of a search that are not recorded, report them; return the exit code."""
    from urnn_bench.cli.signals import stoppable
    from urnn_bench.records.trials import RANDOM, TPE
    from urnn_bench.search.execute import Seeded, execute

    seeded = Seeded(RANDOM if proposals.is_random else TPE, proposals.seed)
    with stoppable() as stop:
        ended = _reported(execute(plan, seeded, proposals.trials, execution, stop), json, quiet)
    if not quiet:
        _report_best(ended, execution.command)
    if stop() and not quiet:
        echo_err(f"to go on: {same_command()}")
    return stop.exit_code or _exit_code(ended)


def _command(
    name: str, benchmark: str, results: Path | None, include: list[Path] | None
) -> Command:
    folder = None if results is None else str(results)
    return Command({name: benchmark}, results=folder, include=tuple(map(str, include or [])))


def _reported(ended: "Iterable[tuple[Trial, bool]]", json: bool, quiet: bool) -> "list[Trial]":
    """Report trials as they end, those that were recorded before as their number; return all."""
    all_trials: list[Trial] = []
    recorded, best = 0, inf
    for trial, was_recorded in ended:
        all_trials.append(trial)
        best = min(best, inf if trial.loss is None else trial.loss)
        recorded += was_recorded
        if json:
            echo(json_text(trial.model_dump(mode="json")))
        if not quiet and not was_recorded:
            if len(all_trials) == recorded + 1 and recorded:
                _report_recorded(recorded)
            echo_err(_line(trial, best))
    if not quiet and recorded and recorded == len(all_trials):
        _report_recorded(recorded)
    return all_trials


def _report_recorded(count: int) -> None:
    echo_err(f"{count} {'trials' if count > 1 else 'trial'} recorded before")


def _line(trial: "Trial", best: float) -> str:
    """Return a trial on one line."""
    loss = trial.reason if trial.loss is None else f"validation loss {shown(trial.loss)}"
    parts = (trial.state, loss, f"best {shown(best)}", values_text(trial.values))
    return f"trial {trial.trial}: {', '.join(parts)}"


def _report_best(ended: "list[Trial]", command: Command) -> None:
    from urnn_bench.analysis.best_trials import best

    if not (first := best(ended)[:1]):
        echo_err("no trial is complete yet")
        return
    trial = first[0].trial
    loss, values = shown(trial.loss), values_text(trial.values)
    echo_err(f"best: trial {trial.trial}, validation loss {loss}, {values}")
    (name,) = command.benchmarks
    echo_err(f"to see the best, and their test scores: {table_of_trials(command, name)}")


def _exit_code(ended: "list[Trial]") -> int:
    """Return 3 if there are trials and all have failed."""
    return _SOME_FAILED if ended and all(trial.loss is None for trial in ended) else 0
