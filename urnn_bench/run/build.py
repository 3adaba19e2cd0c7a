"""A run to the objects that train it: its task, its network, its optimizer, its probes."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.data import store
from urnn_bench.engine.cuda_graph import CudaGraphUpdates
from urnn_bench.engine.draws import batch_of
from urnn_bench.engine.stages import in_stages
from urnn_bench.engine.update import Eager, Job, UpdateStrategy
from urnn_bench.errors import ComponentError, KernelError, attempt
from urnn_bench.events import SPLITS
from urnn_bench.global_state import kept
from urnn_bench.kernels.choose import Choice
from urnn_bench.models import SequenceModel
from urnn_bench.probes._runner import ProbeRunner
from urnn_bench.probes.base import Probe
from urnn_bench.random_streams import seeded
from urnn_bench.readouts.base import Readout
from urnn_bench.registry import Components, Registry
from urnn_bench.run import component_check
from urnn_bench.run.architecture import (
    Architecture,
    Layers,
    Part,
    raised_by,
    validated,
    without_values,
)
from urnn_bench.run.device import Backend, device_of
from urnn_bench.run.stage_job import stage_job
from urnn_bench.spec.fit import Fit
from urnn_bench.spec.run import Run
from urnn_bench.spec.types import ComponentSpec, Config
from urnn_bench.tasks.base import Task

_DTYPES: Mapping[str, torch.dtype] = {"float32": torch.float32, "float64": torch.float64}
# weights, the best ones, and at most three that an optimizer keeps for each, with room to spare
_CHECKPOINT_COPIES = 8
# a double precision number; a complex one of a state counts as two
_NUMBER_BYTES = 8
# settings, names, and the format's own
_CHECKPOINT_REST_MB = 4.0
Configured = TypeVar("Configured", Task, Probe)


def count_parameters(components: Components, run: Run) -> int:
    """Return the number of trainable parameters; raise ComponentError if the cell raises."""
    with kept():
        return architecture_of(components, run).count_parameters(run.hidden)


def architecture_of(components: Components, run: Run) -> Architecture:
    """Return a run's network but for its width; raise ComponentError with what its task raises."""
    return _architecture(components, run, task_of(components, run))


def check_files(components: Components, task: str, include: Sequence[str] = ()) -> None:
    """Raise DataError if the files that a task reads are missing or damaged."""
    data = components.tasks.get(task, Task).data
    if data is not None:
        store.check(data, include)


def check_data(components: Components, run: Run) -> None:
    """Raise DataError if a run's data are too few for its batches.

    Raises ComponentError with whatever else its task raises when it draws.
    """
    for part in run.parts:
        task = task_of(components, part)
        with kept():
            raised_by(f"the task '{part.task.name}' cannot draw a batch", _draw, task, part)


def _draw(task: Task, run: Run) -> None:
    batch_of(task, "train", 0, run.fit.batch, run.seed)
    for split in SPLITS[1:]:
        task.batches(split, task.evaluation_batch(run.fit.evaluate_batch))


def task_of(components: Components, run: Run) -> Task:
    """Return the task of a run; raise ComponentError with what it raises."""
    return _configured(components.tasks, Task, run.task)


def evaluation_tasks(components: Components, run: Run) -> dict[int, Task]:
    """Return a run's task at every other length of its test; raise ComponentError.

    A length that changes the task's inputs or outputs is refused, as the network has those of
    training.
    """
    tasks = {T: _task_at(components, run, T) for T in run.other_lengths}
    signature = task_of(components, run).signature if tasks else None
    for T, task in tasks.items():
        text = f"the task '{run.task.name}' cannot say what its inputs and outputs are"
        if raised_by(text, getattr, task, "signature") != signature:
            raise ComponentError(
                f"'{run.task.name}' trained at T = {run.T} cannot be scored at T = {T}: "
                "its inputs or outputs are others there; remove it from evaluate.T"
            )
    return tasks


def _task_at(components: Components, run: Run, T: int) -> Task:
    """Return the task of a run at another length."""
    options = {**run.task.options, "T": T}
    return _configured(components.tasks, Task, run.task.model_copy(update={"options": options}))


def job_of(components: Components, run: Run, backend: Backend) -> tuple[Job, Choice]:
    """Return what the engine needs, and the kernel chosen; weights follow the run's seed.

    Raises DeviceError or KernelError if the requested device or kernel cannot be used.
    """
    device, dtype = device_of(backend.device), _DTYPES[run.fit.dtype]
    with seeded(run.seed, "init"):
        # here too a task of a user's that draws changes nothing outside the run
        task = task_of(components, run)
        model = _network(components, run, task, device.type, backend.kernel)
        tasks = [*(task_of(components, part) for part in run.parts[:-1]), task]
    _require_kernel(model.cell, backend)
    for part, its_task in zip(run.parts, tasks, strict=True):
        _check_components(components, part, its_task, model)
    model.to(device, dtype)
    jobs = []
    for part, its_task in zip(run.parts, tasks, strict=True):
        model.kernel.warm_up(part.fit.batch * its_task.sequences_per_example, dtype)
        strategy = _strategy(device, backend, model.cell, part.fit)
        jobs.append(stage_job(part, its_task, model, strategy))
    return in_stages(jobs, [stage.name for stage in run.stages]), model.kernel


def _check_components(components: Components, run: Run, task: Task, model: SequenceModel) -> None:
    # one layer: what is checked is each component by itself
    alone = run.model_copy(update={"layers": 1, "block": None, "bidirectional": False})

    def network(seed: int) -> SequenceModel:
        with kept(), seeded(seed, "init"):
            return _network(components, alone, task, "cpu", "eager")

    trained = model if alone.network == run.network else None
    component_check.check(run, task, model, trained, network, _DTYPES[run.fit.dtype])


def reference_model(components: Components, run: Run, device: str) -> tuple[SequenceModel, Tensor]:
    """Return a run's network on the time loop, if it has a step in time, and its first inputs.

    On the device "meta" both have shapes and no values.
    """
    task, dtype = task_of(components, run), _DTYPES[run.fit.dtype]
    x = task.batch("train", 0, run.fit.batch, run.seed).x
    with torch.device(device), torch.random.fork_rng(devices=[]):
        model = _network(components, run, task, "cpu", "eager")
        if not model.cell.has_step:
            model = _network(components, run, task, "cpu", "auto")
    return model.to(dtype), x.to(device, dtype if x.is_floating_point() else x.dtype)


def shapes(components: Components, run: Run) -> dict[str, torch.Size]:
    """Return the shape of every parameter and buffer of a run's network."""
    task = task_of(components, run)
    with kept():
        model = without_values(lambda _: _network(components, run, task, "cpu", "eager"))
    return {name: tensor.shape for name, tensor in model.state_dict().items()}


def probe_runner_of(components: Components, run: Run) -> ProbeRunner | None:
    """Return a run's probes and the sequences that they read, None if it has no probes."""
    schedule = run.probes
    if schedule is None:
        return None
    task = _task_at(components, run, schedule.T or run.T)
    probes = {spec.name: _configured(components.probes, Probe, spec) for spec in schedule.read}
    batch = batch_of(task, "validation", 0, schedule.batch, run.seed)
    return ProbeRunner(schedule, task, batch, probes)


def checkpoint_limit_mb(components: Components, run: Run) -> float:
    """Return more than a checkpoint can take, in MiB; raise ComponentError or DataError."""
    # not on the device "meta", where a task that reads its data now would keep none of them
    task = task_of(components, run)
    with kept():
        model = without_values(lambda _: _network(components, run, task, "cpu", "eager"))
        carried = attempt(without_values, lambda _: _carried(components, run, task))
    weights = sum(int(tensor.numel()) for tensor in model.state_dict().values())
    numbers = _CHECKPOINT_COPIES * weights + 2 * (0 if isinstance(carried, Exception) else carried)
    return _CHECKPOINT_REST_MB + numbers * _NUMBER_BYTES / 2**20


def _carried(components: Components, run: Run, task: Task) -> int:
    """Return how many numbers a state of a batch has."""
    cell = _network(components, run, task, "cpu", "eager").cell
    batch = max(part.fit.batch for part in run.parts)
    return sum(tensor.numel() for tensor in cell.initial_state(batch))


def kernel_of(components: Components, run: Run, backend: Backend) -> Choice:
    """Return the kernel a run would use."""
    device, task = device_of(backend.device), task_of(components, run)
    model = without_values(lambda _: _network(components, run, task, device.type, backend.kernel))
    _require_kernel(model.cell, backend)
    return model.kernel


def _require_kernel(cell: Cell, backend: Backend) -> None:
    """Raise KernelError if the time loop is requested and does not compute what training does."""
    if backend.kernel == "eager" and cell.time_loop_refusal:
        reason = cell.time_loop_refusal
        raise KernelError(f"the kernel 'eager' cannot run: {reason}; use --kernel auto")


def _configured(registry: Registry, base: type[Configured], spec: ComponentSpec) -> Configured:
    component = registry.get(spec.name, base)
    text = f"the {registry.kind} '{spec.name}' cannot be built"
    with kept():
        return raised_by(text, component, _options(component.Options, spec))


def _options(options: type[Config], spec: ComponentSpec) -> Config:
    return validated(options, _options_text(spec))


def _options_text(spec: ComponentSpec) -> str:
    return json.dumps(spec.options, sort_keys=True)


def _architecture(components: Components, run: Run, task: Task) -> Architecture:
    cell, readout = run.cell, run.readout
    cell_type = components.cells.get(cell.name, Cell)
    readout_type = components.readouts.get(readout.name, Readout)
    text = f"the task '{run.task.name}' cannot say what its inputs and outputs are"
    signature = raised_by(text, getattr, task, "signature")
    return Architecture(
        Part(cell.name, cell_type, _options_text(cell)),
        Layers(run.layers, run.block, run.bidirectional),
        Part(readout.name, readout_type, _options_text(readout)),
        run.pool,
        signature,
    )


def _network(
    components: Components, run: Run, task: Task, device: str, kernel: str
) -> SequenceModel:
    """Return a run's network; raise ComponentError with what its cell or readout raises."""
    with kept():
        return _architecture(components, run, task).network(run.hidden, device, kernel)


def _strategy(device: torch.device, backend: Backend, cell: Cell, fit: Fit) -> UpdateStrategy:
    """Return CUDA graphs on a GPU, unless the time loop is requested or the cell cannot."""
    if device.type != "cuda":
        return Eager(f"there are no graphs on {device.type}")
    if backend.kernel == "eager":
        return Eager("asked for")
    if fit.schedule is not None:
        return Eager("the learning rate changes from update to update")
    return Eager(cell.host_sync_reason) if cell.host_sync_reason else CudaGraphUpdates()
