"""A run to the objects that carry it out: options checked, width found, network built."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor

from urnn_bench.cells.base import Cell
from urnn_bench.data import store
from urnn_bench.engine import optim
from urnn_bench.engine.cuda_graph import Captured
from urnn_bench.engine.update import Beside, Descent, Eager, Job
from urnn_bench.errors import (
    ComponentError,
    DeviceError,
    SpecError,
    UnknownNameError,
    UrnnBenchError,
    UsageError,
    near_miss,
)
from urnn_bench.events import SplitName
from urnn_bench.figures.base import Figure
from urnn_bench.kernels.choose import Choice, choose
from urnn_bench.models import SequenceModel, apart, at_once
from urnn_bench.probes._runner import Probing
from urnn_bench.probes.base import Probe
from urnn_bench.registry import Components, Registry, load_file, subclasses
from urnn_bench.spec.explain import spec_error
from urnn_bench.spec.load import KeyPath
from urnn_bench.spec.schema import Named, Probes, Run, Strict
from urnn_bench.spec.sweep import Draft
from urnn_bench.streams import seeded
from urnn_bench.tasks.base import Task

_KINDS: dict[str, type[Any]] = {"cells": Cell, "tasks": Task, "figures": Figure, "probes": Probe}
_SPLITS: tuple[SplitName, ...] = ("train", "validation", "test")
_WIDEST = 1 << 16


@dataclass(frozen=True)
class Machinery:
    """What a result should not depend on: where and how the arithmetic is done."""

    device: str = "auto"
    kernel: str = "auto"


def include(components: Components, paths: Sequence[Path]) -> Components:
    """Return the registries with the components of the user's files added."""
    for path in paths:
        module = load_file(path.resolve())
        found = [name for name, kind in _KINDS.items() if subclasses(module, kind)]
        if not found:
            raise UsageError(f"{path}: defines no public subclass of Cell, Task, Figure or Probe")
        added = {name: getattr(components, name).include(path.resolve()) for name in found}
        components = replace(components, **added)
    return components


def resolve(components: Components, benchmark: str, draft: Draft) -> Run:
    """Check the options of a draft's components and settle its width.

    Raises SpecError, or UnknownNameError, with the place in the benchmark file.
    """
    model = draft.model
    task = _checked(components.tasks, Task, draft.task, draft, ("task",))
    cell = _checked(components.cells, Cell, model.cell, draft, ("models", draft.model_name, "cell"))
    _check_solved(components, task, draft)
    run = Run(
        benchmark=benchmark,
        label=draft.label,
        task=task,
        cell=cell,
        hidden=model.hidden or 1,
        fit=draft.fit,
        seed=draft.seed,
        probes=_probes(components, draft),
        settings=draft.settings,
    )
    if model.hidden is not None:
        return run
    if model.parameters is None:
        where = draft.where(("models", draft.model_name))
        raise SpecError(where + "give the size, by 'hidden' or by a budget of 'parameters'")
    hidden = widest(components, run, model.parameters)
    if hidden is None:
        where = draft.where(("models", draft.model_name))
        raise SpecError(where + f"no width has as few as {model.parameters} parameters")
    return run.model_copy(update={"hidden": hidden})


def widest(components: Components, run: Run, budget: int) -> int | None:
    """Return the widest hidden layer with at most ``budget`` parameters, by bisection."""
    low, high = 0, _WIDEST
    while high - low > 1:
        middle = (low + high) // 2
        fits = parameters(components, run.model_copy(update={"hidden": middle})) <= budget
        low, high = (middle, high) if fits else (low, middle)
    return low or None


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
    for split in _SPLITS[1:]:
        task.batches(split, task.evaluation_batch(run.fit.evaluate_batch))


def task_of(components: Components, run: Run) -> Task:
    """Return the task of a run."""
    kind = components.tasks.get(run.task.name, Task)
    return kind(kind.Options.model_validate(run.task.options))


def job_of(components: Components, run: Run, machinery: Machinery) -> tuple[Job, Choice]:
    """Return what the engine needs, and the kernel chosen; weights follow the run's seed.

    Raises DeviceError or KernelError if what was asked for is not here.
    """
    device = device_of(machinery.device)
    with seeded(run.seed, "init"):
        model = _network(components, run, device.type, machinery.kernel)
    model.to(device, getattr(torch, run.fit.dtype))
    model.kernel.prepare(run.fit.batch, getattr(torch, run.fit.dtype))
    trained = [p for p in model.parameters() if p.requires_grad]
    own_rate = model.cell.orthogonal(), run.fit.orthogonal_lr
    optimizer = optim.make(run.fit.optimizer, trained, *own_rate)
    task, descent = task_of(components, run), _descent(device, machinery, model.cell)
    beside = Beside(at_once, apart) if model.kernel.stacked else None
    cost = run.fit.batch * (model.cell.flops() or 0.0)
    job = Job(model, task, optimizer, run.fit, run.seed, descent, model.cell.updated, beside, cost)
    return job, model.kernel


def by_loop(components: Components, run: Run, device: str) -> tuple[SequenceModel, Tensor]:
    """Return a run's network with the time loop, and its first inputs; of both on the device
    "meta" only the sizes.
    """
    x = task_of(components, run).batch("train", 0, run.fit.batch, run.seed).x
    with torch.device(device), torch.random.fork_rng(devices=[]):
        model = _network(components, run, "cpu", "eager")
    dtype = getattr(torch, run.fit.dtype)
    return model.to(dtype), x.to(device, dtype if x.is_floating_point() else x.dtype)


def _descent(device: torch.device, machinery: Machinery, cell: Cell) -> Descent:
    """Return how updates are carried out: on a GPU captured, unless the time loop is asked for."""
    if device.type != "cuda":
        return Eager(f"there are no graphs on {device.type}")
    if machinery.kernel == "eager":
        return Eager("asked for")
    return Eager(cell.asks_host) if cell.asks_host else Captured()


def probing_of(components: Components, run: Run) -> Probing | None:
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
    return Probing(when, source, batch, probes)


def kernel_of(components: Components, run: Run, machinery: Machinery) -> Choice:
    """Return the kernel a run would use, without building its network."""
    device = device_of(machinery.device)
    with torch.device("meta"):
        return _network(components, run, device.type, machinery.kernel).kernel


def device_of(wanted: str) -> torch.device:
    """Return a device by name; "auto" is CUDA, MPS or the CPU, the first that is here."""
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return torch.device(next((name for name, yes in here.items() if yes), "cpu"))
    if not here.get(wanted, True):
        raise DeviceError(f"--device {wanted}: no such device is here; use --device cpu or auto")
    return torch.device(wanted)


def fingerprint(job: Job) -> dict[str, str]:
    """Return the SHA-256 of the first sequences of every split, and what the task adds."""
    return {**{split: _digest(job, split) for split in _SPLITS}, **job.task.identity()}


def _digest(job: Job, split: SplitName) -> str:
    batch = job.task.batch(split, 0, job.fit.batch, job.seed)
    digest = hashlib.sha256()
    for tensor in (batch.x, batch.y):
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


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


def _checked(
    registry: Registry, base: type[Any], named: Named, draft: Draft, path: KeyPath
) -> Named:
    """Return a component with every option filled in, and the hash of the user's file if any."""
    if named.name not in registry.names():
        raise UnknownNameError(registry.kind, named.name, registry.names(), draft.where(path))
    options: type[Strict] = registry.get(named.name, base).Options

    def where(inner: KeyPath) -> str:
        return draft.where(inner[-1:] if inner[-1:] == ("T",) else inner)

    try:
        filled = options.model_validate(named.options).model_dump(mode="json")
    except ValidationError as error:
        raise spec_error(error, options, where, path) from error
    return Named(name=named.name, options=filled, source=registry.source(named.name))


def _probes(components: Components, draft: Draft) -> Probes | None:
    """Return a draft's probes with every option filled in."""
    if draft.probes is None:
        return None
    if draft.probes.T is not None:
        longer = {**draft.task.options, "T": draft.probes.T}
        task = draft.task.model_copy(update={"options": longer})
        _checked(components.tasks, Task, task, draft, ("probes", "T"))
    paths = ((named, ("probes", "read", str(i))) for i, named in enumerate(draft.probes.read))
    read = tuple(_checked(components.probes, Probe, n, draft, path) for n, path in paths)
    return draft.probes.model_copy(update={"read": read})


def _check_solved(components: Components, task: Named, draft: Draft) -> None:
    solved, metrics = draft.fit.solved, components.tasks.get(task.name, Task).metrics
    if solved and solved.metric not in metrics:
        hint = near_miss(solved.metric, metrics) or f"; there are: {', '.join(metrics)}"
        where = draft.where(("fit", "solved", "metric"))
        raise SpecError(f"{where}the task '{task.name}' has no metric '{solved.metric}'{hint}")
