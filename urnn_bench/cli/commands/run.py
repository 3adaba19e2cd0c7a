"""``urnn-bench run``: from benchmarks and a selection to records."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from urnn_bench.cli.options import run as options
from urnn_bench.cli.options.shared import DataDir, Device, Include, Results, use_data
from urnn_bench.errors import UsageError
from urnn_bench.proposals import Command

if TYPE_CHECKING:
    from urnn_bench.cli.reporting import Reporting
    from urnn_bench.launchers.base import StackLauncher
    from urnn_bench.run.context import ExecutionOptions
    from urnn_bench.run.job_count import Concurrency
    from urnn_bench.run.matrix import Matrix
    from urnn_bench.spec.run import Run


def run(
    benchmarks: options.Benchmarks,
    lengths: options.Lengths = None,
    models: options.Models = None,
    seed: options.Seed = None,
    seeds: options.Seeds = None,
    updates: options.Updates = None,
    batch: options.Batch = None,
    settings: options.Settings = None,
    probe: options.Probe = False,
    stacked: options.Stacked = None,
    device: options.Device = Device.auto,
    kernel: options.Kernel = "auto",
    threads: options.Threads = None,
    jobs: options.Jobs = None,
    on: options.On = None,
    time_limit: options.TimeLimit = None,
    results: Results = None,
    data_dir: DataDir = None,
    include: Include = None,
    force: options.Force = False,
    dry_run: options.DryRun = False,
    print_config: options.PrintConfig = False,
    json: options.JsonLines = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Train the runs of benchmarks that are not done yet; resume those that were stopped."""
    from urnn_bench.cli.display.log import show_log
    from urnn_bench.cli.display.output import echo_block
    from urnn_bench.cli.reporting import Reporting
    from urnn_bench.cli.selection import seeds_of, selection_of
    from urnn_bench.cli.sources import load_components
    from urnn_bench.launchers.base import BatchLauncher, StackLauncher, launcher_of
    from urnn_bench.records.folder import default_results
    from urnn_bench.run.matrix import config_text, matrix

    reporting = Reporting(json, quiet, verbose)
    _check_output(reporting, len(benchmarks) if print_config else 0)
    show_log(quiet)
    use_data(data_dir)
    files, folder, own = include or [], results or default_results(), seeds_of(seed, seeds)
    selection = selection_of(lengths, models, own, settings, steps=updates, batch=batch)
    launcher = None if on is None or print_config else launcher_of(on)
    if isinstance(launcher, BatchLauncher):
        from urnn_bench.cli.submission import refuse_repeated, submit

        refuse_repeated(force, time_limit)
        given = (benchmarks, selection, files, folder, jobs, dry_run)
        raise typer.Exit(submit(launcher, *given, reporting))
    components = load_components(files)
    requested = matrix(components, benchmarks, selection, probe, folder)
    # who names models has chosen them
    if not models:
        _warn_of_unused(files, requested.runs)
    if print_config:
        echo_block(config_text(components, benchmarks[0], selection, probe, stacked).rstrip())
        return
    command = Command(
        requested.given,
        results=_text(results),
        data_dir=_text(data_dir),
        include=tuple(map(str, files)),
        probe=probe,
        settings=tuple(settings or []),
        updates=updates,
        batch=batch,
        device=None if device is Device.auto else device.value,
        kernel=None if kernel == "auto" else kernel,
        threads=threads,
    )
    from urnn_bench.run.context import ExecutionOptions
    from urnn_bench.run.device import Backend
    from urnn_bench.run.job_count import Concurrency

    backend = Backend(device.value, kernel)
    execution = ExecutionOptions(components, backend, folder, time_limit, force, command=command)
    concurrency = Concurrency(jobs, threads)
    place = (concurrency, launcher if isinstance(launcher, StackLauncher) else None)
    raise typer.Exit(_execute(requested, execution, place, stacked, dry_run, reporting))


def _check_output(reporting: "Reporting", printed: int) -> None:
    """Raise UsageError for options that exclude each other; ``printed`` counts --print-config."""
    if printed and reporting.json:
        raise UsageError("--print-config writes YAML; leave out --json")
    if printed > 1:
        raise UsageError("--print-config writes one benchmark; give one")
    if reporting.quiet and reporting.verbose:
        raise UsageError("-q reports less and -v more; give one of them")


def _warn_of_unused(files: Sequence[Path], runs: "Sequence[Run]") -> None:
    from urnn_bench.cli.display.output import echo_err
    from urnn_bench.run.included import unused

    for sentence in unused(files, runs):
        echo_err(f"warning: {sentence}")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _execute(
    requested: "Matrix",
    execution: "ExecutionOptions",
    place: "tuple[Concurrency, StackLauncher | None]",
    stacked: bool | None,
    dry_run: bool,
    reporting: "Reporting",
) -> int:
    """Train the requested runs, or only show them; return the exit code."""
    from urnn_bench.cli.commands.dry_run import preview
    from urnn_bench.cli.training import prepare_runs, train_runs
    from urnn_bench.run.job_count import jobs_of
    from urnn_bench.run.scheduler import require_writable

    if not dry_run:
        require_writable(requested.runs, execution)
    stacks = prepare_runs(requested, execution, place[0].threads, stacked)
    if not dry_run:
        return train_runs(stacks, execution, reporting, *place)
    preview(stacks, execution, jobs_of(stacks, execution, place[0]).count, reporting.json)
    return 0
