"""``urnn-bench run``: from benchmarks and a selection to records."""

import typer

from urnn_bench.cli.options import run as options
from urnn_bench.cli.options.shared import DataDir, Device, Include, Results, use_data
from urnn_bench.errors import UsageError
from urnn_bench.proposals import Command
from urnn_bench.registry import Components


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
    from urnn_bench.cli.commands.dry_run import preview
    from urnn_bench.cli.display.log import show_log
    from urnn_bench.cli.display.output import echo_block, echo_err
    from urnn_bench.cli.selection import seeds_of, selection_of
    from urnn_bench.cli.training import Reporting, prepare_runs, train_runs
    from urnn_bench.records.folder import default_results
    from urnn_bench.run.context import ExecutionOptions
    from urnn_bench.run.device import Backend
    from urnn_bench.run.included import unused
    from urnn_bench.run.matrix import config_text, matrix
    from urnn_bench.run.resolve import include as include_files
    from urnn_bench.run.scheduler import require_writable

    if print_config and json:
        raise UsageError("--print-config writes YAML; leave out --json")
    if quiet and verbose:
        raise UsageError("-q reports less and -v more; give one of them")
    show_log(quiet)
    use_data(data_dir)
    components = include_files(Components(), include or [])
    selection = selection_of(
        lengths, models, seeds_of(seed, seeds), settings, steps=updates, batch=batch
    )
    folder = results or default_results()
    requested = matrix(components, benchmarks, selection, probe, folder)
    # who names models has chosen them
    for sentence in [] if models else unused(include or [], requested.runs):
        echo_err(f"warning: {sentence}")
    if print_config:
        if len(benchmarks) > 1:
            raise UsageError("--print-config writes one benchmark; give one")
        echo_block(config_text(components, benchmarks[0], selection, probe, stacked).rstrip())
        return
    backend = Backend(device.value, kernel)
    command = Command(
        requested.given,
        results=None if results is None else str(results),
        data_dir=None if data_dir is None else str(data_dir),
        include=tuple(map(str, include or [])),
        probe=probe,
        settings=tuple(settings or []),
        updates=updates,
        batch=batch,
        device=None if device is Device.auto else device.value,
        kernel=None if kernel == "auto" else kernel,
        threads=threads,
    )
    execution = ExecutionOptions(components, backend, folder, time_limit, force, command)
    if not dry_run:
        require_writable(requested.runs, execution)
    stacks = prepare_runs(requested, execution, threads, stacked)
    if dry_run:
        preview(stacks, execution, json)
        return
    raise typer.Exit(train_runs(stacks, execution, Reporting(json, quiet, verbose)))
