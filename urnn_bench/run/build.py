"""A run to the objects that carry it out: options checked, width found, network built."""

import torch
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.data import store
from urnn_bench.engine import optim
from urnn_bench.engine.cuda_graph import Captured
from urnn_bench.engine.update import Beside, Descent, Eager, Job
from urnn_bench.errors import (
    ComponentError,
    UrnnBenchError,
)
from urnn_bench.events import SPLITS
from urnn_bench.kernels.choose import Choice, choose
from urnn_bench.models import SequenceModel, stacked_forward, steps_are_independent
from urnn_bench.probes._runner import ProbeRunner
from urnn_bench.probes.base import Probe
from urnn_bench.random_streams import seeded
from urnn_bench.registry import Components
from urnn_bench.run.device import Backend, device_of
from urnn_bench.spec.run import Run
from urnn_bench.tasks.base import Task


def parameters(components: Components, run: Run) -> int:
    """Return the number of trainable parameters, counted without allocating any."""
    with torch.device("meta"):
        model = _network(components, run, "cpu", "eager")
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def check_data(components: Components, run: Run) -> None:
    """Raise DataError if a run's data are missing or damaged, or too few for its batches."""
    data = components.tasks.get(run.task.name, Task).data
    if data is not None:
        store.check(data)
    task = task_of(components, run)
    task.batch("train", 0, run.fit.batch, run.seed)
    for split in SPLITS[1:]:
        task.batches(split, task.evaluation_batch(run.fit.evaluate_batch))


def task_of(components: Components, run: Run) -> Task:
    """Return the task of a run."""
    kind = components.tasks.get(run.task.name, Task)
    return kind(kind.Options.model_validate(run.task.options))


def job_of(components: Components, run: Run, backend: Backend) -> tuple[Job, Choice]:
    """Return what the engine needs, and the kernel chosen; weights follow the run's seed.

    Raises DeviceError or KernelError if what was asked for is not here.
    """
    device = device_of(backend.device)
    with seeded(run.seed, "init"):
        model = _network(components, run, device.type, backend.kernel)
    model.to(device, getattr(torch, run.fit.dtype))
    model.kernel.warm_up(run.fit.batch, getattr(torch, run.fit.dtype))
    trained = [p for p in model.parameters() if p.requires_grad]
    own_rate = model.cell.orthogonal_parameters(), run.fit.orthogonal_lr
    optimizer = optim.make(run.fit.optimizer, trained, *own_rate)
    task, descent = task_of(components, run), _descent(device, backend, model.cell)
    beside = Beside(stacked_forward, steps_are_independent) if model.kernel.stacked else None
    cost = run.fit.batch * (model.cell.flops() or 0.0)
    job = Job(
        model, task, optimizer, run.fit, run.seed, descent, model.cell.on_update_end, beside, cost
    )
    return job, model.kernel


def reference_model(components: Components, run: Run, device: str) -> tuple[SequenceModel, Tensor]:
    """Return a run's network with the time loop, and its first inputs; of both on the device
    "meta" only the sizes.
    """
    x = task_of(components, run).batch("train", 0, run.fit.batch, run.seed).x
    with torch.device(device), torch.random.fork_rng(devices=[]):
        model = _network(components, run, "cpu", "eager")
    dtype = getattr(torch, run.fit.dtype)
    return model.to(dtype), x.to(device, dtype if x.is_floating_point() else x.dtype)


def _descent(device: torch.device, backend: Backend, cell: Cell) -> Descent:
    """Return how updates are carried out: on a GPU captured, unless the time loop is asked for."""
    if device.type != "cuda":
        return Eager(f"there are no graphs on {device.type}")
    if backend.kernel == "eager":
        return Eager("asked for")
    return Eager(cell.host_sync_reason) if cell.host_sync_reason else Captured()


def probe_runner_of(components: Components, run: Run) -> ProbeRunner | None:
    """Return a run's probes and the sequences they look at, None if there are none."""
    when = run.probes
    if when is None:
        return None
    options = {**run.task.options, "T": when.T or run.T}
    task = run.task.model_copy(update={"options": options})
    source = task_of(components, run.model_copy(update={"task": task}))
    kinds = [(named, components.probes.get(named.name, Probe)) for named in when.read]
    probes = {n.name: kind(kind.Options.model_validate(n.options)) for n, kind in kinds}
    batch = source.batch("validation", 0, when.batch, run.seed)
    return ProbeRunner(when, source, batch, probes)


def kernel_of(components: Components, run: Run, backend: Backend) -> Choice:
    """Return the kernel a run would use, without building its network."""
    device = device_of(backend.device)
    with torch.device("meta"):
        return _network(components, run, device.type, backend.kernel).kernel


def _network(components: Components, run: Run, device: str, kernel: str) -> SequenceModel:
    task = task_of(components, run)
    kind = components.cells.get(run.cell.name, Cell)
    options = kind.Options.model_validate(run.cell.options)
    try:
        cell = kind(task.signature.inputs.width, run.hidden, options)
        model = SequenceModel(cell, task.signature, choose(cell, device, kernel))
    except UrnnBenchError:
        raise
    except Exception as error:
        text = f"the cell '{run.cell.name}' cannot be built {run.hidden} wide"
        raise ComponentError(f"{text}: {type(error).__name__}: {error}") from error
    return model
