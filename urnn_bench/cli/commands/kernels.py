"""``urnn-bench kernels``: check every kernel, and measure how fast it is on this machine."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from urnn_bench.cli.commands import kernel_forward as forwards
from urnn_bench.cli.commands import kernel_tables as tables
from urnn_bench.cli.commands.kernel_sizes import (
    Sizes,
    check_kernels,
    sizes_of_benchmark,
    sizes_of_options,
    without_refused,
)
from urnn_bench.cli.display.output import csv_text
from urnn_bench.cli.options import kernels as options
from urnn_bench.cli.options.shared import DataDir, Device, Include, Json, use_data
from urnn_bench.cli.sources import load_components
from urnn_bench.errors import UsageError
from urnn_bench.files import write_atomically
from urnn_bench.machine import processors
from urnn_bench.registry import Components

if TYPE_CHECKING:
    from urnn_bench.measure.forward import ForwardTiming
    from urnn_bench.measure.forward_plan import CellAtShape
    from urnn_bench.measure.timing import Timing


def kernels(
    benchmark: options.Benchmark = None,
    models: options.Models = None,
    kernel: options.Kernels = None,
    steps: options.Steps = None,
    hidden: options.Hidden = None,
    batch: options.Batch = None,
    inputs: options.Inputs = None,
    device: options.Device = Device.cpu,
    threads: options.Threads = None,
    rounds: options.Rounds = 7,
    forward: options.Forward = False,
    peer: options.Peers = None,
    profile: options.Profile = False,
    seeds: options.Seeds = None,
    csv: options.Csv = None,
    include: Include = None,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Check every kernel against the time loop in float64, then time all of them in turn."""
    use_data(data_dir)
    _check_combination(forward, profile, seeds, kernel, csv, device)
    forwards.check_peers(peer or [], forward, device.value)
    components = load_components(include or [])
    device_name = _supported_device(device)
    if benchmark and (steps or batch or hidden or inputs):
        raise UsageError(
            "a benchmark sets the sizes: leave out --steps, --batch, --hidden and --inputs"
        )
    if forward:
        if benchmark:
            cells = forwards.cells_of_benchmark(components, benchmark, models)
        else:
            sizes = sizes_of_options(components, models, steps, batch, hidden, inputs)
            cells = forwards.cells_of_sizes(components, sizes)
        _time_forward(components, cells, rounds, device_name, kernel, peer, threads, csv, json)
        return
    if benchmark:
        sizes = sizes_of_benchmark(components, benchmark, models)
    else:
        sizes = sizes_of_options(components, models, steps, batch, hidden, inputs)
        _check_memory(sizes, device_name)
    check_kernels(components, [name for names in sizes.values() for name in names], kernel or [])
    sizes = without_refused(components, sizes)
    if profile:
        _profile(components, sizes, threads, json)
    elif seeds is not None:
        _time_stacking(components, sizes, seeds, rounds, device_name, kernel, threads, json)
    else:
        _time(components, sizes, rounds, device_name, kernel, threads, csv, json)


def _check_combination(
    forward: bool,
    profile: bool,
    seeds: int | None,
    kernels: list[str] | None,
    csv: Path | None,
    device: Device,
) -> None:
    """Raise UsageError for options that exclude each other."""
    if forward and (profile or seeds is not None):
        raise UsageError("--forward times the forward pass alone; leave out --profile and --seeds")
    if profile and kernels:
        raise UsageError("--profile measures the kernel that a run has; leave out --kernel")
    if profile and (csv is not None or device is Device.cuda):
        raise UsageError("--profile measures updates on a CPU; leave out --csv and --device")
    if seeds is not None and (csv is not None or profile):
        raise UsageError("--seeds prints its own table; leave out --csv and --profile")
    if csv is not None and csv.exists() and not csv.is_file():
        raise UsageError(f"--csv {csv}: is not a regular file; choose another name")


def _profile(components: Components, sizes: Sizes, threads: int | None, json: bool) -> None:
    from urnn_bench.measure.profile import profile_update
    from urnn_bench.run.device import configure_torch

    configure_torch(threads)
    rows = [
        row
        for shape, models in sizes.items()
        for model in models
        for row in profile_update(components, model, shape)
    ]
    if json:
        tables.show_json(rows)
    else:
        tables.show_profile(rows)


def _time_stacking(
    components: Components,
    sizes: Sizes,
    seeds: int,
    rounds: int,
    device: str,
    kernels: list[str] | None,
    threads: int | None,
    json: bool,
) -> None:
    from urnn_bench.measure.stacking import time_stacking
    from urnn_bench.run.device import configure_torch

    configure_torch(threads)
    rows = [
        row
        for shape, models in sizes.items()
        for row in time_stacking(components, models, shape, seeds, rounds, device, kernels)
    ]
    if json:
        tables.show_json(rows)
    else:
        tables.show_stacking(rows)


def _time(
    components: Components,
    sizes: Sizes,
    rounds: int,
    device: str,
    kernels: list[str] | None,
    threads: int | None,
    csv: Path | None,
    json: bool,
) -> None:
    from urnn_bench.measure.timing import time_kernels
    from urnn_bench.run.device import configure_torch

    # torch gets every processor too, where a run would give it one: each candidate sets its own
    configure_torch(threads or processors.count())
    rows: list[Timing] = []
    for shape, models in sizes.items():
        rows += time_kernels(components, models, shape, rounds, device, kernels)
        if csv is not None:
            lines = [asdict(row) | {"us_per_step": row.us_per_step} for row in rows]
            _write_csv(lines, csv, device)
    if json:
        tables.show_json(rows)
    else:
        tables.show_timings(rows)


def _time_forward(
    components: Components,
    cells: "list[CellAtShape]",
    rounds: int,
    device: str,
    kernels: list[str] | None,
    peers: list[str] | None,
    threads: int | None,
    csv: Path | None,
    json: bool,
) -> None:
    from urnn_bench.measure.forward import time_forward
    from urnn_bench.run.device import configure_torch

    configure_torch(threads or processors.count())
    check_kernels(components, [cell.spec.name for cell in cells], kernels or [])
    rows: list[ForwardTiming] = []
    for plans in forwards.plans_of(components, cells, device, kernels or []):
        rows += time_forward(components, plans, rounds, device, peers or [])
        if csv is not None:
            _write_csv([asdict(row) for row in rows], csv, device)
    if json:
        tables.show_json(rows)
    else:
        tables.show_forward(rows, peers or [])


def _check_memory(sizes: Sizes, device: str) -> None:
    from urnn_bench.run.limits import require_memory_for

    for shape in sizes:
        require_memory_for(shape.steps, shape.batch, shape.hidden, device)


def _supported_device(device: Device) -> str:
    """Return cpu or cuda; raise DeviceError if it is missing, UsageError if it has no float64."""
    from urnn_bench.run.device import device_of

    name = device_of(device.value).type
    if name not in ("cpu", "cuda"):
        raise UsageError(
            f"kernels are checked in float64, which {name} does not support; use --device cpu"
        )
    return name


def _write_csv(rows: list[dict[str, object]], path: Path, device: str) -> None:
    """Write the rows so far, each with the device's name and torch's version."""
    import pandas as pd
    import torch

    from urnn_bench.run.device import device_name

    machine = {"device_name": device_name(torch.device(device)), "torch": torch.__version__}
    text = csv_text(pd.DataFrame([row | machine for row in rows]))
    path.parent.mkdir(parents=True, exist_ok=True)
    # the user's own link: its target is written, and the link stays
    write_atomically(
        path.resolve(), lambda file: file.write(text.encode(errors="backslashreplace"))
    )
